"""What a run shows on the report page: figures, the sets, and every task from attempt to rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from xgen_core import Run
from xgen_core.lm.asker import Call, CallTimes
from xgen_core.records import Scalar
from xgen_core.report import Block, Items, Plot, Section, Table, bar_plot
from xgen_core.report.calls import filled_table
from xgen_distill.items import RunItems
from xgen_distill.results import RunResults, Yield
from xgen_distill.run_recipe import RunRecipe
from xgen_distill.sets import SUMMARIES, Sets
from xgen_distill.task_item import task_item
from xgen_distill.task_record import TaskRecord, task_records

__all__ = [
    "MOST_TASKS",
    "calls_section",
    "results_section",
    "sets_section",
    "tasks_section",
    "write_page",
]

MOST_TASKS = 200
"""Tasks on the page; all of them are in `tasks.jsonl` and `items/`."""


def write_page(
    run: Run,
    recipe: RunRecipe,
    items: RunItems,
    sets: Sets,
    results: RunResults,
    *,
    times: CallTimes,
) -> None:
    """Write the sections of a run's page.

    Args:
        run: where they go.
        recipe: what the run rests on.
        items: what it found out.
        sets: what was built of it.
        results: the figures.
        times: of the calls.
    """
    records = task_records(recipe, items, sets)
    calls = [call for record in records for call in record.calls]
    run.write_section("10-results", results_section(results))
    run.write_section("20-sets", sets_section(sets))
    run.write_section("30-calls", calls_section(results, calls, times=times))
    run.write_section("40-tasks", tasks_section(records, times=times))


def results_section(results: RunResults) -> Section:
    """What is left after each stage, what was rejected and why, errors, likeness and cost."""
    left = results.stages
    blocks: list[Block] = [_stages(left)] if left.tasks else []
    blocks += _counted("rejected", results.rejected.items())
    blocks += _counted("without an answer", results.unanswered.items())
    if results.errors:
        blocks.append(_errors(results.errors))
    blocks += _likeness(results)
    share = f" ({left.valid / left.failed:.0%})" if left.failed else ""
    weak = f" {results.weak:,} verdicts are of programs that shared a process with their test."
    return Section(
        title="Results",
        summary=f"Round {results.round}: of {left.usable:,} usable tasks the student failed "
        f"{left.failed:,}, of which the teacher repaired {left.valid:,}{share}."
        + weak
        * bool(results.weak),
        blocks=tuple(blocks),
    )


def sets_section(sets: Sets) -> Section:
    """The seven sets with their sizes, and the solutions that became no row."""
    counts = sets.counts
    rows = tuple(
        (
            name,
            SUMMARIES[name],
            count.rows,
            count.tasks,
            count.same or None,
            ", ".join(f"{n:,} × {change}" for change, n in count.repaired.items()),
        )
        for name, count in counts.sets.items()
    )
    combined = "repairs (persd)" if sets.combined == "repair" else "direct solutions (inpd)"
    table = filled_table(
        ("set", "prompt → completion", "rows", "tasks", "the same as another", "changed"),
        list(rows),
        f"Every row has passed all tests of its task as it is trained. In persd-combined "
        f"persd-refine stands beside {combined}. Template {sets.template[:12]}.",
    )
    blocks: list[Block] = [table]
    blocks += _counted("became no row", counts.rejected.items())
    return Section(
        title="Sets", summary="All seven, of the same tasks and attempts.", blocks=tuple(blocks)
    )


def calls_section(results: RunResults, calls: Iterable[Call], *, times: CallTimes) -> Section:
    """What student and teacher were asked, and what it cost.

    Args:
        results: the figures.
        calls: all requests.
        times: of the calls.
    """
    seconds: dict[str, list[float]] = {}
    for call in calls:
        took = times.of(call)
        if took is not None:
            seconds.setdefault(call.stage, []).append(took)
    means = {stage: fmean(took) for stage, took in seconds.items()}
    table = filled_table(
        ("stage", "answers", "tokens read", "tokens written", "seconds a request", "cost"),
        [
            (
                stage,
                cost.calls,
                cost.prompt_tokens,
                cost.completion_tokens,
                means.get(stage),
                cost.money,
            )
            for stage, cost in results.costs.items()
        ],
        "As the models count. What was answered before a restart is not asked again, and counts "
        "here all the same.",
    )
    return Section(title="Calls", summary="Requests to student and teacher.", blocks=(table,))


def tasks_section(records: Sequence[TaskRecord], *, times: CallTimes) -> Section:
    """A browser through the tasks.

    Args:
        records: in order.
        times: of the calls.
    """
    shown = records[:MOST_TASKS]
    some = f"The first {len(shown)} of {len(records)}" if len(shown) < len(records) else "All"
    return Section(
        title="Tasks",
        summary="Each task with its tests, each attempt with its error, each repair as a change "
        "to the attempt, the rows that came of it, and each request.",
        blocks=(
            Items(
                items=tuple(task_item(record, times=times) for record in shown),
                caption=f"{some} tasks; what is stored of all is in tasks.jsonl and items/.",
            ),
        ),
    )


def _counted(what: str, counts: Iterable[tuple[str, Mapping[str, int]]]) -> Iterable[Table]:
    rows: list[tuple[Scalar, ...]] = [
        (stage, reason, count) for stage, reasons in counts for reason, count in reasons.items()
    ]
    if rows:
        yield Table(columns=(what, "reason", "count"), rows=tuple(rows))


def _stages(left: Yield) -> Plot:
    stages = {"tasks": left.tasks, "usable": left.usable, "attempted": left.attempted}
    stages |= {"failed": left.failed, "refined": left.refined, "valid": left.valid}
    return bar_plot(
        rows=[{"stage": stage, "n": count} for stage, count in stages.items()],
        x="n",
        y="stage",
        x_title="tasks",
        description="Tasks that are left after each stage.",
        caption="Tasks that are left. Usable: the direct solution passes, or there is none. "
        "Attempted: the student wrote a program. Failed: one of its programs fails a test. "
        "Refined: the teacher wrote a program. Valid: one of its programs passes all tests.",
    )


def _errors(errors: Mapping[str, int]) -> Plot:
    return bar_plot(
        rows=[{"error": kind, "n": count} for kind, count in errors.items()],
        x="n",
        y="error",
        x_title="failed attempts",
        description="Failed attempts by the kind of their first error.",
        caption="What the students' programs fail by.",
    )


def _likeness(results: RunResults) -> Iterable[Table]:
    rows = tuple(
        (
            measure,
            like.pairs,
            like.attempt_refinement,
            like.attempt_gold,
            like.refinement_gold,
            f"{like.closer:.0%}",
            f"{like.same:.0%}",
        )
        for measure, like in results.likeness.items()
    )
    if rows:
        yield Table(
            columns=(
                "measure",
                "repairs",
                "attempt ~ repair",
                "attempt ~ direct",
                "repair ~ direct",
                "closer",
                "same",
            ),
            rows=rows,
            caption="Personalisation index: how alike attempt, repair and direct solution are, "
            "from 0 to 1. Closer: repairs that are closer to the attempt than the direct solution "
            "is. Same: repairs that are the direct solution.",
        )
