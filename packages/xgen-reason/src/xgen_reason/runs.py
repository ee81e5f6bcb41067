"""A run over questions: a directory that is taken up where it was left, and asks nothing twice.

    run.json               what the answers rest on: model, method, prompts, sources, data
    calls.sqlite           every answered request to a model
    items/results.jsonl    one `Result` a line, under its question's id, or why there is none
    results.json           what it comes to
    sections/*.json        what the report page shows

But for `calls.sqlite` and the trace on the report page, which tell how long calls took, the same
answers give the same bytes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from xgen_core import InputError, Model, Run
from xgen_core.codec import JSON, decode, encode
from xgen_core.concurrency import Failure
from xgen_core.lm import Budget, CallStore, Prices, recorded
from xgen_core.records import Record
from xgen_eval.inputs import DataFile
from xgen_reason.configuration import Configuration
from xgen_reason.question import Question
from xgen_reason.result import Result
from xgen_reason.solver import Solver, SolverRecipe, open_solver
from xgen_reason.trace import CallTimes

__all__ = ["Finished", "RunRecipe", "run_questions"]

_RESULTS = "results"
_CALLS = "calls.sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecipe(Record):
    """What a run's answers rest on; a run is taken up only with the same.

    How many questions of a file are answered is no part of it: a run goes on with a higher limit.

    Attributes:
        dataset: form of the file; empty where one question was asked.
        file: with the questions.
        question: the one that was asked.
        solver: how they are answered.
    """

    dataset: str = ""
    file: DataFile | None = None
    question: str = ""
    solver: SolverRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """One question with what came of it.

    Attributes:
        question: that was asked.
        outcome: the result, or why there is none.
    """

    question: Question
    outcome: Result | Failure


async def run_questions(
    configuration: Configuration,
    questions: Sequence[Question],
    *,
    output: Path | str,
    dataset: str = "",
    file: DataFile | None = None,
    concurrency: int = 64,
    budget: Budget | None = None,
    prices: Prices | None = None,
) -> list[Finished]:
    """Answer questions, write what they come to, and go on where an earlier run stopped.

    A question that fails by itself (its model does not answer, its request is refused) is written
    down with the reason, and the others go on; another run tries it again.

    Args:
        configuration: how to answer.
        questions: with different ids.
        output: the run directory.
        dataset: form of the file that they come from.
        file: that file.
        concurrency: requests to an endpoint at one time.
        budget: what may be spent; answers that are known cost nothing.
        prices: for the cost of what was asked.

    Returns:
        Every question, in order.

    Raises:
        InputError: no questions, two of one id, another run in `output`, or as `open_solver`.
        BudgetError: the budget is used up.
        EndpointError: the model is not there. In both cases every answer until then is kept.
    """
    if not questions:
        raise InputError(f"{file.name if file else dataset}: no questions in it")
    async with _recorded(configuration, Path(output), budget, concurrency) as (solver, store):
        recipe = RunRecipe(
            dataset=dataset,
            file=file,
            question="" if file else questions[0].text,
            solver=solver.recipe,
        )
        run = Run.create(output, "reason", recipe)

        async def work(question: Question) -> Mapping[str, JSON]:
            return cast("Mapping[str, JSON]", encode(await solver.solve(question)))

        rows = await run.map(
            questions,
            work,
            key=lambda question: question.id,
            name=_RESULTS,
            # while some wait for their next stage, others keep the endpoint busy
            concurrency=2 * concurrency,
        )
        finished = [
            Finished(question=question, outcome=_outcome(row))
            for question, row in zip(questions, rows, strict=True)
        ]
        times = CallTimes.read(store)
    return finished


def _outcome(row: Mapping[str, JSON] | Failure) -> Result | Failure:
    return row if isinstance(row, Failure) else decode(Result, row)


@asynccontextmanager
async def _recorded(
    configuration: Configuration, directory: Path, budget: Budget | None, concurrency: int
) -> AsyncIterator[tuple[Solver, CallStore]]:
    """A solver whose models are asked nothing twice; the store is made last, when all else opens."""
    with ExitStack() as stack:
        stores: list[CallStore] = []

        def through(model: Model) -> Model:
            if not stores:
                stores.append(stack.enter_context(CallStore(directory / _CALLS)))
            return recorded(model, stores[0], budget=budget, concurrency=concurrency)

        async with open_solver(configuration, through=through) as solver:
            yield solver, stores[0]
