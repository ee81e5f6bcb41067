"""A dry run: what a generation would ask if every task in every list were kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from xgen_core import open_model
from xgen_core.concurrency import gather
from xgen_core.lm import CallStore, PlannedModel, planned
from xgen_core.lm.asker import Asker
from xgen_core.progress import Progress
from xgen_distill.generation.asking import ask
from xgen_distill.generation.candidate import Candidate
from xgen_distill.generation.evol_instruct import (
    Operation,
    compare_prompt,
    rewrite_prompt,
    solve_prompt,
)
from xgen_distill.generation.runs import usable_seeds
from xgen_distill.generation.self_instruct import draw_seeds, list_prompt
from xgen_distill.generation.settings import Generation
from xgen_distill.generation.unit_tests import call_prompt
from xgen_distill.task import Task

__all__ = ["plan_generation"]

_LONGEST: Operation = "complicate"
_ADDED = " ".join(["constraint"] * 20)
"""What a rewriting is supposed to add: 20 words, which is what it may."""


async def plan_generation(
    generation: Generation,
    seeds: Sequence[Task],
    *,
    teacher: str,
    count: int,
    output: Path | str,
    rounds: int = 0,
) -> PlannedModel:
    """Count what `generate_tasks` would ask, asking nothing and running nothing.

    Tasks that are not made yet are supposed to be as long as the seeds, and all to be kept; lists
    come in whole waves. So more is asked in truth where tasks are left out, and of what the run
    directory's store knows only lists are taken off.

    Args:
        generation: how tasks would be made.
        seeds: as for `generate_tasks`.
        teacher: URI of the model.
        count: tasks of lists; 0 to rewrite the seeds.
        output: the run directory.
        rounds: of rewriting.

    Raises:
        InputError: too few seeds with a solution.
        PluginError: nobody knows the model's scheme.
    """
    usable = usable_seeds(seeds, generation)
    path = Path(output) / "calls.sqlite"
    store = CallStore(path, read_only=True) if path.is_file() else None
    try:
        model = planned(open_model(teacher), store)
        await _Plan(generation, model).suppose(usable, count, rounds)
    finally:
        if store is not None:
            store.close()
    return model


class _Plan:
    """Requests that are supposed."""

    def __init__(self, generation: Generation, model: PlannedModel) -> None:
        self._of = generation
        self._asker = Asker(model, seed=generation.seed)

    async def suppose(self, seeds: Sequence[Task], count: int, rounds: int) -> None:
        """Ask for lists, and for tests and rewritings of what they are supposed to hold."""
        of = self._of
        lists = -(-count // (of.asked - of.seeds))
        lists = -(-lists // of.wave) * of.wave
        made = [seeds[number % len(seeds)] for number in range(count or len(seeds))]

        async def list_(call: int) -> None:
            shown = draw_seeds(seeds, of.seeds, seed=of.seed, call=call)
            await ask(self._asker, "list", list_prompt(shown, of.asked), of.lists, first=call)

        async def work(number: int) -> None:
            task = _supposed(made[number], number)
            if count:
                await self._tests(task)
            for round in range(1, rounds + 1):
                task = await self._rewritten(task, round)

        with Progress("plan", lists + len(made)) as progress:
            await gather(range(lists), list_, progress=progress)
            await gather(range(len(made)), work, progress=progress)

    async def _rewritten(self, task: Candidate, round: int) -> Candidate:
        """A task made of another one: rewritten, compared, solved, and tested."""
        of = self._of
        prompt = rewrite_prompt(task.instruction, _LONGEST)
        await ask(self._asker, "rewrite", prompt, of.rewriting, first=round)
        child = replace(task, instruction=f"{task.instruction} {_ADDED}")
        prompt = compare_prompt(task.instruction, child.instruction)
        await ask(self._asker, "compare", prompt, of.answers, first=round)
        await ask(self._asker, "solve", solve_prompt(child.instruction), of.answers, first=round)
        await self._tests(child)
        return child

    async def _tests(self, task: Candidate) -> None:
        await ask(self._asker, "tests", call_prompt(task, self._of.calls), self._of.answers)


def _supposed(seed: Task, number: int) -> Candidate:
    """A task that is like a seed; no two are the same, as equal requests count once."""
    return Candidate(
        id=f"{number}",
        method="",
        instruction=f"{number} {seed.instruction}",
        entry_point=seed.entry_point,
        header=seed.header,
        gold=seed.gold,
    )
