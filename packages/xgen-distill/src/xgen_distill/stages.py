"""The stages of a round: direct solutions run, the student tries, the teacher repairs.

Inside a stage requests and programs go on at the same time; the next begins when one is done, so
that two models need never be in memory together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from xgen_core import Model, Run
from xgen_core.codec import JSON
from xgen_core.concurrency import Failure
from xgen_core.files import write_jsonl
from xgen_core.lm import Budget, CallStore, recorded
from xgen_core.records import Record
from xgen_distill.attempt import Attempt, Refinement
from xgen_distill.configuration import Configuration, Retried
from xgen_distill.examiner import Examiner
from xgen_distill.golds import GoldCheck, check_gold
from xgen_distill.items import Earlier, RunItems, read_rows
from xgen_distill.spending import Spending
from xgen_distill.student import Student
from xgen_distill.task import Task
from xgen_distill.teacher.teacher import Teacher, choose

__all__ = ["Stages", "tried_tasks"]

T = TypeVar("T")
R = TypeVar("R", bound=Record)


def tried_tasks(usable: Sequence[Task], earlier: Earlier, retried: Retried) -> list[Task]:
    """The tasks that a round tries.

    Args:
        usable: those that may be tried.
        earlier: the rounds before.
        retried: all of them, or those that no earlier attempt solved.
    """
    solved: set[str] = earlier.solved if retried == "failed" else set()
    return [task for task in usable if task.id not in solved]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The stages of one round up to the chosen refinements.

    Attributes:
        configuration: how they are carried out.
        run: where items are kept.
        store: of the calls.
        examiner: runs programs, `workers` at one time.
        concurrency: requests to an endpoint at one time.
        spending: what may be spent.
    """

    configuration: Configuration
    run: Run
    store: CallStore
    examiner: Examiner
    concurrency: int
    workers: int
    spending: Spending

    async def carry_out(
        self, tasks: Sequence[Task], earlier: Earlier, student: Model, teacher: Model
    ) -> RunItems:
        """Run direct solutions, let the student try, let the teacher repair.

        Args:
            tasks: with different ids.
            earlier: the rounds before.
            student: not entered yet; it is left before the teacher is entered.
            teacher: likewise.

        Raises:
            BudgetError: the budget is used up.
            EndpointError: a model is not there. In both cases every answer until then is kept.
        """
        of = self.configuration
        golds, gold_failures = await self._stage("golds", GoldCheck, tasks, _id, self._check_gold)
        items = RunItems(tasks=tuple(tasks), golds=golds, earlier=earlier)
        budget = self.spending.first()
        tried = tried_tasks(items.usable, earlier, of.retried)
        async with self._recorded(student, budget) as model:
            attempts, attempt_failures = await self.attempts(model, tried)
        async with self._recorded(teacher, self.spending.second(budget)) as model:
            refinements, refinement_failures = await self.refinements(model, tasks, attempts)
        failed = {
            "golds": gold_failures,
            "attempts": attempt_failures,
            "refinements": refinement_failures,
        }
        return replace(
            items,
            attempts=attempts,
            refinements=refinements,
            failed={stage: failures for stage, failures in failed.items() if failures},
        )

    async def _check_gold(self, task: Task) -> GoldCheck:
        return await check_gold(task, self.examiner)

    async def attempts(
        self, model: Model, tasks: Sequence[Task]
    ) -> tuple[tuple[Attempt, ...], dict[str, Failure]]:
        """What the student makes of tasks, run; and why some attempts are missing, by id."""
        of = self.configuration
        student = Student.of(of, model)

        async def work(item: tuple[Task, int]) -> Attempt:
            task, sample = item
            attempt = await student.attempt(task, round=of.round, sample=sample)
            return await self._executed(task, attempt)

        wanted = [(task, sample) for task in tasks for sample in range(of.attempts.samples)]
        return await self._stage(
            "attempts", Attempt, wanted, lambda item: f"{item[0].id}/{of.round}/{item[1]}", work
        )

    async def _executed(self, task: Task, attempt: Attempt) -> Attempt:
        if not attempt.program:
            return attempt
        verdict, feedback = await self.examiner.trial(
            task, attempt.program, told=self.configuration.told
        )
        reason = "no verdict" if verdict.outcome == "harness_error" else ""
        return replace(attempt, verdict=verdict, feedback=feedback, reason=reason)

    async def refinements(
        self, model: Model, tasks: Sequence[Task], attempts: Sequence[Attempt]
    ) -> tuple[tuple[Refinement, ...], dict[str, Failure]]:
        """What the teacher makes of failed attempts, run and chosen; and why some are missing."""
        of = self.configuration
        teacher = Teacher.of(of, model)
        known = {task.id: task for task in tasks}

        async def work(item: tuple[Attempt, int]) -> Refinement:
            attempt, sample = item
            task = known[attempt.task]
            refinement = await teacher.refine(task, attempt, sample=sample)
            return await self._verified(task, refinement)

        failures = [attempt for attempt in attempts if attempt.failed]
        wanted = [(attempt, n) for attempt in failures for n in range(of.refinements.samples)]
        found, unanswered = await self._stage(
            "refinements", Refinement, wanted, lambda item: f"{item[0].id}/{item[1]}", work
        )
        chosen = choose(found, of.closest)
        rows = {one.id: {"id": one.id, **one.to_json()} for one in chosen}
        errors = {
            key: {"id": key, "error": failure.reason, "kind": failure.kind}
            for key, failure in unanswered.items()
        }
        every = rows | errors
        write_jsonl(
            self.run.directory / "items" / "refinements.jsonl",
            (every[f"{attempt.id}/{sample}"] for attempt, sample in wanted),
        )
        return tuple(chosen), unanswered

    async def _verified(self, task: Task, refinement: Refinement) -> Refinement:
        if not refinement.program:
            return refinement
        verdict = await self.examiner.examine(task, refinement.program)
        reason = "no verdict" if verdict.outcome == "harness_error" else "fails"
        return replace(refinement, verdict=verdict, reason="" if verdict.passed else reason)

    async def _stage(
        self,
        name: str,
        kind: type[R],
        items: Sequence[T],
        key: Callable[[T], str],
        work: Callable[[T], Awaitable[R]],
    ) -> tuple[tuple[R, ...], dict[str, Failure]]:
        """Records of the items, in order, kept as they come; and why others have none."""

        async def row(item: T) -> Mapping[str, JSON]:
            return cast("Mapping[str, JSON]", (await work(item)).to_json())

        rows = await self.run.map(
            items,
            row,
            key=key,
            name=name,
            # while programs of some run, others keep the endpoint busy
            concurrency=2 * (self.concurrency + self.workers),
        )
        keys = [key(item) for item in items]
        failures = {k: r for k, r in zip(keys, rows, strict=True) if isinstance(r, Failure)}
        done = [row for row in rows if not isinstance(row, Failure)]
        return read_rows(self.run.directory, name, kind, done)[0], failures

    def _recorded(self, model: Model, budget: Budget) -> Model:
        return recorded(model, self.store, budget=budget, concurrency=self.concurrency)


def _id(task: Task) -> str:
    return task.id
