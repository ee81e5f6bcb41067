"""HotpotQA (Yang et al. 2018) and 2WikiMultihopQA (Ho et al. 2020), which share a form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from xgen_core import CodecError
from xgen_core.records import Scalar
from xgen_eval.datasets import DataSet, Raw, read_rows
from xgen_reason.question import Paragraph, Question

__all__ = ["read_2wiki", "read_hotpotqa"]


def read_hotpotqa(path: Path) -> Iterator[Question]:
    """The release's JSON, or rows of the hub.

    Raises:
        InputError: see `read_questions`.
    """
    return read_rows(DataSet(name="hotpotqa", row=Question, parse=_parse), [path])


def read_2wiki(path: Path) -> Iterator[Question]:
    """The release's JSON.

    Raises:
        InputError: see `read_questions`.
    """
    return read_rows(DataSet(name="2wiki", row=Question, parse=_parse), [path])


def _parse(raw: Raw) -> Question:
    facts = _pairs(raw.value("supporting_facts"), "supporting_facts", ("title", "sent_id"))
    attributes: dict[str, Scalar] = {
        name: raw.text(name) for name in ("type", "level") if name in raw.fields
    }
    return Question(
        id=raw.text("_id", "id"),
        text=raw.text("question"),
        paragraphs=tuple(
            Paragraph(title=title, text=" ".join(s.strip() for s in _texts(sentences)))
            for title, sentences in _pairs(raw.value("context"), "context", ("title", "sentences"))
        ),
        golds=(raw.text("answer"),) if raw.fields.get("answer") else (),
        support=tuple(dict.fromkeys(title for title, _ in facts)),
        attributes=attributes,
    )


def _pairs(value: object, name: str, columns: tuple[str, str]) -> list[tuple[str, object]]:
    """Pairs of a title and something: a list of pairs, or two columns as the hub has them."""
    if isinstance(value, dict):
        both = cast("dict[str, Sequence[object]]", value)
        if not set(columns) <= set(both) or len(both[columns[0]]) != len(both[columns[1]]):
            raise CodecError(f"{name}: expected {' and '.join(columns)}, equally long")
        value = list(zip(both[columns[0]], both[columns[1]], strict=True))
    pairs: list[tuple[str, object]] = []
    for pair in cast("Sequence[object]", value) if isinstance(value, (list, tuple)) else (value,):
        two = cast("Sequence[object]", pair) if isinstance(pair, (list, tuple)) else ()
        if len(two) != 2 or not isinstance(two[0], str):
            raise CodecError(f"{name}: expected pairs that begin with a title, got {pair!r:.60}")
        pairs.append((two[0], two[1]))
    return pairs


def _texts(value: object) -> list[str]:
    texts = cast("list[object]", value) if isinstance(value, list) else [None]
    if not all(isinstance(text, str) for text in texts):
        raise CodecError(f"context: expected lists of sentences, got {value!r:.60}")
    return cast("list[str]", texts)
