"""FEVER (Thorne et al. 2018): claims that Wikipedia supports, refutes, or does not settle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from xgen_core import CodecError
from xgen_eval.datasets import DataSet, Raw, read_rows
from xgen_reason.question import Paragraph, Question

__all__ = ["LABELS", "read_fever"]

LABELS = ("SUPPORTS", "REFUTES", "NOT ENOUGH INFO")
_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-COLON-": ":"}


def read_fever(path: Path) -> Iterator[Question]:
    """The official JSON lines (`claim`), or those with gold sentences (`question`, `pars`).

    Sentences become paragraphs titled by their page where the evidence says which is which.

    Raises:
        InputError: see `read_questions`.
    """
    return read_rows(DataSet(name="fever", row=Question, parse=_parse), [path])


def _parse(raw: Raw) -> Question:
    label = raw.fields.get("label")
    if label is not None and label not in LABELS:
        raise CodecError(f"label: expected one of {', '.join(LABELS)}, got {label!r:.60}")
    cited = _cited(raw.fields.get("evidence", ()))
    sentences = raw.texts("pars") if "pars" in raw.fields else ()
    titles = [page for page, _ in cited]
    if len(titles) != len(sentences):  # a sentence that two pieces of evidence share stands once
        titles = [""] * len(sentences)
    return Question(
        id=f"{raw.value('id')}",
        text=raw.text("claim", "question"),
        kind="label",
        labels=LABELS,
        paragraphs=tuple(
            Paragraph(title=title, text=text) for title, text in zip(titles, sentences, strict=True)
        ),
        golds=() if label is None else (label,),
        support=tuple(dict.fromkeys(page for page, _ in cited)),
    )


def _cited(value: object) -> list[tuple[str, object]]:
    """Page and line of every piece of evidence, once each: the last two of four."""
    cited: dict[tuple[str, object], None] = {}
    for group in cast("Sequence[object]", value) if isinstance(value, (list, tuple)) else (value,):
        for piece in cast("Sequence[object]", group) if isinstance(group, list) else (group,):
            fields = cast("list[object]", piece) if isinstance(piece, list) else []
            if len(fields) != 4:
                raise CodecError(f"evidence: expected groups of four fields, got {piece!r:.60}")
            page, line = fields[2:]
            if isinstance(page, str):
                cited[_title(page), line] = None
    return list(cited)


def _title(page: str) -> str:
    for code, sign in _BRACKETS.items():
        page = page.replace(code, sign)
    return page.replace("_", " ")
