"""A dry run: what a method would ask if no question were certain, without asking it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xgen_core import Completion, GenerationRequest, Model, ModelInfo
from xgen_core.concurrency import gather
from xgen_core.lm import CallStore, PlannedModel, planned
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.asker import Asker
from xgen_core.lm.scripted import prompt_text
from xgen_core.progress import Progress
from xgen_reason.configuration import Configuration
from xgen_reason.evidence import Evidence, Found, Query, QueryLanguage
from xgen_reason.knowledge.source import Source
from xgen_reason.prompts import PromptSet
from xgen_reason.question import Question
from xgen_reason.result import Result
from xgen_reason.solver import Solver, open_solver

__all__ = ["STEPS", "plan_questions"]

STEPS = 3
"""Of every chain in a dry run."""

_STAGES: dict[QueryLanguage, str] = {"text": "query", "sparql": "sparql", "sql": "sql"}


async def plan_questions(
    configuration: Configuration, questions: Sequence[Question], *, output: Path | str
) -> list[PlannedModel]:
    """Count what `run_questions` would ask: the answering model's requests, then those of others.

    It supposes that all samples disagree, that every chain has `STEPS` steps, and that each step
    takes one query and finds one piece. No source is asked.

    Args:
        configuration: how to answer.
        questions: with different ids.
        output: the run directory; what its store knows is not counted.

    Raises:
        InputError: and the others of `open_solver`.
    """
    path = Path(output) / "calls.sqlite"
    store = CallStore(path, read_only=True) if path.is_file() else None
    counters: list[PlannedModel] = []

    def through(model: Model) -> Model:
        counters.append(planned(model, store))
        return _Uncertain(counters[-1])

    try:
        async with open_solver(configuration, through=through) as solver:
            supposing = _supposing(solver)

            async def work(question: Question) -> Result:
                return await supposing.solve(_open(question))

            with Progress("plan", len(questions)) as progress:
                await gather(questions, work, progress=progress)
    finally:
        if store is not None:
            store.close()
    return [counters[-1], *counters[:-1]]


def _supposing(solver: Solver) -> Solver:
    return replace(
        solver,
        sources={
            name: _Silent(
                name=name,
                language=source.language,
                summary=source.summary,
                fingerprint=source.fingerprint,
            )
            for name, source in solver.sources.items()
        },
        writers={language: _OneQuery(language=language) for language in _STAGES},
    )


def _open(question: Question) -> Question:
    """The same to look at, but every answer is one: made-up answers are no labels or letters."""
    return replace(question, text=question.full, kind="short", options={}, labels=())


class _Uncertain(AlwaysOpen):
    """Counts, and answers in a form that methods go on from: samples that disagree."""

    def __init__(self, counter: PlannedModel) -> None:
        self._counter = counter

    @property
    def info(self) -> ModelInfo:
        """The planned model's."""
        return self._counter.info

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        """Made-up chains, each with an answer of its own; answers that are known as they are."""
        made_up = "x " * request.max_tokens
        # what other prompts get must differ, or requests made of it would count as one
        about = f"{zlib.crc32(prompt_text(request).encode()):08x}"
        return [
            replace(completion, text=_chain(request.seed + place, request.max_tokens, about))
            if completion.text == made_up
            else completion
            for place, completion in enumerate(await self._counter.generate(request))
        ]


def _chain(seed: int, tokens: int, about: str) -> str:
    words = " word" * max(tokens // STEPS - 5, 1)
    ordinals = ("First,", "Second,", "Third,")
    return " ".join(f"{ordinals[i]} step {i} {about}{words}." for i in range(STEPS)) + (
        f" The answer is {seed}."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Silent:
    """In a source's place; it bothers nobody, and supposes that it knows what it is asked."""

    name: str
    language: QueryLanguage
    summary: str
    fingerprint: str

    async def search(self, query: Query, question: Question, *, limit: int) -> Found:
        """One piece."""
        piece = Evidence(text=query.text, source=self.name, locator="supposed")
        return Found(source=self.name, query=query, evidence=(piece,))


@dataclass(frozen=True, slots=True, kw_only=True)
class _OneQuery:
    """Asks for one query, and supposes that it finds what the sentence says."""

    language: QueryLanguage

    async def inquire(
        self,
        asker: Asker,
        prompts: PromptSet,
        source: Source,
        question: Question,
        sentence: str,
        *,
        step: int,
        limit: int,
    ) -> Found:
        """As `QueryWriter.inquire`."""
        stage = _STAGES[self.language]
        fields = {"question": question.full, "sentence": sentence, "table": ""}
        prompt = prompts.prompt(stage)
        await asker.ask(
            stage, prompts.render(stage, fields), max_tokens=prompt.max_tokens, step=step
        )
        piece = Evidence(text=sentence, source=source.name, locator="supposed")
        return Found(source=source.name, query=Query(text=sentence), evidence=(piece,))
