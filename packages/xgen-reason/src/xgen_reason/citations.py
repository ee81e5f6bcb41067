"""Which pieces of evidence an answer rests on, numbered as a reader meets them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xgen_core.records import Record
from xgen_reason.evidence import Evidence, Found
from xgen_reason.result import Edit, Result

__all__ = ["Citation", "SetAside", "cite", "mark", "place_of", "set_aside"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation(Record):
    """A piece of evidence that edits were shown.

    Attributes:
        number: from 1, in the order of the steps.
        evidence: the piece.
        query: that found it.
        steps: numbers of the steps that it was shown for.
    """

    number: int
    evidence: Evidence
    query: str
    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside(Record):
    """A piece that reads like an order to the model, and was therefore kept from it.

    Attributes:
        step: that it was found for.
        evidence: the piece; `suspicious` says why.
        query: that found it.
    """

    step: int
    evidence: Evidence
    query: str


def cite(result: Result) -> tuple[Citation, ...]:
    """All pieces that edits were shown; a piece found for several steps has one number."""
    found: dict[tuple[str, str, str], tuple[Evidence, str]] = {}
    steps: dict[tuple[str, str, str], list[int]] = {}
    for edit in result.edits:
        for source, place in edit.used:
            evidence = edit.found[source].evidence[place]
            key = (evidence.source, evidence.locator, evidence.text)
            found.setdefault(key, (evidence, edit.found[source].query.text))
            steps.setdefault(key, []).append(edit.step)
    return tuple(
        Citation(
            number=number,
            evidence=evidence,
            query=query,
            steps=tuple(dict.fromkeys(steps[key])),
        )
        for number, (key, (evidence, query)) in enumerate(found.items(), 1)
    )


def mark(citations: tuple[Citation, ...], step: int) -> str:
    """The numbers behind a step, `"[1][3]"`; empty where it rests on none."""
    return "".join(f"[{c.number}]" for c in citations if step in c.steps)


def place_of(evidence: Evidence) -> str:
    """Where a piece stands, in one line: source, title and locator, none of them twice."""
    title = "" if evidence.locator.startswith(evidence.title) else evidence.title
    return " · ".join(part for part in (evidence.source, title, evidence.locator) if part)


def set_aside(result: Result) -> tuple[SetAside, ...]:
    """All suspicious pieces, in the order in which they were found."""
    return tuple(
        SetAside(step=edit.step, evidence=evidence, query=found.query.text)
        for edit, found, evidence in _pieces(result)
        if evidence.suspicious
    )


def _pieces(result: Result) -> Iterator[tuple[Edit, Found, Evidence]]:
    for edit in result.edits:
        for found in edit.found:
            for evidence in found.evidence:
                yield edit, found, evidence
