"""What a method did with one question: every stage, so that a reader can follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from xgen_core.lm.asker import Call
from xgen_core.records import Record, Scalar
from xgen_reason.chain import Chain
from xgen_reason.evidence import Found

__all__ = ["Edit", "Result", "Route", "Vote"]

Route = Literal["direct", "certain", "edited", "fallback", "abstained"]
"""Answered without a gate; certain, so left alone; with repaired steps; by the other method of a
pair; no sample states an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote(Record):
    """How many samples give an answer.

    Attributes:
        answer: as the earliest of them states it.
        count: of samples.
        share: of all samples that state one.
        weight: the gate's measure: the count, or a sum of probabilities.
        members: their places among the samples, from 0.
    """

    answer: str
    count: int
    share: float
    weight: float
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit(Record):
    """What became of one step.

    Attributes:
        step: its number, from 1.
        before, after: equal where it was kept.
        question: what was asked to verify it.
        found: what each source gave.
        used: which pieces of evidence the edit was shown, as (place in `found`, place in its
            evidence).
        reason: why it was kept as it was: no evidence, none that is relevant, an empty edit; or why
            it should be read with care: the pieces disagree. Empty for a plain edit.
    """

    step: int
    before: str
    after: str
    question: str = ""
    found: tuple[Found, ...] = ()
    used: tuple[tuple[int, int], ...] = ()
    reason: str = ""

    @property
    def changed(self) -> bool:
        """Whether the step reads differently now."""
        return self.before != self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Record):
    """One question's outcome.

    Attributes:
        id: the question's.
        method: name of the method.
        answer: what is answered in the end; empty for an abstention.
        route: how it came about.
        first: the answer before any edit, for the account of what editing did.
        confidence: that the method has in its answer; higher is surer; None where it has none.
        samples: all chains that were drawn, those that state no answer included.
        votes: most frequent answer first.
        chain: the one that the answer rests on, repaired where it was.
        edits: one for each of its steps that was looked at.
        domains: what kinds of knowledge were chosen.
        calls: all requests, in a fixed order.
        notes: what a reader should know: an unknown domain, contradictions, marks of injection.
        details: scalars of the method's own.
    """

    id: str
    method: str
    answer: str
    route: Route
    first: str = ""
    confidence: float | None = None
    samples: tuple[Chain, ...] = ()
    votes: tuple[Vote, ...] = ()
    chain: Chain = field(default_factory=Chain)
    edits: tuple[Edit, ...] = ()
    domains: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    notes: tuple[str, ...] = ()
    details: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
