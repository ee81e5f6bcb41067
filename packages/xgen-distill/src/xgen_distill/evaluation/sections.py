"""What the report page shows of an evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from xgen_core.records import Scalar
from xgen_core.report import Block, Diff, Item, Items, Section, Table, Text
from xgen_distill.evaluation.results import EvaluationResults
from xgen_distill.evaluation.tables import comparison_table
from xgen_distill.inference.step import Solved, Step
from xgen_distill.task import Task

__all__ = ["MOST_SAMPLES", "metrics_table", "scores_section", "steps_table", "trajectories_section"]

MOST_SAMPLES = 100
"""Samples on the page; all of them are in `items/`."""


def scores_section(results: EvaluationResults) -> Section:
    """pass@k by setting and step with intervals, what steps changed, and the published table."""
    blocks: list[Block] = [metrics_table(results), steps_table(results)]
    for setting, reasons in results.unanswered.items():
        rows = tuple(reasons.items())
        caption = f"{setting}: tasks without samples; the same command tries them again."
        blocks.append(Table(columns=("unanswered", "tasks"), rows=rows, caption=caption))
    blocks.append(comparison_table({"this student": results}))
    if any(score.told == "oracle" for score in results.scores):
        blocks.append(
            Text(
                text="Rows marked oracle tell the student the failures of the tests that score it. "
                "They are no measure of the student; figures published that way are compared with "
                "them."
            )
        )
    money = "" if results.money is None else f", cost {results.money:,.4f}"
    return Section(
        title="Scores",
        summary=f"{results.tasks:,} tasks{_clean(results)}; {results.calls:,} calls, "
        f"{results.prompt_tokens:,} tokens read, {results.completion_tokens:,} written{money}. "
        f"Sandbox: {results.level}.",
        blocks=tuple(blocks),
    )


def _clean(results: EvaluationResults) -> str:
    if results.leaked is None:
        return ""
    return f", {len(results.leaked):,} of which the training data has"


def metrics_table(results: EvaluationResults) -> Table:
    """Every pass@k with its interval, the same on clean tasks, and what its step gained."""
    rows: list[tuple[Scalar, ...]] = []
    for score in results.scores:
        for name, metric in score.metrics.items():
            low, high = metric.interval or (None, None)
            clean, gain = score.clean.get(name), score.gain.get(name)
            rows.append(
                (
                    score.setting,
                    score.label,
                    name,
                    *map(_rounded, (metric.value, low, high)),
                    _rounded(gain.value if gain else None),
                    _rounded(gain.stderr if gain else None),
                    _rounded(clean.value if clean else None),
                    clean.n if clean else None,
                )
            )
    columns = ("setting", "step", "metric", "value", "95 % from", "to", "gain", "± of it")
    columns += ("on clean tasks", "of them")
    width = len(columns) if results.leaked is not None else len(columns) - 2
    return Table(
        columns=columns[:width],
        rows=tuple(row[:width] for row in rows),
        caption="pass@k: the unbiased estimator of Chen et al. 2021, its mean over tasks. gain: "
        "over the step before, paired by task.",
    )


def steps_table(results: EvaluationResults) -> Table:
    """What each step did to the samples."""
    rows = tuple(
        (
            score.setting,
            score.label,
            score.rescued if score.step > 1 else None,
            score.broken if score.step > 1 else None,
            _listed(score.how),
            _listed(score.reasons),
            _listed(score.outcomes),
        )
        for score in results.scores
    )
    return Table(
        columns=("setting", "step", "wrong → right", "right → wrong", "how", "why", "outcomes"),
        rows=rows,
        caption="Samples. carried: nothing is known against the program, or no test is shown; "
        "kept: the student wrote nothing that could replace it.",
    )


def trajectories_section(
    solved: Mapping[str, Sequence[Solved]], tasks: Mapping[str, Task]
) -> Section:
    """A browser through rectified samples, those whose verdict changed first.

    Args:
        solved: tasks with samples, by name of their items.
        tasks: by id.
    """
    every = [found for name, ones in solved.items() for found in _refined(name, ones)]
    every.sort(key=lambda found: found[1].passed == found[2].passed)  # changed verdicts first
    shown = every[:MOST_SAMPLES]
    some = f"{len(shown)} of {len(every)}" if len(shown) < len(every) else f"All {len(every)}"
    return Section(
        title="Samples",
        summary="Programs that the student rectified after their first failing test.",
        blocks=(
            Items(
                items=tuple(_item(title, old, new, tasks[task]) for title, old, new, task in shown),
                caption=f"{some} rectified samples, changed verdicts first; all are in items/.",
            ),
        ),
    )


def _refined(name: str, solved: Sequence[Solved]) -> Iterator[tuple[str, Step, Step, str]]:
    for one in solved:
        for number, sample in enumerate(one.samples):
            for place, new in enumerate(sample.steps[1:], 2):
                if new.told is not None:
                    title = f"{name}  {one.task}  sample {number}  step {place}"
                    yield title, sample.steps[place - 2], new, one.task


def _item(title: str, old: Step, new: Step, task: Task) -> Item:
    assert new.told is not None  # by `_refined`
    fields = {"task": task.instruction, "told": new.told.text}
    if new.how == "kept":
        fields |= {"kept": new.reason, "written": new.completion}
    if new.detail:
        fields["wrong by the scoring tests"] = new.detail
    return Item(
        title=f"{title}  {_outcome(old)} → {_outcome(new)}",
        fields=fields,
        blocks=(Diff(before=old.program, after=new.program, caption="Program, before and after."),),
    )


def _outcome(step: Step) -> str:
    return step.outcome or "no program"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
