"""The adversarial questions of HotpotQA (Ye and Durrett 2022) that Verify-and-Edit is measured on.

Each has four paragraphs: the two that the answer rests on, and two that were altered to mislead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from xgen_core import CodecError
from xgen_core.codec import decode
from xgen_core.files import read_jsonl
from xgen_core.records import Record
from xgen_eval.datasets import DataSet, Raw, read_rows
from xgen_reason.question import Paragraph, Question

__all__ = ["CERTIFIED_WRONG", "read_adv_hotpotqa"]

CERTIFIED_WRONG = "certified_wrong"
"""The attribute with answers that people found wrong, one a line."""

_RIGHT, _WRONG = "alt_answers.jsonlines", "incorrect_answers.jsonlines"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged(Record):
    """An answer that people judged."""

    qas_id: str
    answer: str


def read_adv_hotpotqa(path: Path) -> Iterator[Question]:
    """The JSON of the authors.

    Where `alt_answers.jsonlines` and `incorrect_answers.jsonlines` lie beside it, the answers in
    the first are right as well, and those of the second become the attribute `certified_wrong`.

    Raises:
        InputError: see `read_questions`.
    """
    right, wrong = _judged(path.with_name(_RIGHT)), _judged(path.with_name(_WRONG))
    dataset = DataSet(name="adv_hotpotqa", row=Question, parse=_parse)
    for question in read_rows(dataset, [path]):
        golds = tuple(dict.fromkeys((*question.golds, *right.get(question.id, ()))))
        known = wrong.get(question.id)
        attributes = {CERTIFIED_WRONG: "\n".join(dict.fromkeys(known))} if known else {}
        yield replace(question, golds=golds, attributes=attributes)


def _judged(path: Path) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    if path.is_file():
        for judged in read_jsonl(path, _Judged.from_json):
            found.setdefault(judged.qas_id, []).append(judged.answer)
    return found


def _parse(raw: Raw) -> Question:
    value = raw.value("paragraphs")
    rows = [
        Raw(fields=fields, stem=raw.stem, number=raw.number)
        for fields in decode(list[Mapping[str, object]], value, "paragraphs")
    ]
    support: dict[str, None] = {}
    for row in rows:
        supports = row.value("is_supp")
        if not isinstance(supports, bool):
            raise CodecError(f"paragraphs: is_supp: expected true or false, got {supports!r:.60}")
        if supports:
            support[row.text("title")] = None
    return Question(
        id=raw.text("qas_id"),
        text=raw.text("question"),
        paragraphs=tuple(Paragraph(title=r.text("title"), text=r.text("context")) for r in rows),
        golds=(raw.text("answer"),),
        support=tuple(support),
    )
