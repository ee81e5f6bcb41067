"""What a run comes to, as `results.json` says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from xgen_core.concurrency import Failure
from xgen_core.files import write_json
from xgen_core.lm import Prices, Usage
from xgen_core.lm.asker import Call
from xgen_core.records import Record
from xgen_eval.inputs import DataFile
from xgen_ldp.evaluation import RunScores, Scoring, score_run
from xgen_ldp.finding import Reason
from xgen_ldp.methods import Preparation
from xgen_ldp.outcome import Outcome

__all__ = ["ArmResult", "RunResults", "usage_of"]

K = TypeVar("K", bound=str)
_FORMAT = "xgen-ldp-results"
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult(Record):
    """What one system in one direction took, and what went wrong.

    Attributes:
        direction: its name.
        system: as it is called in the run.
        failed: lines without an answer, by reason, the most frequent first.
        unprepared: why the method could not begin; empty where it did.
        exemplars: in every prompt.
        candidates: synthetic exemplars that were considered for them.
        refused: of the candidates, by their first reason.
        calls, prompt_tokens, completion_tokens: the requests of all this.
        cost: of them; None where no prices are given.
        file: of the hypotheses, where the system is a file.
    """

    direction: str
    system: str
    failed: Mapping[str, int] = field(default_factory=dict[str, int])
    unprepared: str = ""
    exemplars: int = 0
    candidates: int = 0
    refused: Mapping[Reason, int] = field(default_factory=dict["Reason", int])
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    file: DataFile | None = None

    @classmethod
    def of(cls, outcome: Outcome, *, prices: Prices | None = None) -> ArmResult:
        """The figures of an outcome; `prices` are for the cost."""
        prepared = outcome.preparation
        ready = isinstance(prepared, Preparation)
        failures = [made for _, made in outcome.rows if isinstance(made, Failure)]
        used = usage_of(outcome.calls())
        return cls(
            direction=outcome.direction.name,
            system=outcome.system,
            failed=_counts(Counter(f"{failure.kind}: {failure.reason}" for failure in failures)),
            unprepared="" if ready else prepared.reason,
            exemplars=len(prepared.exemplars) if ready else 0,
            candidates=len(prepared.candidates) if ready else 0,
            refused=_counts(prepared.rejected) if ready else {},
            calls=used.calls,
            prompt_tokens=used.prompt_tokens,
            completion_tokens=used.completion_tokens,
            cost=prices.cost(used) if prices else None,
            file=outcome.file,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResults(Record):
    """A run in figures.

    Attributes:
        scores: of every system in every direction, and how many lines it got accepted.
        arms: the same systems and directions, in the same order.
        notes: on the texts that the run was given: damaged lines and the like.
    """

    scores: RunScores
    arms: tuple[ArmResult, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        outcomes: Sequence[Outcome],
        *,
        scoring: Scoring | None = None,
        prices: Prices | None = None,
        notes: Sequence[str] = (),
    ) -> RunResults:
        """The figures of outcomes.

        Raises:
            InputError: no such tokenizer, or no such SentencePiece file.
            MissingExtraError: what scoring needs is not installed.
        """
        rows = {(outcome.direction, outcome.system): outcome.rows for outcome in outcomes}
        return cls(
            scores=score_run(rows, scoring),
            arms=tuple(ArmResult.of(outcome, prices=prices) for outcome in outcomes),
            notes=tuple(notes),
        )

    def write(self, path: Path) -> None:
        """Write `results.json`; equal results, equal bytes."""
        write_json(path, {"format": _FORMAT, "version": _VERSION, **self.to_json()})


def usage_of(calls: Iterable[Call]) -> Usage:
    """Calls and tokens, each sample a call."""
    used = Usage()
    for call in calls:
        used += Usage(
            calls=len(call.texts),
            prompt_tokens=call.prompt_tokens,
            completion_tokens=call.completion_tokens,
        )
    return used


def _counts(counter: Counter[K]) -> dict[K, int]:
    """The most frequent first, then by name, whatever the order in which they were met."""
    return dict(sorted(counter.items(), key=lambda pair: (-pair[1], pair[0])))
