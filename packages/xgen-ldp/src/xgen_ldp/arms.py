"""The arms of a run: each method on each direction, with what it may use and what it is to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xgen_core import InputError, Model
from xgen_core.concurrency import Failure, gather
from xgen_core.lm.asker import Asker
from xgen_core.progress import Progress
from xgen_ldp.configuration import Configuration, load_methods
from xgen_ldp.exemplars import open_bank
from xgen_ldp.jobs import Job
from xgen_ldp.line import Direction, Line
from xgen_ldp.methods import Material, Method, Tested, Translator
from xgen_ldp.texts import Texts
from xgen_ldp.translation import Translation

__all__ = ["Arm", "make_arms", "prepare_arms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One method on one direction.

    Attributes:
        system: what the method goes by in the run.
        method: with its settings.
        material: for the direction.
        lines: to be translated.
        seed, chat: of its requests.
    """

    system: str
    method: Method
    material: Material
    lines: tuple[Line, ...]
    seed: int = 0
    chat: bool = False

    @property
    def direction(self) -> Direction:
        """From which language into which."""
        return self.material.direction

    @property
    def name(self) -> str:
        """`"npi_Deva-eng_Latn--ldp"`, as its files are called."""
        return f"{self.direction.name}--{self.system}"

    async def prepare(self, model: Model) -> Translator:
        """The method, ready for the direction; raises as `Method.prepare`."""
        return await self.method.prepare(self._asker(model), self.material)

    async def translate(self, model: Model, translator: Translator, line: Line) -> Translation:
        """Translate one line; raises as `Translator.translate`."""
        return await translator.translate(self._asker(model), line)

    def _asker(self, model: Model) -> Asker:
        return Asker(model, seed=self.seed, chat=self.chat)


def make_arms(configuration: Configuration, jobs: Sequence[Job], texts: Texts) -> list[Arm]:
    """Every method on every job, by job; no prompt of any arm may hold what any job tests.

    Raises:
        InputError: nothing to translate, a direction twice, or as `load_methods` and `open_bank`.
        RecipeError: as `load_methods`.
    """
    methods = load_methods(configuration)
    names = [job.direction.name for job in jobs]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{name}: this direction is asked for twice")
    for job in jobs:
        if not job.lines:
            raise InputError(f"{job.direction.name}: there are no lines to translate")
    if not jobs:
        raise InputError("there is nothing to translate")
    tested = Tested(
        ids=frozenset(line.id for job in jobs for line in job.lines),
        texts=frozenset(
            text
            for job in jobs
            for line in job.lines
            for text in (line.text, line.reference)
            if text is not None
        ),
    )
    bank = open_bank(configuration.bank or None)
    return [
        Arm(
            system=system,
            method=method,
            material=Material(
                direction=job.direction,
                bank=bank,
                unlabelled={**job.unlabelled, **texts.unlabelled},
                parallel=job.parallel,
                tested=tested,
                checker=texts.checker,
                tags=configuration.tags,
                seed=configuration.seed,
            ),
            lines=job.lines,
            seed=configuration.seed,
            chat=configuration.chat,
        )
        for job in jobs
        for system, method in methods.items()
    ]


async def prepare_arms(arms: Sequence[Arm], model: Model) -> dict[str, Translator | Failure]:
    """Prepare all at the same time; by name of the arm.

    One that cannot be prepared (its text is not given, its direction is not the method's) is a
    failure of that arm, and the others go on.

    Raises:
        BudgetError: the budget is used up.
        EndpointError: the model is not there.
    """

    async def work(arm: Arm) -> Translator:
        return await arm.prepare(model)

    with Progress("prepare", len(arms), unit="directions") as progress:
        made = await gather(arms, work, concurrency=max(len(arms), 1), progress=progress)
    return {arm.name: translator for arm, translator in zip(arms, made, strict=True)}
