"""What a generation comes to: how much is left after each stage, and why the rest is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from xgen_core.files import write_json
from xgen_core.lm import Prices, Usage
from xgen_core.records import Record, Scalar
from xgen_core.report.sections import Item, Items, Section, Table
from xgen_distill.generation.candidate import Candidate
from xgen_distill.generation.unit_tests import UnitTests
from xgen_distill.results import Cost
from xgen_distill.task import Task

__all__ = ["Ended", "GenerationResults", "Made"]

Ended = Literal["enough", "dried up"]
"""Why no more lists were asked for: there were enough tasks, or too many waves brought none."""

_FORMAT = "xgen-distill-generation"
_VERSION = 1
_SHOWN = 200
"""Tasks in the page's browser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made(Record):
    """How much of one source is left after each stage.

    Attributes:
        requests: for lists, or for rewritings.
        candidates: that the replies hold, whatever they are worth.
        readable: with an instruction that may stand and a solution in one function.
        new: unlike every earlier instruction.
        tasks: with enough tests.
    """

    requests: int
    candidates: int
    readable: int
    new: int
    tasks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationResults(Record):
    """A generation in figures.

    Attributes:
        count: tasks that Self-Instruct was to make.
        tasks: made, by all sources.
        ended: why Self-Instruct ended.
        made: by source: `self-instruct`, `evolve 1`, …
        operations: tasks by the operation that rewrote them.
        rejected: by stage (`ideas`, `tests`, `lines`), then by reason; lines are of the replies
            that are to hold calls.
        unanswered: requests without a reply, by stage and reason; another start asks again.
        costs: by stage.
    """

    count: int
    tasks: int
    ended: Ended
    made: Mapping[str, Made]
    operations: Mapping[str, int]
    rejected: Mapping[str, Mapping[str, int]]
    unanswered: Mapping[str, Mapping[str, int]]
    costs: Mapping[str, Cost]

    def write(self, path: Path) -> None:
        """Write `results.json`; equal results, equal bytes."""
        write_json(path, {"format": _FORMAT, "version": _VERSION, **self.to_json()})

    @property
    def summary(self) -> str:
        """What came of it, in a sentence."""
        if self.ended == "enough":
            return f"{self.tasks:,} tasks"
        missing = sum(self.unanswered.get("lists", {}).values())
        because = f"; {missing:,} lists were not answered" if missing else ""
        return (
            f"{self.tasks:,} tasks: Self-Instruct ended with {self.made['self-instruct'].tasks:,} "
            f"of {self.count:,}, as further lists brought nothing new{because}"
        )

    def section(self, tasks: Sequence[Task], candidates: Sequence[Candidate]) -> Section:
        """What the report page shows.

        Args:
            tasks: that were made.
            candidates: all.
        """
        parents = {one.id: one for one in candidates}
        stages: list[tuple[Scalar, ...]] = [
            (name, one.requests, one.candidates, one.readable, one.new, one.tasks)
            for name, one in self.made.items()
        ]
        reasons: list[tuple[Scalar, ...]] = [
            (stage, reason, count)
            for stage, counts in (*self.rejected.items(), *self.unanswered.items())
            for reason, count in counts.items()
        ]
        return Section(
            title="Tasks made",
            summary=self.summary,
            blocks=(
                Table(
                    columns=("source", "requests", "candidates", "readable", "new", "tasks"),
                    rows=tuple(stages),
                    caption="What is left after each stage.",
                ),
                Table(
                    columns=("stage", "reason", "count"),
                    rows=tuple(reasons),
                    caption="What was left out, and why.",
                ),
                Items(
                    items=tuple(_item(task, parents[task.id]) for task in tasks[:_SHOWN]),
                    caption=f"The first {min(_SHOWN, len(tasks))} of {len(tasks):,} tasks.",
                ),
            ),
        )


def count_lines(tested: Iterable[UnitTests]) -> dict[str, int]:
    """Lines and calls that are no test, by reason."""
    counts: Counter[str] = Counter()
    for one in tested:
        counts.update(one.dropped)
    return ordered(counts)


def count_reasons(reasons: Iterable[str]) -> dict[str, int]:
    """How often each comes; the empty one is left out."""
    return ordered(Counter(reason for reason in reasons if reason))


def ordered(counts: Mapping[str, int]) -> dict[str, int]:
    """The most frequent first."""
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def cost_of(usage: Usage, prices: Prices | None) -> Cost:
    """Usage with its price."""
    return Cost(
        calls=usage.calls,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        money=round(prices.cost(usage), 6) if prices else None,
    )


def _item(task: Task, candidate: Candidate) -> Item:
    fields = {
        "instruction": task.instruction,
        "solution": task.gold,
        "shown tests": "\n".join(test.source for test in task.shown),
        "hidden tests": "\n".join(test.source for test in task.hidden),
    }
    if candidate.parents:
        fields["made of"] = f"{candidate.parents[-1]}, by {candidate.method}"
    return Item(title=task.id, fields=fields)
