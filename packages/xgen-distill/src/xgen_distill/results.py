"""What a run comes to, as `results.json` says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Literal

from xgen_core import CodecError, FormatError
from xgen_core.files import check_format, read_json, write_json
from xgen_core.lm import Prices, Usage
from xgen_core.progress import track
from xgen_core.records import Record
from xgen_distill.attempt import Attempt, Refinement
from xgen_distill.items import RunItems
from xgen_distill.sets.row import SetName
from xgen_distill.similarity import MEASURES, Measure, similarity
from xgen_distill.task import Task

__all__ = ["Cost", "Likeness", "RunResults", "Yield", "likeness", "personalisation"]

_FORMAT = "xgen-distill-results"
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Yield(Record):
    """How much is left after each stage.

    Attributes:
        tasks: given.
        usable: may be tried: the direct solution passes, or there is none.
        executable: their direct solution passes.
        attempted: with an attempt that is a program.
        failed: with an attempt that failed.
        refined: with a refinement that is a program.
        valid: with a refinement that passes all tests.
        attempts, failures, refinements, passing: not tasks but single programs.
        rows: of each set.
    """

    tasks: int
    usable: int
    executable: int
    attempted: int
    failed: int
    refined: int
    valid: int
    attempts: int
    failures: int
    refinements: int
    passing: int
    rows: Mapping[SetName, int] = field(default_factory=dict[SetName, int])


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost(Record):
    """What one stage asked for, as the models count; what was answered before counts as well.

    Attributes:
        calls: answers.
        prompt_tokens, completion_tokens: read and written.
        money: None without prices.
    """

    calls: int
    prompt_tokens: int
    completion_tokens: int
    money: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness(Record):
    """How alike attempt, refinement and direct solution are, by one measure; means over tasks.

    Attributes:
        pairs: how many chosen refinements with a direct solution there are.
        attempt_refinement, attempt_gold, refinement_gold: means of the three similarities.
        closer: share of refinements strictly closer to the attempt than the direct solution is.
        same: share of refinements that are the direct solution.
    """

    pairs: int
    attempt_refinement: float
    attempt_gold: float
    refinement_gold: float
    closer: float
    same: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResults(Record):
    """A run in figures.

    Attributes:
        round: of the loop.
        stages: what is left after each.
        rejected: by stage (`rows`, `tasks`, `attempts`, `refinements`, `direct`, `repair`), then by
            reason; the first are rows of a file that are no task, the last two solutions that
            became no row of a set.
        unanswered: items that failed by themselves, by stage and reason; another start tries them.
        errors: failed attempts by the kind that they were told.
        costs: by stage.
        likeness: the personalisation index, by measure; empty where there is nothing to compare.
        weak: verdicts of programs that shared a process with their test.
    """

    round: int
    stages: Yield
    rejected: Mapping[str, Mapping[str, int]]
    unanswered: Mapping[str, Mapping[str, int]]
    errors: Mapping[str, int]
    costs: Mapping[str, Cost]
    likeness: Mapping[Measure, Likeness]
    weak: int = 0

    @classmethod
    def of(
        cls,
        items: RunItems,
        *,
        round: int,
        rows: Mapping[SetName, int],
        refused: Mapping[str, int],
        unfit: Mapping[Literal["direct", "repair"], Mapping[str, int]],
        student: Prices | None = None,
        teacher: Prices | None = None,
    ) -> RunResults:
        """The figures of a run.

        Args:
            items: what it found out.
            round: of the loop.
            rows: of each set.
            refused: rows of the tasks' file that are no task, by reason.
            unfit: solutions that became no row, by source and reason.
            student: prices, for its cost.
            teacher: likewise.
        """
        rejected = {
            "rows": dict(sorted(refused.items())),
            "tasks": _counted(gold.reason for gold in items.golds),
            "attempts": _counted(attempt.reason for attempt in items.attempts),
            "refinements": _counted(refinement.reason for refinement in items.refinements),
            **unfit,
        }
        return cls(
            round=round,
            stages=_yield(items, rows),
            rejected={stage: counts for stage, counts in rejected.items() if counts},
            unanswered={
                stage: _counted(f"{one.kind}: {one.reason}" for one in failures.values())
                for stage, failures in items.failed.items()
            },
            errors=_counted(a.feedback.kind for a in items.attempts if a.feedback is not None),
            costs={
                "attempts": _cost(items.attempts, student),
                "refinements": _cost(items.refinements, teacher),
            },
            likeness=personalisation(items.tasks, items.attempts, items.chosen),
            weak=sum(
                one.verdict is not None and not one.verdict.strict
                for one in (*items.golds, *items.attempts, *items.refinements)
            ),
        )

    def write(self, path: Path) -> None:
        """Write `results.json`; equal results, equal bytes."""
        write_json(path, {"format": _FORMAT, "version": _VERSION, **self.to_json()})

    @classmethod
    def read(cls, path: Path) -> RunResults:
        """Read what `write` wrote.

        Raises:
            InputError: it is not there.
            FormatError: it is of another format or version, or damaged.
        """
        fields = check_format(read_json(path), name=_FORMAT, version=_VERSION, path=path)
        rest = {key: item for key, item in fields.items() if key not in ("format", "version")}
        try:
            return cls.from_json(rest)
        except CodecError as error:
            raise FormatError(f"{path}: not of this release: {error}") from error


def personalisation(
    tasks: Sequence[Task], attempts: Sequence[Attempt], chosen: Sequence[Refinement]
) -> dict[Measure, Likeness]:
    """How alike attempts, their chosen refinements and direct solutions are, by measure.

    Refinements of tasks without a direct solution are left out.
    """
    golds = {task.id: task.gold for task in tasks if task.gold}
    tried = {attempt.id: attempt for attempt in attempts}
    triples: list[tuple[Mapping[str, float], ...]] = []
    for refinement in track(chosen, "likeness", len(chosen), unit="repairs"):
        attempt = tried[refinement.attempt]
        gold = golds.get(attempt.task)
        if gold is not None:
            direct = similarity(attempt.program, gold), similarity(refinement.program, gold)
            triples.append((refinement.similarity, *direct))
    found: dict[Measure, Likeness] = {}
    for measure in MEASURES:
        one = likeness(_known(triples, measure))
        if one is not None:
            found[measure] = one
    return found


def likeness(triples: Sequence[tuple[float, float, float]]) -> Likeness | None:
    """Means of attempt ~ refinement, attempt ~ direct, refinement ~ direct; None of nothing."""
    if not triples:
        return None
    return Likeness(
        pairs=len(triples),
        attempt_refinement=round(fmean(ours for ours, _, _ in triples), 6),
        attempt_gold=round(fmean(direct for _, direct, _ in triples), 6),
        refinement_gold=round(fmean(between for _, _, between in triples), 6),
        closer=round(fmean(ours > direct for ours, direct, _ in triples), 6),
        same=round(fmean(between == 1.0 for _, _, between in triples), 6),
    )


def _known(
    triples: Sequence[tuple[Mapping[str, float], ...]], measure: str
) -> list[tuple[float, float, float]]:
    return [
        (a[measure], b[measure], c[measure])
        for a, b, c in triples
        if measure in a and measure in b and measure in c
    ]


def _yield(items: RunItems, rows: Mapping[SetName, int]) -> Yield:
    task_of = {attempt.id: attempt.task for attempt in items.attempts}
    programs = [refinement for refinement in items.refinements if refinement.program]
    passing = [refinement for refinement in programs if not refinement.reason]
    failures = [attempt for attempt in items.attempts if attempt.failed]
    return Yield(
        tasks=len(items.tasks),
        usable=len(items.usable),
        executable=sum(gold.executable for gold in items.golds),
        attempted=len({attempt.task for attempt in items.attempts if attempt.program}),
        failed=len({attempt.task for attempt in failures}),
        refined=len({task_of[refinement.attempt] for refinement in programs}),
        valid=len({task_of[refinement.attempt] for refinement in passing}),
        attempts=len(items.attempts),
        failures=len(failures),
        refinements=len(items.refinements),
        passing=len(passing),
        rows=rows,
    )


def _cost(asked: Sequence[Attempt] | Sequence[Refinement], prices: Prices | None) -> Cost:
    usage = Usage(
        calls=len(asked),
        prompt_tokens=sum(one.prompt_tokens for one in asked),
        completion_tokens=sum(one.completion_tokens for one in asked),
    )
    return Cost(
        calls=usage.calls,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        money=round(prices.cost(usage), 6) if prices else None,
    )


def _counted(reasons: Iterable[str]) -> dict[str, int]:
    """How often each comes, the most frequent first; the empty one is left out."""
    counts = Counter(reason for reason in reasons if reason)
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))
