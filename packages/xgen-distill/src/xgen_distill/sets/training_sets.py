"""The seven sets together, with what was changed and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from xgen_core.records import Record
from xgen_distill.sets.row import SETS, Row, SetName, Source
from xgen_distill.sets.unfit import Reason

__all__ = ["Combined", "Rejection", "SetCount", "SetCounts", "Sets"]

Combined = Literal["repair", "direct"]
"""What `persd-combined` has beside the rows of `persd-refine`: `"repair"`, those of `persd`, as the
paper's table names it; `"direct"`, those of `inpd`, as the released code builds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection(Record):
    """A solution that became no row, and why.

    Attributes:
        task: the task's id.
        attempt: id of the attempt that the solution repairs; empty for a direct solution.
        source: whose it is.
        reason: see `xgen_distill.sets.REASONS`.
        detail: what in this one.
    """

    task: str
    attempt: str = ""
    source: Source
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCount(Record):
    """What is in one set.

    Attributes:
        rows: how many.
        tasks: different ones.
        same: rows left out because prompt and completion are those of an earlier one.
        repaired: rows by kind of change.
    """

    rows: int
    tasks: int
    same: int
    repaired: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCounts(Record):
    """What a build gave, and of what.

    Attributes:
        combined: which reading of `persd-combined`.
        template: fingerprint of the template of all prompts.
        sets: by name.
        rejected: solutions by source, then by reason.
    """

    combined: Combined
    template: str
    sets: Mapping[SetName, SetCount]
    rejected: Mapping[Source, Mapping[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sets(Record):
    """The seven sets.

    Attributes:
        rows: of each set, all names present, in the order of tasks and attempts.
        rejections: solutions that became no row, in the same order, direct ones first.
        combined: which reading of `persd-combined`.
        template: fingerprint of the template.
        same: rows left out because prompt and completion are those of an earlier one, by set.
    """

    rows: Mapping[SetName, tuple[Row, ...]]
    rejections: tuple[Rejection, ...]
    combined: Combined
    template: str
    same: Mapping[SetName, int] = field(default_factory=dict[SetName, int])

    def __post_init__(self) -> None:
        if tuple(self.rows) != SETS:
            raise ValueError(f"expected rows of {', '.join(SETS)}, got {', '.join(self.rows)}")
        for name, rows in self.rows.items():
            twice = [id for id, count in Counter(row.id for row in rows).items() if count > 1]
            if twice:
                raise ValueError(f"{name}: two rows are called {twice[0]!r}")

    def without(self, leaks: Mapping[str, str]) -> Sets:
        """The same without the rows of some tasks, whose solutions are rejected as leaks.

        Args:
            leaks: id of a task → which benchmark's tasks it gives away.
        """
        direct = [(row, "") for row in self.rows["stand"]]
        repaired = [(row, row.attempt) for row in self.rows["persd"]]
        found = [
            Rejection(
                task=row.task,
                attempt=attempt,
                source=row.source,
                reason="in a benchmark",
                detail=leaks[row.task],
            )
            for row, attempt in (*direct, *repaired)
            if row.task in leaks
        ]
        sources: tuple[Source, ...] = get_args(Source)
        return replace(
            self,
            rows={
                name: tuple(row for row in rows if row.task not in leaks)
                for name, rows in self.rows.items()
            },
            rejections=tuple(
                sorted((*self.rejections, *found), key=lambda one: sources.index(one.source))
            ),
        )

    @property
    def counts(self) -> SetCounts:
        """What the reports print."""
        sources: tuple[Source, ...] = get_args(Source)
        rejected: dict[Source, dict[str, int]] = {
            source: _counted(r.reason for r in self.rejections if r.source == source)
            for source in sources
        }
        return SetCounts(
            combined=self.combined,
            template=self.template,
            sets={name: _count(rows, self.same.get(name, 0)) for name, rows in self.rows.items()},
            rejected=rejected,
        )


def _count(rows: tuple[Row, ...], same: int) -> SetCount:
    kinds = _counted(
        kind
        for row in rows
        for kind in dict.fromkeys(change.partition(":")[0] for change in row.repaired)
    )
    return SetCount(
        rows=len(rows), tasks=len({row.task for row in rows}), same=same, repaired=kinds
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    """How often each name comes, the commonest first."""
    counts = Counter(names)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
