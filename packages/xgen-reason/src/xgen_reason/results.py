"""What a run comes to, as `results.json` says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xgen_core.concurrency import Failure
from xgen_core.files import write_json
from xgen_core.lm import Prices
from xgen_core.records import Record
from xgen_reason.evaluation.scored import Summary, summarise
from xgen_reason.outcome import Outcome
from xgen_reason.result import Result

__all__ = ["RunResults"]

_FORMAT = "xgen-reason-results"
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResults(Record):
    """A run in figures.

    Attributes:
        method: that answered.
        questions: how many were asked.
        failed: those without a result, counted by reason, the most frequent first.
        summary: of the others.
    """

    method: str
    questions: int
    failed: Mapping[str, int]
    summary: Summary

    @classmethod
    def of(
        cls, method: str, outcomes: Sequence[Outcome], *, prices: Prices | None = None
    ) -> RunResults:
        """The figures of outcomes; `prices` are for the cost."""
        results = [one.result for one in outcomes if isinstance(one.result, Result)]
        failures = [one.result for one in outcomes if isinstance(one.result, Failure)]
        reasons = Counter(f"{failure.kind}: {failure.reason}" for failure in failures)
        return cls(
            method=method,
            questions=len(outcomes),
            failed=dict(reasons.most_common()),
            summary=summarise([one.question for one in outcomes], results, prices=prices),
        )

    def write(self, path: Path) -> None:
        """Write `results.json`; equal results, equal bytes."""
        write_json(path, {"format": _FORMAT, "version": _VERSION, **self.to_json()})
