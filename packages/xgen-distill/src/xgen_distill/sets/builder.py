"""All seven sets from a run's tasks, attempts and refinements; every row executed as it is trained.

direct solution ─┐            ┌─ stand           all tasks
                 ├─ fit, run ─┤
repair ──────────┘            └─ inpd*, persd*   tasks whose direct solution and repair pass
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xgen_core import CodecError
from xgen_core.progress import Progress
from xgen_distill.attempt import Attempt, Refinement
from xgen_distill.sets.fit import Fitted, fit
from xgen_distill.sets.row import Row, SetName, Source
from xgen_distill.sets.training_sets import Combined, Rejection, Sets
from xgen_distill.sets.unfit import Unfit
from xgen_distill.task import Task
from xgen_distill.templates import Template, solution
from xgen_eval.execution import Checker, Limits

__all__ = ["build_sets"]

_ADDRESS = re.compile(r"0x[0-9a-f]+")


async def build_sets(
    tasks: Sequence[Task],
    attempts: Sequence[Attempt],
    refinements: Sequence[Refinement],
    template: Template,
    checker: Checker,
    *,
    combined: Combined = "repair",
    limits: Limits | None = None,
) -> Sets:
    """Make the seven sets.

    A repair becomes rows if it passes all tests of its task as the completion of the task's header,
    and the task's direct solution does too: InpD and PERsD have the same tasks. Every program runs
    once. Same arguments, same rows, byte for byte.

    Args:
        tasks: with direct solutions (`gold`).
        attempts: of the student, of one round or of several.
        refinements: of these attempts; those `chosen` are used.
        template: of all prompts, the one that inference uses.
        checker: entered, for problems with the modules of these tasks.
        combined: what `persd-combined` has beside the rows of `persd-refine`.
        limits: of one program.

    Raises:
        ValueError: two tasks or attempts of the same id, a refinement of no attempt, or an attempt
            at no task.
        SandboxError: the sandbox could not go on.
    """
    known = {task.id: task for task in tasks}
    tried = {attempt.id: attempt for attempt in attempts}
    if len(known) < len(tasks) or len(tried) < len(attempts):
        raise ValueError("two tasks, or two attempts, have the same id")
    chosen = _chosen(refinements, known, tried)
    solutions = [_Solution(task=task, program=task.gold) for task in tasks]
    solutions += [
        _Solution(task=known[attempt.task], program=refinement.program, attempt=attempt)
        for attempt, refinement in chosen
    ]
    judged = await _judge(solutions, checker, limits or Limits())
    rejections: list[Rejection] = []
    direct: dict[str, Fitted] = {}
    repairs: list[tuple[_Solution, Fitted]] = []
    for item, result in zip(solutions, judged, strict=True):
        if isinstance(result, Unfit):
            rejections.append(item.rejection(result))
        elif item.attempt is None:
            direct[item.task.id] = result
        elif item.task.id not in direct:
            rejections.append(item.rejection(Unfit("no direct solution as trained")))
        else:
            repairs.append((item, result))
    rows, same = _rows(tasks, direct, repairs, template)
    return Sets(
        rows={
            "stand": rows["stand"],
            "inpd": rows["inpd"],
            "inpd-refine": rows["inpd-refine"],
            "inpd-combined": rows["inpd"] + rows["inpd-refine"],
            "persd": rows["persd"],
            "persd-refine": rows["persd-refine"],
            "persd-combined": rows["persd" if combined == "repair" else "inpd"]
            + rows["persd-refine"],
        },
        same=same,
        rejections=tuple(rejections),
        combined=combined,
        template=template.fingerprint,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Solution:
    """A program that is to become rows: a direct solution, or the repair of an attempt."""

    task: Task
    program: str
    attempt: Attempt | None = None

    @property
    def source(self) -> Source:
        return "repair" if self.attempt else "direct"

    def rejection(self, why: Unfit) -> Rejection:
        return Rejection(
            task=self.task.id,
            attempt=self.attempt.id if self.attempt else "",
            source=self.source,
            reason=why.reason,
            detail=why.detail,
        )


def _chosen(
    refinements: Sequence[Refinement],
    tasks: Mapping[str, Task],
    attempts: Mapping[str, Attempt],
) -> list[tuple[Attempt, Refinement]]:
    """The refinements that are learnt from, with their attempts, in the order of tasks."""
    pairs: list[tuple[Attempt, Refinement]] = []
    for refinement in refinements:
        attempt = attempts.get(refinement.attempt)
        if attempt is None or attempt.task not in tasks:
            raise ValueError(f"refinement {refinement.id}: its attempt or task is not among these")
        if refinement.chosen and attempt.feedback is None:
            raise ValueError(f"refinement {refinement.id}: its attempt did not fail")
        if refinement.chosen:
            pairs.append((attempt, refinement))
    order = {id: number for number, id in enumerate(tasks)}

    def place(pair: tuple[Attempt, Refinement]) -> tuple[int, int, int, int]:
        attempt, refinement = pair
        return order[attempt.task], attempt.round, attempt.sample, refinement.sample

    return sorted(pairs, key=place)


async def _judge(
    solutions: Sequence[_Solution], checker: Checker, limits: Limits
) -> list[Fitted | Unfit]:
    """What each solution becomes, after it has run as it is trained; equal ones run once."""
    different = {(s.task.id, s.program): s for s in solutions if s.program.strip() or s.attempt}
    with Progress("verify rows", len(different), unit="programs") as progress:

        async def judged(item: _Solution) -> Fitted | Unfit:
            try:
                fitted = fit(item.task, item.program)
                await _run(item.task, fitted, checker, limits)
            except Unfit as why:
                return why
            finally:
                progress.advance()
            return fitted

        found = await asyncio.gather(*(judged(item) for item in different.values()))
    results = dict(zip(different, found, strict=True))
    missing = Unfit("no direct solution")
    return [results.get((item.task.id, item.program), missing) for item in solutions]


async def _run(task: Task, fitted: Fitted, checker: Checker, limits: Limits) -> None:
    """Raise `Unfit` unless header and completion together pass all tests of the task."""
    program = solution(task, fitted.completion)
    if not task.tests:
        raise Unfit("not judged", "the task has no tests")
    try:
        problem = task.problem(task.tests, program)
    except CodecError as error:
        raise Unfit("not judged", str(error)) from error
    verdict = await checker.check(problem, program, limits=limits)
    if not verdict.passed:
        detail = _ADDRESS.sub("0x…", verdict.detail) or verdict.outcome
        failed = verdict.outcome != "harness_error"
        raise Unfit("fails as trained" if failed else "not judged", detail)


def _rows(
    tasks: Sequence[Task],
    direct: Mapping[str, Fitted],
    repairs: Sequence[tuple[_Solution, Fitted]],
    template: Template,
) -> tuple[dict[SetName, tuple[Row, ...]], dict[SetName, int]]:
    """Rows of the five sets that are not unions, and how many were the same as an earlier one."""
    rows: dict[SetName, list[Row]] = {
        "stand": [],
        "inpd": [],
        "inpd-refine": [],
        "persd": [],
        "persd-refine": [],
    }
    for task in tasks:
        if task.id in direct:
            rows["stand"].append(_row(task, None, "direct", direct[task.id], template))
    failed = {item.task.id for item, _ in repairs}
    rows["inpd"] = [row for row in rows["stand"] if row.task in failed]
    for item, fitted in repairs:
        task, attempt = item.task, item.attempt
        assert attempt is not None
        rows["persd"].append(_row(task, attempt, "repair", fitted, template))
        rows["persd-refine"].append(_row(task, attempt, "repair", fitted, template, refines=True))
        rows["inpd-refine"].append(
            _row(task, attempt, "direct", direct[task.id], template, refines=True)
        )
    different: dict[SetName, tuple[Row, ...]] = {}
    same: dict[SetName, int] = {}
    for name, found in rows.items():
        different[name] = _different(found)
        if len(different[name]) < len(found):
            same[name] = len(found) - len(different[name])
    return different, same


def _different(rows: Sequence[Row]) -> tuple[Row, ...]:
    first: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        first.setdefault((row.task, row.prompt, row.completion), row)
    return tuple(first.values())


def _row(
    task: Task,
    attempt: Attempt | None,
    source: Source,
    fitted: Fitted,
    template: Template,
    *,
    refines: bool = False,
) -> Row:
    repaired = fitted.repaired
    if refines and attempt is not None and attempt.feedback is not None:
        prompt = template.refinement(task, attempt.program, attempt.feedback.text)
        if template.shortens(attempt.program):
            repaired += (f"attempt shortened in the prompt: {len(attempt.program)} characters",)
    else:
        prompt = template.attempt(task)
    asks = "refinement" if refines else "attempt"
    return Row(
        id=f"{source}/{asks}/{attempt.id if attempt else task.id}",
        task=task.id,
        attempt=attempt.id if attempt else "",
        source=source,
        asks=asks,
        prompt=prompt,
        completion=fitted.completion,
        program=solution(task, fitted.completion),
        repaired=repaired,
    )
