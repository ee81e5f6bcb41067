"""A loop over tasks: a directory that is taken up where it was left, and asks nothing twice.

    tasks ─ golds ─ attempt, execute ─ refine, verify ─ choose ─ build ─ results
            run     student, sandbox   teacher, sandbox          sandbox

    run.json            what it rests on: models, prompts, sampling, tasks
    calls.sqlite        every answered request, of student and teacher
    tasks.jsonl, items/, earlier/     see `xgen_distill.items`
    sets/               the seven training sets
    sections/           of the report page
    results.json        what it comes to

But for `calls.sqlite`, and the times of calls on the page, the same answers give the same bytes,
however often the run was cut short.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xgen_core import InputError, Run, open_model
from xgen_core.files import write_jsonl
from xgen_core.lm import CallStore
from xgen_core.lm.asker import CallTimes
from xgen_distill.configuration import Configuration
from xgen_distill.examiner import Examiner, task_problems
from xgen_distill.items import Earlier, RunItems
from xgen_distill.results import RunResults
from xgen_distill.run_recipe import KIND, RunRecipe
from xgen_distill.sections import write_page
from xgen_distill.sets import Combined, Sets, build_sets, write_sets
from xgen_distill.spending import Spending
from xgen_distill.stages import Stages
from xgen_distill.task import Task
from xgen_eval.execution import Checker
from xgen_eval.inputs import DataFile

__all__ = ["Finished", "run_loop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A run that is done.

    Attributes:
        items: what it found out.
        sets: the seven.
        results: the figures.
    """

    items: RunItems
    sets: Sets
    results: RunResults


async def run_loop(
    configuration: Configuration,
    tasks: Sequence[Task],
    *,
    output: Path | str,
    files: Sequence[DataFile] = (),
    refused: Mapping[str, int] | None = None,
    earlier: Earlier | None = None,
    union: bool = False,
    combined: Combined = "repair",
    concurrency: int = 64,
    workers: int | None = None,
    allow_weak: bool = False,
    spending: Spending | None = None,
) -> Finished:
    """Carry one round out, write what it comes to, and go on where an earlier start stopped.

    What fails by itself (a model does not answer, a reply has no code) is written down with the
    reason, and the others go on; where a model did not answer, another start asks again.

    Args:
        configuration: how it is carried out.
        tasks: with different ids.
        output: the run directory.
        files: those that the tasks come from, by content.
        refused: how many rows of them are no task, by reason.
        earlier: the rounds before, from the second on.
        union: build the sets from this round and the ones before, not from this one alone.
        combined: the reading of `persd-combined`.
        concurrency: requests to an endpoint at one time.
        workers: programs at one time; None for two a processor.
        allow_weak: run even where the sandbox is not strict.
        spending: what may be spent; answers that are known cost nothing.

    Raises:
        InputError: no tasks, two of one id, no tests, rounds that do not follow each other, no
            direct solution to put in context, or another run in `output`.
        PluginError: nobody knows a model's scheme.
        WeakSandboxError: the sandbox is not strict, and `allow_weak` is not given.
        BudgetError: the budget is used up.
        EndpointError: a model is not there. In both cases every answer until then is kept.
    """
    before = earlier or Earlier()
    _check(configuration, tasks, before, union=union)
    student, teacher = open_model(configuration.student), open_model(configuration.teacher)
    directory = Path(output)
    problems = task_problems(tasks)
    checker = Checker([*problems.values()], workers=workers, allow_weak=allow_weak)
    async with checker:
        recipe = RunRecipe.of(
            configuration,
            tasks,
            files=files,
            earlier=before,
            student=student.info,
            teacher=teacher.info,
        )
        run = Run.create(directory, KIND, recipe)
        write_jsonl(directory / "tasks.jsonl", (task.to_json() for task in tasks))
        before.write(directory)
        with CallStore(directory / "calls.sqlite") as store:
            stages = Stages(
                configuration=configuration,
                run=run,
                store=store,
                examiner=Examiner(checker, problems, configuration.limits),
                concurrency=concurrency,
                workers=checker.workers,
                spending=spending or Spending(),
            )
            items = await stages.carry_out(tasks, before, student, teacher)
            times = CallTimes.read(store)
        sets = await build_sets(
            items.usable,
            (*(before.attempts if union else ()), *items.attempts),
            (*(before.refinements if union else ()), *items.refinements),
            configuration.template,
            checker,
            combined=combined,
            limits=configuration.limits,
        )
    return _finish(run, recipe, items, sets, times, refused=refused or {}, spending=spending)


def _check(
    configuration: Configuration, tasks: Sequence[Task], earlier: Earlier, *, union: bool
) -> None:
    """What can be said before a model is opened."""
    if not tasks:
        raise InputError("no tasks to try")
    if configuration.round != earlier.round + 1:
        raise InputError(
            f"round {configuration.round} goes on from round {configuration.round - 1}, but "
            f"the run before is round {earlier.round}: give --previous RUN of that one"
            if configuration.round > 1
            else f"the run before is round {earlier.round}: this is --round {earlier.round + 1}"
        )
    without = next((task.id for task in tasks if not task.gold), None)
    if configuration.gold_in_context and without is not None:
        raise InputError(
            f"task {without}: no direct solution to put in context; give one, or leave out "
            "--gold-in-context"
        )
    known = {task.id for task in tasks}
    missing = [attempt.task for attempt in earlier.attempts if attempt.task not in known]
    if union and missing:
        raise InputError(
            f"the rounds before tried task {missing[0]}, which is not among these {len(known)}: "
            "give the same tasks, or build the sets from this round alone"
        )


def _finish(
    run: Run,
    recipe: RunRecipe,
    items: RunItems,
    sets: Sets,
    times: CallTimes,
    *,
    refused: Mapping[str, int],
    spending: Spending | None,
) -> Finished:
    """Write what the run comes to."""
    counts = write_sets(run.directory / "sets", sets)
    results = RunResults.of(
        items,
        round=recipe.round,
        rows={name: count.rows for name, count in counts.sets.items()},
        refused=refused,
        unfit=counts.rejected,
        student=spending.student if spending else None,
        teacher=spending.teacher if spending else None,
    )
    write_page(run, recipe, items, sets, results, times=times)
    results.write(run.directory / "results.json")
    return Finished(items=items, sets=sets, results=results)
