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

from xgen_core import CodecError, FormatError, InputError, Model, Run
from xgen_core.codec import JSON, decode, encode
from xgen_core.concurrency import Failure
from xgen_core.files import write_jsonl
from xgen_core.lm import Budget, CallStore, Prices, recorded
from xgen_core.lm.asker import CallTimes
from xgen_core.records import Record
from xgen_core.report.calls import calls_section
from xgen_eval.inputs import DataFile
from xgen_reason.configuration import Configuration
from xgen_reason.outcome import Outcome
from xgen_reason.question import Question
from xgen_reason.result import Result
from xgen_reason.results import RunResults
from xgen_reason.sections import results_section, trace_section
from xgen_reason.solver import Solver, SolverRecipe, open_solver

__all__ = ["Finished", "RunRecipe", "ask_question", "run_questions"]

_KIND = "reason"
_RESULTS = "results"
_CALLS = "calls.sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecipe(Record):
    """What a run's answers rest on; a run is taken up only with the same.

    How many questions of a file are answered is no part of it: a run goes on with a higher limit.

    Attributes:
        dataset: form of the files; empty where one question was asked.
        files: with the questions.
        question: the one that was asked.
        solver: how they are answered.
    """

    dataset: str = ""
    files: tuple[DataFile, ...] = ()
    question: str = ""
    solver: SolverRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A run that is done.

    Attributes:
        outcomes: of every question, in order.
        results: the figures.
    """

    outcomes: tuple[Outcome, ...]
    results: RunResults


async def ask_question(
    configuration: Configuration,
    question: Question,
    *,
    output: Path | str,
    budget: Budget | None = None,
    prices: Prices | None = None,
) -> Result:
    """Answer one question, in a run directory of its own.

    Args:
        configuration: how to answer.
        question: to be answered.
        output: the run directory.
        budget: what may be spent; answers that are known cost nothing.
        prices: for the cost of what was asked.

    Raises:
        InputError: another run in `output`, or as `open_solver`.
        BudgetError: the budget is used up.
        ModelError: the model failed.
    """
    async with _recorded(configuration, Path(output), budget) as (solver, store):
        run = Run.create(output, _KIND, RunRecipe(question=question.text, solver=solver.recipe))
        result = await solver.solve(question)
        write_jsonl(run.directory / "items" / f"{_RESULTS}.jsonl", [result.to_json()])
        outcomes = [Outcome(question=question, result=result)]
        _finish(run, solver.method.name, outcomes, CallTimes.read(store), prices)
    return result


async def run_questions(
    configuration: Configuration,
    questions: Sequence[Question],
    *,
    output: Path | str,
    dataset: str = "",
    files: Sequence[DataFile] = (),
    concurrency: int = 64,
    budget: Budget | None = None,
    prices: Prices | None = None,
) -> Finished:
    """Answer questions, write what they come to, and go on where an earlier run stopped.

    A question that fails by itself (its model does not answer, its request is refused) is written
    down with the reason, and the others go on; another run tries it again.

    Args:
        configuration: how to answer.
        questions: with different ids.
        output: the run directory.
        dataset: form of the files that they come from.
        files: those, by content.
        concurrency: requests to an endpoint at one time.
        budget: what may be spent; answers that are known cost nothing.
        prices: for the cost of what was asked.

    Returns:
        Every question, in order, and the figures.

    Raises:
        InputError: no questions, two of one id, another run in `output`, or as `open_solver`.
        BudgetError: the budget is used up.
        EndpointError: the model is not there. In both cases every answer until then is kept.
    """
    if not questions:
        raise InputError(f"{', '.join(file.name for file in files) or dataset}: no questions in it")
    async with _recorded(configuration, Path(output), budget, concurrency) as (solver, store):
        recipe = RunRecipe(dataset=dataset, files=tuple(files), solver=solver.recipe)
        run = Run.create(output, _KIND, recipe)

        made: dict[str, Result] = {}

        async def work(question: Question) -> Mapping[str, JSON]:
            result = made[question.id] = await solver.solve(question)
            return cast("Mapping[str, JSON]", encode(result))

        rows = await run.map(
            questions,
            work,
            key=lambda question: question.id,
            name=_RESULTS,
            # while some wait for their next stage, others keep the endpoint busy
            concurrency=2 * concurrency,
        )
        outcomes = [
            Outcome(question=question, result=made.get(question.id) or _result(row, run))
            for question, row in zip(questions, rows, strict=True)
        ]
        return _finish(run, solver.method.name, outcomes, CallTimes.read(store), prices)


def _finish(
    run: Run, method: str, outcomes: Sequence[Outcome], times: CallTimes, prices: Prices | None
) -> Finished:
    """Write what the outcomes come to."""
    results = RunResults.of(method, outcomes, prices=prices)
    calls = [c for one in outcomes if isinstance(one.result, Result) for c in one.result.calls]
    run.write_section("10-results", results_section(results, outcomes))
    run.write_section("30-calls", calls_section(calls, times=times, prices=prices))
    run.write_section("40-traces", trace_section(outcomes, times=times, prices=prices))
    results.write(run.directory / "results.json")
    return Finished(outcomes=tuple(outcomes), results=results)


def _result(row: Mapping[str, JSON] | Failure, run: Run) -> Result | Failure:
    if isinstance(row, Failure):
        return row
    try:
        return decode(Result, row)
    except CodecError as error:
        raise FormatError(
            f"{run.directory}/items/{_RESULTS}.jsonl: {row['id']}: not a result of this release: "
            f"{error}; use the release that wrote it, or remove the file: calls are kept"
        ) from error


@asynccontextmanager
async def _recorded(
    configuration: Configuration, directory: Path, budget: Budget | None, concurrency: int = 64
) -> AsyncIterator[tuple[Solver, CallStore]]:
    """A solver whose models are asked nothing twice; the store is made when all else is open."""
    with ExitStack() as stack:
        stores: list[CallStore] = []

        def through(model: Model) -> Model:
            if not stores:
                stores.append(stack.enter_context(CallStore(directory / _CALLS)))
            return recorded(model, stores[0], budget=budget, concurrency=concurrency)

        async with open_solver(configuration, through=through) as solver:
            yield solver, stores[0]
