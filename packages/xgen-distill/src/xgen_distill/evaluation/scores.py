"""Figures of every step, and what a step changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from xgen_core.records import Record
from xgen_distill.inference.setting import Setting
from xgen_distill.inference.step import Solved, Step, Told
from xgen_eval.execution import OUTCOMES
from xgen_eval.grading import Graded, metrics_of
from xgen_eval.metrics import pass_at_k
from xgen_eval.statistics import mean_stderr
from xgen_eval.task import Metric

__all__ = ["StepScores", "score_steps"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepScores(Record):
    """All tasks after one step, in one setting.

    Attributes:
        setting: its name.
        step: from 1.
        told: by whose failures it was taken; empty for the first.
        metrics: `pass@K`, means over tasks; a K only where every task has so many verdicts.
        clean: the same over the tasks that did not leak; empty where nobody looked.
        gain: `pass@K` less that of the step before, paired by task; empty for the first.
        rescued: samples that were wrong before and are right.
        broken: that were right before and are wrong.
        how: samples by how they came about.
        reasons: why samples were carried or kept, or are no program.
        outcomes: samples by outcome; `"no program"` for those that are none.
    """

    setting: str
    step: int
    told: Told | None = None
    metrics: Mapping[str, Metric]
    clean: Mapping[str, Metric] = field(default_factory=dict[str, Metric])
    gain: Mapping[str, Metric] = field(default_factory=dict[str, Metric])
    rescued: int = 0
    broken: int = 0
    how: Mapping[str, int] = field(default_factory=dict[str, int])
    reasons: Mapping[str, int] = field(default_factory=dict[str, int])
    outcomes: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def label(self) -> str:
        """`step 2`, or `step 2 (oracle)` where the scoring tests were told."""
        return f"step {self.step}{' (oracle)' if self.told == 'oracle' else ''}"


def score_steps(
    setting: Setting, solved: Sequence[Solved], *, clean: Collection[str] | None = None
) -> tuple[StepScores, ...]:
    """The figures of all steps.

    Args:
        setting: how the samples were drawn.
        solved: all tasks with samples, at least one, all told alike.
        clean: ids of the tasks that did not leak into the training data; None where nobody looked.

    Raises:
        ValueError: no tasks.
    """
    if not solved:
        raise ValueError("no tasks to score")
    found: list[StepScores] = []
    before: dict[str, dict[str, float]] = {}
    for step in range(1, len(solved[0].samples[0].steps) + 1):
        scores = _scores(solved, step, setting.ks)
        kept = {task: row for task, row in scores.items() if clean is not None and task in clean}
        pairs = [
            (old, new)
            for one in solved
            if step > 1
            for old, new in zip(one.at(step - 1), one.at(step), strict=True)
            if old.counts and new.counts
        ]
        steps = [sample for one in solved for sample in one.at(step)]
        found.append(
            StepScores(
                setting=setting.name,
                step=step,
                told=solved[0].told if step > 1 else None,
                metrics=_metrics(scores),
                clean=_metrics(kept),
                gain=_gain(before, scores),
                rescued=sum(new.passed and not old.passed for old, new in pairs),
                broken=sum(old.passed and not new.passed for old, new in pairs),
                how=_counted(sample.how for sample in steps),
                reasons=_counted(sample.reason for sample in steps),
                outcomes=_outcomes(steps),
            )
        )
        before = scores
    return tuple(found)


def _scores(solved: Sequence[Solved], step: int, ks: Sequence[int]) -> dict[str, dict[str, float]]:
    """pass@k by task; a k only where every task has so many verdicts."""
    tallies = {one.task: [s.passed for s in one.at(step) if s.counts] for one in solved}
    fewest = min(len(passed) for passed in tallies.values())
    return {
        task: {f"pass@{k}": pass_at_k(len(passed), sum(passed), k) for k in ks if k <= fewest}
        for task, passed in tallies.items()
    }


def _metrics(scores: Mapping[str, Mapping[str, float]]) -> dict[str, Metric]:
    return metrics_of([Graded(id=task, scores=row) for task, row in scores.items()])


def _gain(
    before: Mapping[str, Mapping[str, float]], after: Mapping[str, Mapping[str, float]]
) -> dict[str, Metric]:
    if not before:
        return {}
    first = next(iter(after))
    return {
        name: Metric.of(mean_stderr([after[task][name] - before[task][name] for task in after]))
        for name in after[first]
        if name in before[first]
    }


def _outcomes(steps: Sequence[Step]) -> dict[str, int]:
    counts = Counter(step.outcome or "no program" for step in steps)
    return {name: counts[name] for name in (*OUTCOMES, "no program") if counts[name]}


def _counted(names: Iterable[str]) -> dict[str, int]:
    counts = Counter(name for name in names if name)
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
