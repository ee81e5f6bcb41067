"""QALD (Usbeck et al. 2023): questions over a graph, with SPARQL and the values it gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from xgen_core import CodecError, InputError
from xgen_core.codec import decode
from xgen_core.files import read_json, read_jsonl
from xgen_core.records import Record, Scalar
from xgen_eval.datasets import Raw
from xgen_reason.question import Question

__all__ = ["read_qald"]

_LANGUAGE = "en"
_LABELS = "labels.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Label(Record):
    """What people call a thing of the graph."""

    id: str
    label: str


def read_qald(path: Path) -> Iterator[Question]:
    """The release's JSON: an object with `questions`.

    Golds are the values of the answers: what follows the last `/` of an address, other values as
    they are, `true` or `false`. The query is the attribute `sparql`. An answer in words is right
    only where labels are known: lines `{"id": "Q42", "label": "Douglas Adams"}` in a file
    `labels.jsonl` beside it are further wordings of the golds.

    Raises:
        InputError: see `read_questions`.
    """
    labels = _labels(path.with_name(_LABELS))
    value = read_json(path)
    rows = value.get("questions") if isinstance(value, dict) else None
    if not isinstance(rows, list):
        raise InputError(f"{path}: expected an object with a list of questions")
    for number, row in enumerate(cast("list[object]", rows), 1):
        try:
            fields = decode(dict[str, object], row)
            question = _parse(Raw(fields=fields, stem=path.stem, number=number))
            golds = tuple("\n".join((gold, *labels.get(gold, ()))) for gold in question.golds)
            yield replace(question, golds=golds)
        except (CodecError, ValueError) as error:
            raise InputError(f"{path}: question {number}: {error}") from error


def _labels(path: Path) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    if path.is_file():
        for row in read_jsonl(path, _Label.from_json):
            found.setdefault(row.id, []).append(row.label)
    return found


def _parse(raw: Raw) -> Question:
    wordings = decode(list[dict[str, object]], raw.value("question"), "question")
    texts = [w.get("string") for w in wordings if w.get("language") == _LANGUAGE]
    if not texts or not isinstance(texts[0], str):
        raise CodecError(f"question: expected a wording in {_LANGUAGE!r}")
    golds: dict[str, None] = {}
    for answer in decode(list[dict[str, object]], raw.value("answers"), "answers"):
        golds.update(dict.fromkeys(_values(answer)))
    attributes: dict[str, Scalar] = {"sparql": raw.fields_of("query").text("sparql")}
    if isinstance(raw.fields.get("aggregation"), bool):
        attributes["aggregation"] = cast(bool, raw.fields["aggregation"])
    return Question(
        id=f"{raw.value('id')}",
        text=texts[0],
        kind="values",
        golds=tuple(golds),
        attributes=attributes,
    )


def _values(answer: Mapping[str, object]) -> Iterator[str]:
    if isinstance(answer.get("boolean"), bool):
        yield "true" if answer["boolean"] else "false"
        return
    results = decode(dict[str, object], answer.get("results"), "answers.results")
    rows = decode(
        list[dict[str, dict[str, str]]], results.get("bindings", []), "answers.results.bindings"
    )
    for row in rows:
        for value in row.values():
            text = value.get("value", "")
            yield text.rsplit("/", 1)[-1] if value.get("type") == "uri" else text
