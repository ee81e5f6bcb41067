"""MedMCQA (Pal et al. 2022): questions of Indian medical entrance examinations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xgen_core import CodecError
from xgen_core.records import Scalar
from xgen_eval.datasets import DataSet, Raw, read_rows
from xgen_reason.question import Question

__all__ = ["read_medmcqa"]

_OPTIONS = {"A": "opa", "B": "opb", "C": "opc", "D": "opd"}


def read_medmcqa(path: Path) -> Iterator[Question]:
    """The release's JSON lines, or a list of the same objects; `cop` counts the options from 1.

    Raises:
        InputError: see `read_questions`.
    """
    return read_rows(DataSet(name="medmcqa", row=Question, parse=_parse), [path])


def _parse(raw: Raw) -> Question:
    golds: tuple[str, ...] = ()
    if raw.fields.get("cop") is not None:
        right = raw.number_of("cop")
        if not 1 <= right <= len(_OPTIONS):
            raise CodecError(
                f"cop: expected 1 to 4, got {right}; rows of the hub, which count from 0, are "
                "another form: add 1"
            )
        golds = (tuple(_OPTIONS)[right - 1],)
    attributes: dict[str, Scalar] = {
        name: raw.text(name)
        for name in ("subject_name", "topic_name", "choice_type")
        if raw.fields.get(name)
    }
    return Question(
        id=raw.text("id"),
        text=raw.text("question"),
        kind="choice",
        options={letter: raw.text(name, empty=True) for letter, name in _OPTIONS.items()},
        golds=golds,
        attributes=attributes,
    )
