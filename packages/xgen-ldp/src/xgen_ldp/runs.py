"""A run: directions × methods in one directory, which is taken up where it was left.

    run.json                                what the translations rest on
    calls.sqlite                            every answered request to the model
    lines.txt                               ids of the lines that are translated
    preparations/DIRECTION--SYSTEM.json     exemplars, candidates and requests before the first line
    items/DIRECTION--SYSTEM.jsonl           one `Translation` a line, or why there is none
    translations/DIRECTION--SYSTEM.txt      plain text, aligned with
    translations/DIRECTION.{ids,source,reference}
    results.json                            what it comes to
    sections/*.json                         what the report page shows

But for `calls.sqlite` and the seconds on the report page, the same answers give the same bytes.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from xgen_core import CodecError, FormatError, InputError, Model, ModelInfo, Run, open_model
from xgen_core.codec import JSON, decode, encode
from xgen_core.concurrency import Failure
from xgen_core.files import read_json, write_json
from xgen_core.lm import Budget, CallStore, Prices, recorded
from xgen_core.lm.asker import CallTimes
from xgen_core.recipe import fingerprint
from xgen_core.records import Record
from xgen_eval.inputs import DataFile
from xgen_ldp.arms import Arm, make_arms, prepare_arms
from xgen_ldp.checking import language_opinion
from xgen_ldp.configuration import Configuration
from xgen_ldp.hypotheses import read_hypotheses
from xgen_ldp.jobs import Job
from xgen_ldp.languages import ENGLISH
from xgen_ldp.line import Direction, Line
from xgen_ldp.methods import Preparation, Translator
from xgen_ldp.outcome import Outcome
from xgen_ldp.patient import Patient
from xgen_ldp.texts import Texts
from xgen_ldp.translation import Translation

if TYPE_CHECKING:
    from xgen_ldp.evaluation import Scoring
    from xgen_ldp.results import RunResults

__all__ = ["Finished", "RunRecipe", "asked_once", "translate_jobs"]

_KIND = "ldp"
_CALLS = "calls.sqlite"
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemUsed(Record):
    """A method with all its settings."""

    system: str
    method: str
    settings: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecipe(Record):
    """What translations rest on, without paths; a run is taken up only with the same.

    Attributes:
        model: who is asked.
        systems: the methods.
        tags, chat, seed: as in `Configuration`.
        bank: fingerprint of the exemplars.
        directions: by name, with a fingerprint of their lines.
        files: that the lines come from.
        unlabelled: by language code, with a fingerprint of its lines.
        origins: where unlabelled text comes from, in words, by language code.
    """

    model: ModelInfo
    systems: tuple[SystemUsed, ...]
    tags: str
    chat: bool
    seed: int
    bank: str
    directions: Mapping[str, str]
    files: tuple[DataFile, ...]
    unlabelled: Mapping[str, str]
    origins: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A run that is done.

    Attributes:
        outcomes: of every arm, in order.
        results: the figures.
    """

    outcomes: tuple[Outcome, ...]
    results: RunResults


async def translate_jobs(
    configuration: Configuration,
    jobs: Sequence[Job],
    *,
    output: Path | str,
    texts: Texts | None = None,
    files: Sequence[DataFile] = (),
    hypotheses: Mapping[str, Path | str] | None = None,
    scoring: Scoring | None = None,
    concurrency: int = 64,
    budget: Budget | None = None,
    prices: Prices | None = None,
) -> Finished:
    """Translate every job by every method, and go on where an earlier run stopped.

    All directions and methods share the endpoint's concurrency, and equal requests are one. A line
    that fails by itself is written down with the reason, and the others go on; another run tries it
    again. So does an arm that could not be prepared.

    Args:
        configuration: how to translate.
        jobs: of different directions.
        output: the run directory.
        texts: unlabelled text and the checker.
        files: that lines come from, by content.
        hypotheses: output files of other systems by name, each as `read_hypotheses` takes it; such
            a system has the directions that it has files of.
        scoring: of translations that have a reference.
        concurrency: requests to an endpoint at one time.
        budget: what may be spent; answers that are known cost nothing.
        prices: for the cost of what was asked.

    Raises:
        InputError: another run in `output`, hypotheses that do not fit, or as `make_arms`.
        RecipeError: as `make_arms`.
        MissingExtraError: what scoring needs is not installed.
        BudgetError: the budget is used up.
        EndpointError: the model is not there. In both cases every answer until then is kept.
    """
    given = texts or Texts()
    arms = make_arms(configuration, jobs, given)
    others = _others(hypotheses or {}, arms, jobs)
    async with asked_once(configuration.model, output, budget, concurrency) as (model, store):
        run = Run.create(output, _KIND, _recipe(model.info, arms, given, files))
        asked = Patient(model, asyncio.create_task(asyncio.to_thread(_load)))
        prepared = await prepare_arms(arms, asked)
        for arm in arms:
            _keep_preparation(run, arm, prepared[arm.name])
        made = await _translate(run, arms, prepared, asked, 2 * concurrency)
        times = CallTimes.read(store)
    from xgen_ldp.finishing import finish

    outcomes = [
        outcome
        for job in jobs
        for outcome in (*made, *others)
        if outcome.direction == job.direction
    ]
    results = finish(run, outcomes, scoring=scoring, times=times, prices=prices, notes=given.notes)
    return Finished(outcomes=tuple(outcomes), results=results)


@asynccontextmanager
async def asked_once(
    uri: str, directory: Path | str, budget: Budget | None, concurrency: int
) -> AsyncIterator[tuple[Model, CallStore]]:
    """A model that is asked nothing twice, with the store of its answers in a run directory."""
    model = open_model(uri)  # before the store: a name that nobody knows leaves no file
    with CallStore(Path(directory) / _CALLS) as store:
        async with recorded(model, store, budget=budget, concurrency=concurrency) as asked:
            yield asked, store


def _load() -> None:
    """What takes half a second to load, and is not needed before the first answers are there."""
    importlib.import_module("xgen_ldp.finishing")
    language_opinion("A line that has the models read that tell languages apart.", ENGLISH, {})


def _recipe(
    model: ModelInfo, arms: Sequence[Arm], texts: Texts, files: Sequence[DataFile]
) -> RunRecipe:
    first = arms[0]
    return RunRecipe(
        model=model,
        systems=tuple(
            SystemUsed(
                system=arm.system,
                method=arm.method.name,
                settings=cast("Mapping[str, object]", encode(arm.method)),
            )
            for arm in arms
            if arm.direction == first.direction
        ),
        tags=first.material.tags,
        chat=first.chat,
        seed=first.seed,
        bank=fingerprint(first.material.bank),
        directions={
            arm.direction.name: fingerprint(arm.lines) for arm in arms if arm.system == first.system
        },
        files=tuple(files),
        unlabelled={code: fingerprint(lines) for code, lines in texts.unlabelled.items()},
        origins=texts.origins,
    )


def _keep_preparation(run: Run, arm: Arm, prepared: Translator | Failure) -> None:
    """Store it; lines that were translated with another one are translated anew."""
    if isinstance(prepared, Failure):
        return
    path = run.directory / "preparations" / f"{arm.name}.json"
    made = prepared.preparation.to_json()
    if path.exists():
        if read_json(path) == made:
            return
        (run.directory / "items" / f"{arm.name}.jsonl").unlink(missing_ok=True)
    write_json(path, made)


async def _translate(
    run: Run,
    arms: Sequence[Arm],
    prepared: Mapping[str, Translator | Failure],
    model: Model,
    concurrency: int,
) -> tuple[Outcome, ...]:
    """All lines of all arms as one list of work, so that no direction waits for another."""
    made: dict[tuple[str, str], Translation | Failure] = {}

    async def work(item: tuple[Arm, Translator, Line]) -> Mapping[str, JSON]:
        arm, translator, line = item
        done = await arm.translate(model, translator, line)
        made[arm.name, line.id] = done
        return cast("Mapping[str, JSON]", encode(done))

    items = [
        (arm, translator, line)
        for arm in arms
        for translator in [prepared[arm.name]]
        if not isinstance(translator, Failure)
        for line in arm.lines
    ]
    rows = await run.map(
        items,
        work,
        key=lambda item: item[2].id,
        name=lambda item: item[0].name,
        label="translate",
        concurrency=concurrency,
    )
    for (arm, _, line), row in zip(items, rows, strict=True):
        place = (arm.name, line.id)
        if place not in made:
            made[place] = row if isinstance(row, Failure) else _translation(row, run, arm)
    outcomes: list[Outcome] = []
    for arm in arms:
        ready = prepared[arm.name]
        unprepared = ready if isinstance(ready, Failure) else None
        outcomes.append(
            Outcome(
                direction=arm.direction,
                system=arm.system,
                preparation=ready if isinstance(ready, Failure) else ready.preparation,
                rows=tuple((line, unprepared or made[arm.name, line.id]) for line in arm.lines),
            )
        )
    return tuple(outcomes)


def _translation(row: Mapping[str, JSON], run: Run, arm: Arm) -> Translation:
    try:
        return decode(Translation, row)
    except CodecError as error:
        raise FormatError(
            f"{run.directory}/items/{arm.name}.jsonl: {row['id']}: not a translation of this "
            f"release: {error}; use the release that wrote it, or remove the file: calls are kept"
        ) from error


def _others(
    hypotheses: Mapping[str, Path | str], arms: Sequence[Arm], jobs: Sequence[Job]
) -> list[Outcome]:
    """What other systems wrote; read before anything is asked, since it may not fit."""
    outcomes: list[Outcome] = []
    for system, path in hypotheses.items():
        if any(arm.system == system for arm in arms):
            raise InputError(f"--hypotheses {system}={path}: a method is called {system!r}")
        found = [job for job in jobs if _has(path, job.direction)]
        if not found:
            names = ", ".join(f"{job.direction.name}.txt" for job in jobs[:_NAMED])
            raise InputError(f"{path}: expected {names} in it, for --hypotheses {system}")
        if len(found) > 1 and not Path(path).is_dir():
            raise InputError(
                f"--hypotheses {system}={path}: one file for {len(found)} directions; give a "
                f"directory with a file for each: {found[0].direction.name}.txt"
            )
        checker = arms[0].material.checker
        for job in found:
            read = read_hypotheses(path, job.direction, job.lines, corpus=job.of)
            rows = tuple((line, read.translation(line, checker)) for line in job.lines)
            outcomes.append(
                Outcome(
                    direction=job.direction,
                    system=system,
                    preparation=Preparation(),
                    rows=rows,
                    file=read.file,
                )
            )
    return outcomes


def _has(path: Path | str, direction: Direction) -> bool:
    return not Path(path).is_dir() or (Path(path) / f"{direction.name}.txt").is_file()
