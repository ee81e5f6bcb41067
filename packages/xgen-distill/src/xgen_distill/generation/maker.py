"""Tasks being made: lists in waves, tests for what is new, and rounds of rewriting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

from xgen_core import Completion, Model, Run
from xgen_core.codec import JSON
from xgen_core.concurrency import Failure, gather
from xgen_core.lm import Prices, Usage
from xgen_core.lm.asker import Asker
from xgen_core.progress import Progress
from xgen_core.records import Record
from xgen_distill.generation.asking import ask
from xgen_distill.generation.candidate import Candidate
from xgen_distill.generation.evol_instruct import Evolver
from xgen_distill.generation.novelty import Novelty
from xgen_distill.generation.results import (
    Ended,
    GenerationResults,
    Made,
    cost_of,
    count_lines,
    count_reasons,
)
from xgen_distill.generation.self_instruct import draw_seeds, list_prompt, read_candidates
from xgen_distill.generation.settings import Generation
from xgen_distill.generation.unit_tests import UnitTester, UnitTests
from xgen_distill.items import read_rows
from xgen_distill.task import Task
from xgen_eval.execution import Checker

__all__ = ["Maker"]

R = TypeVar("R", bound=Record)
_SURPLUS = "made when there were enough"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evolved(Record):
    """A rewritten task, as a row under its parent's id holds it."""

    candidate: Candidate


@dataclass(slots=True, kw_only=True)
class Maker:
    """One generation.

    Attributes:
        generation: how tasks are made.
        run: where items are kept.
        model: the teacher, entered, behind a store.
        checker: entered.
        concurrency: items in work at one time.
    """

    generation: Generation
    run: Run
    model: Model
    checker: Checker
    concurrency: int
    _novelty: Novelty = field(init=False)
    _candidates: list[Candidate] = field(default_factory=list[Candidate])
    _tasks: dict[str, Task] = field(default_factory=dict[str, Task])
    _tested: dict[str, UnitTests] = field(default_factory=dict[str, UnitTests])
    _left_out: dict[str, str] = field(default_factory=dict[str, str])
    _made: dict[str, Made] = field(default_factory=dict[str, Made])
    _unanswered: dict[str, dict[str, Failure]] = field(
        default_factory=dict[str, dict[str, Failure]]
    )
    _lists: Usage = field(default_factory=Usage)
    _ended: Ended = "enough"

    def __post_init__(self) -> None:
        self._novelty = Novelty(self.generation.rouge_l, self.generation.jaccard)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Those of the lists, then those of each round."""
        return tuple(self._tasks.values())

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """All that was made up, each with the last reason why it is no task."""
        return tuple(
            replace(one, reason=one.reason or self._left_out.get(one.id, ""))
            for one in self._candidates
        )

    async def make(self, seeds: Sequence[Task], count: int, rounds: int) -> None:
        """Lists until there are enough tasks, then rounds of rewriting.

        Args:
            seeds: each with a direct solution.
            count: tasks of lists; with 0 the seeds themselves are rewritten.
            rounds: of rewriting.

        Raises:
            BudgetError: the budget is used up.
            EndpointError: the model is not there.
        """
        for seed in seeds:
            self._novelty.add(seed.id, seed.instruction)
        pool = [_seed_candidate(seed) for seed in seeds]
        if count:
            pool = await self._self_instruct(seeds, count)
        for number in range(1, rounds + 1):
            pool = await self._evolve(pool, number)

    async def _self_instruct(self, seeds: Sequence[Task], count: int) -> list[Candidate]:
        """Ask for lists until enough tasks have come of them, or none comes any more."""
        of = self.generation
        new: list[Candidate] = []
        tasks: list[Task] = []
        call = answered = idle = 0
        while len(tasks) < count and idle < of.barren:
            for number, answer in enumerate(await self._wave(seeds, call), call):
                if isinstance(answer, Failure):
                    self._unanswered.setdefault("lists", {})[f"{number}"] = answer
                    continue
                answered += 1
                self._lists += Usage(
                    calls=1,
                    prompt_tokens=answer.prompt_tokens,
                    completion_tokens=answer.completion_tokens,
                )
                found = read_candidates(answer, number, of.filters)
                new += [one for one in map(self._consider, found) if not one.reason]
            call += of.wave
            before = len(tasks)
            tasks = await self._test(new, 0)
            idle = 0 if len(tasks) > before else idle + 1
        self._ended = "enough" if len(tasks) >= count else "dried up"
        self._left_out.update((task.id, _SURPLUS) for task in tasks[count:])
        return self._keep("self-instruct", answered, self._candidates, new, tasks[:count])

    async def _wave(self, seeds: Sequence[Task], first: int) -> list[Completion | Failure]:
        of = self.generation
        asker = Asker(self.model, seed=of.seed)

        async def work(call: int) -> Completion:
            shown = draw_seeds(seeds, of.seeds, seed=of.seed, call=call)
            return await ask(asker, "list", list_prompt(shown, of.asked), of.lists, first=call)

        with Progress("lists", of.wave) as progress:
            calls = range(first, first + of.wave)
            return await gather(calls, work, concurrency=self.concurrency, progress=progress)

    def _consider(self, candidate: Candidate) -> Candidate:
        """The candidate with its reason if it is not new; what is new is remembered."""
        if not candidate.reason:
            found = self._novelty.find(candidate.instruction, apart=candidate.parents)
            if found is None:
                self._novelty.add(candidate.id, candidate.instruction)
            else:
                candidate = replace(
                    candidate,
                    reason=f"not new: {found.measure}",
                    like=found.like,
                    similarity=found.similarity,
                )
        self._candidates.append(candidate)
        return candidate

    async def _evolve(self, pool: Sequence[Candidate], number: int) -> list[Candidate]:
        """Rewrite a pool; what became a task takes its parent's place, the others stay."""
        of = self.generation
        evolver = Evolver(
            model=self.model,
            writing=of.rewriting,
            answering=of.answers,
            filters=of.filters,
            seed=of.seed,
        )

        async def work(parent: Candidate) -> _Evolved:
            return _Evolved(candidate=await evolver.evolve(parent, number))

        rows = await self._map(f"evolve-{number}", _Evolved, pool, work)
        children = [self._consider(row.candidate) for row in rows.values()]
        new = [child for child in children if not child.reason]
        tasks = await self._test(new, number)
        made = self._keep(f"evolve {number}", len(rows), children, new, tasks)
        better = {child.parents[-1]: child for child in made}
        return [better.get(parent.id, parent) for parent in pool]

    async def _test(self, new: Sequence[Candidate], number: int) -> list[Task]:
        """The tasks among candidates: those with tests. What is tested already is not again."""
        of = self.generation
        tester = UnitTester(
            model=self.model,
            checker=self.checker,
            sampling=of.answers,
            limits=of.limits,
            count=of.calls,
            fewest=of.fewest,
            seed=of.seed,
        )
        found = await self._map(f"tests-{number}", UnitTests, new, tester.test)
        self._tested.update(found)
        self._left_out.update((one.id, "no answer") for one in new if one.id not in found)
        self._left_out.update((id, one.reason) for id, one in found.items())
        return [
            found[one.id].task(one, of.shown)
            for one in new
            if one.id in found and not found[one.id].reason
        ]

    async def _map(
        self,
        name: str,
        kind: type[R],
        items: Sequence[Candidate],
        work: Callable[[Candidate], Awaitable[R]],
    ) -> dict[str, R]:
        """Records by the ids of their candidates, in order; who got no answer has none."""

        async def row(item: Candidate) -> Mapping[str, JSON]:
            return cast("Mapping[str, JSON]", (await work(item)).to_json())

        rows = await self.run.map(
            items, row, key=lambda item: item.id, name=name, concurrency=self.concurrency
        )
        pairs = list(zip(items, rows, strict=True))
        failed = {item.id: row for item, row in pairs if isinstance(row, Failure)}
        self._unanswered[name] = failed
        done = {item.id: row for item, row in pairs if not isinstance(row, Failure)}
        found, _ = read_rows(self.run.directory, name, kind, list(done.values()))
        return dict(zip(done, found, strict=True))

    def _keep(
        self,
        source: str,
        requests: int,
        candidates: Sequence[Candidate],
        new: Sequence[Candidate],
        tasks: Sequence[Task],
    ) -> list[Candidate]:
        """Keep the tasks of a source, with its figures; returns their candidates."""
        self._tasks.update((task.id, task) for task in tasks)
        self._made[source] = Made(
            requests=requests,
            candidates=len(candidates),
            readable=len(new) + sum(bool(one.like) for one in candidates),
            new=len(new),
            tasks=len(tasks),
        )
        return [one for one in new if one.id in self._tasks]

    def results(self, count: int, prices: Prices | None = None) -> GenerationResults:
        """The figures.

        Args:
            count: tasks that lists were to give.
            prices: of the teacher.
        """
        rewritten = [one for one in self._candidates if one.round]
        tested = self._tested.values()
        unfit = [reason for id, reason in self._left_out.items() if id in self._tested]
        rejected = {
            "ideas": count_reasons(one.reason for one in self._candidates),
            "tests": count_reasons(unfit),
            "lines": count_lines(tested),
        }
        return GenerationResults(
            count=count,
            tasks=len(self._tasks),
            ended=self._ended,
            made=self._made,
            operations=count_reasons(one.method for one in rewritten if one.id in self._tasks),
            rejected={stage: counts for stage, counts in rejected.items() if counts},
            unanswered={
                stage: count_reasons(f"{one.kind}: {one.reason}" for one in failures.values())
                for stage, failures in self._unanswered.items()
                if failures
            },
            costs={
                "lists": cost_of(self._lists, prices),
                "rewriting": cost_of(sum(map(_usage, rewritten), Usage()), prices),
                "tests": cost_of(sum(map(_usage, tested), Usage()), prices),
            },
        )


def _usage(one: Candidate | UnitTests) -> Usage:
    return Usage(
        calls=one.calls,
        prompt_tokens=one.prompt_tokens,
        completion_tokens=one.completion_tokens,
    )


def _seed_candidate(seed: Task) -> Candidate:
    return Candidate(
        id=seed.id,
        method=seed.origin,
        instruction=seed.instruction,
        entry_point=seed.entry_point,
        header=seed.header,
        prelude=seed.prelude,
        gold=seed.gold,
    )
