"""What a run comes to, as `results.json` says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xgen_core.concurrency import Failure
from xgen_core.files import write_json
from xgen_core.lm import Prices, Usage
from xgen_core.lm.asker import Call
from xgen_core.records import Record
from xgen_eval.inputs import DataFile
from xgen_ldp.line import Direction
from xgen_ldp.methods import Preparation
from xgen_ldp.outcome import Outcome

__all__ = ["ArmResult", "RunResults", "usage_of"]

_FORMAT = "xgen-ldp-results"
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult(Record):
    """One system in one direction.

    Attributes:
        direction: from which language into which.
        system: as it is called in the run.
        lines: how many were to be translated.
        accepted: whose translation has nothing wrong with it.
        rejected: the other translations, by their first reason.
        failed: lines without an answer, by reason, the most frequent first.
        exemplars: in every prompt.
        candidates: synthetic exemplars that were considered for them.
        refused: of the candidates, by their first reason.
        unprepared: why the method could not begin; empty where it did.
        calls, prompt_tokens, completion_tokens: the requests of all this.
        cost: of them; None where no prices are given.
        file: of the hypotheses, where the system is a file.
    """

    direction: Direction
    system: str
    lines: int
    accepted: int
    rejected: Mapping[str, int] = field(default_factory=dict[str, int])
    failed: Mapping[str, int] = field(default_factory=dict[str, int])
    exemplars: int = 0
    candidates: int = 0
    refused: Mapping[str, int] = field(default_factory=dict[str, int])
    unprepared: str = ""
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    file: DataFile | None = None

    @classmethod
    def of(
        cls, outcome: Outcome, *, prices: Prices | None = None, file: DataFile | None = None
    ) -> ArmResult:
        """The figures of an outcome; `prices` are for the cost."""
        prepared = outcome.preparation
        failures = [made for _, made in outcome.rows if isinstance(made, Failure)]
        reasons = Counter(t.last.findings[0].reason for t in outcome.translations if not t.accepted)
        used = usage_of(outcome.calls())
        ready = isinstance(prepared, Preparation)
        return cls(
            direction=outcome.direction,
            system=outcome.system,
            lines=len(outcome.rows),
            accepted=sum(t.accepted for t in outcome.translations),
            rejected=_counts(reasons),
            failed=_counts(Counter(f"{failure.kind}: {failure.reason}" for failure in failures)),
            exemplars=len(prepared.exemplars) if ready else 0,
            candidates=len(prepared.candidates) if ready else 0,
            refused=_counts(prepared.rejected) if ready else {},
            unprepared="" if ready else prepared.reason,
            calls=used.calls,
            prompt_tokens=used.prompt_tokens,
            completion_tokens=used.completion_tokens,
            cost=prices.cost(used) if prices else None,
            file=file,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResults(Record):
    """A run in figures.

    Attributes:
        arms: by direction and system, in the run's order.
        notes: on the texts that the run was given: damaged lines and the like.
    """

    arms: tuple[ArmResult, ...]
    notes: tuple[str, ...] = ()

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


def _counts(counter: Mapping[str, int] | Counter[str]) -> dict[str, int]:
    """The most frequent first, then by name, whatever the order in which they were met."""
    return dict(sorted(counter.items(), key=lambda pair: (-pair[1], pair[0])))
