"""A generation: a directory that is taken up where it was left, and asks nothing twice.

    seeds ─ lists ─ read, filter ─ new? ─ tests ─ pool ─ rewrite ─ read, filter ─ new? ─ tests
            teacher                       teacher, sandbox  teacher                      …

    run.json            what it rests on
    calls.sqlite        every answered request
    items/evolve-N.jsonl    one rewritten `Candidate` a line, under its parent's id
    items/tests-N.jsonl     one `UnitTests` a line, under its candidate's id; 0 is of the lists
    candidates.jsonl    all that the teacher made up, and why most of it was left out
    tasks.jsonl         the tasks, for `xgen distill run`
    results.json        what it comes to

But for `calls.sqlite` the same replies give the same bytes, however often the run was cut short.
Lists are asked for in waves and read in their order, so tasks do not depend on which came first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xgen_core import InputError, Run, open_model
from xgen_core.files import write_jsonl
from xgen_core.lm import Budget, CallStore, Prices, recorded
from xgen_core.recipe import fingerprint
from xgen_distill.generation.candidate import Candidate
from xgen_distill.generation.maker import Maker
from xgen_distill.generation.results import GenerationResults
from xgen_distill.generation.settings import Generation, GenerationRecipe
from xgen_distill.task import Task
from xgen_eval.execution import Checker
from xgen_eval.inputs import DataFile

__all__ = ["Generated", "generate_tasks", "usable_seeds"]

_KIND = "distill-generate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """A generation that is done.

    Attributes:
        tasks: by Self-Instruct, then of each round of rewriting.
        candidates: all that was made up, in its order.
        results: the figures.
    """

    tasks: tuple[Task, ...]
    candidates: tuple[Candidate, ...]
    results: GenerationResults


async def generate_tasks(
    generation: Generation,
    seeds: Sequence[Task],
    *,
    teacher: str,
    count: int,
    output: Path | str,
    rounds: int = 0,
    files: Sequence[DataFile] = (),
    concurrency: int = 64,
    workers: int | None = None,
    allow_weak: bool = False,
    budget: Budget | None = None,
    prices: Prices | None = None,
) -> Generated:
    """Make tasks after seeds, and go on where an earlier start stopped.

    Args:
        generation: how.
        seeds: those with a direct solution are shown.
        teacher: URI of the model.
        count: tasks by Self-Instruct; 0 to rewrite the seeds themselves.
        output: the run directory.
        rounds: of rewriting, each of all tasks at their latest.
        files: those that the seeds come from, by content.
        concurrency: requests to an endpoint at one time.
        workers: programs at one time; None for two a processor.
        allow_weak: run even where the sandbox is not strict.
        budget: of what may be asked.
        prices: for the costs of the results.

    Raises:
        InputError: too few seeds with a solution, or another run in `output`.
        PluginError: nobody knows the model's scheme.
        WeakSandboxError: the sandbox is not strict, and `allow_weak` is not given.
        BudgetError: the budget is used up.
        EndpointError: the model is not there. In both cases every answer until then is kept.
    """
    usable = usable_seeds(seeds, generation)
    opened = open_model(teacher)
    checker = Checker([], workers=workers, allow_weak=allow_weak)
    async with checker:
        recipe = GenerationRecipe(
            files=tuple(files),
            seeds="" if files else fingerprint(seeds),
            teacher=opened.info,
            generation=generation,
        )
        run = Run.create(output, _KIND, recipe)
        with CallStore(run.directory / "calls.sqlite") as store:
            model = recorded(opened, store, budget=budget, concurrency=concurrency)
            async with model:
                maker = Maker(
                    generation=generation,
                    run=run,
                    model=model,
                    checker=checker,
                    concurrency=2 * (concurrency + checker.workers),
                )
                await maker.make(usable, count, rounds)
    found = Generated(
        tasks=maker.tasks, candidates=maker.candidates, results=maker.results(count, prices)
    )
    write_jsonl(run.directory / "candidates.jsonl", (one.to_json() for one in found.candidates))
    write_jsonl(run.directory / "tasks.jsonl", (task.to_json() for task in found.tasks))
    run.write_section("10-tasks", found.results.section(found.tasks, found.candidates))
    found.results.write(run.directory / "results.json")
    return found


def usable_seeds(seeds: Sequence[Task], generation: Generation) -> list[Task]:
    """Those with a direct solution.

    Raises:
        InputError: fewer than one prompt shows.
    """
    usable = [seed for seed in seeds if seed.gold]
    if len(usable) < generation.seeds:
        raise InputError(
            f"{len(usable)} of {len(seeds)} seeds have a direct solution, and a prompt shows "
            f"{generation.seeds}: give more, or --set seeds=1"
        )
    return usable
