"""A dry run: what would be asked if every answer were taken, without asking it."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from pathlib import Path

from xgen_core import Completion, GenerationRequest, ModelInfo, open_model
from xgen_core.concurrency import Failure, gather
from xgen_core.lm import CallStore, PlannedModel, planned
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.scripted import prompt_text, truncate
from xgen_core.progress import Progress
from xgen_ldp.arms import Arm, make_arms, prepare_arms
from xgen_ldp.checking import Checked, Checker
from xgen_ldp.configuration import Configuration
from xgen_ldp.exemplars import Side
from xgen_ldp.jobs import Job
from xgen_ldp.languages import Language
from xgen_ldp.line import Line
from xgen_ldp.methods import Translator
from xgen_ldp.texts import Texts

__all__ = ["Answering", "Trusting", "plan_jobs"]


async def plan_jobs(
    configuration: Configuration,
    jobs: Sequence[Job],
    *,
    output: Path | str,
    texts: Texts | None = None,
) -> tuple[PlannedModel, dict[str, Failure]]:
    """Count what `translate_jobs` would ask, as if every answer were as long as its line and good.

    Args:
        configuration: how to translate.
        jobs: of different directions.
        output: the run directory; what its store knows is not counted.
        texts: unlabelled text.

    Returns:
        The counter, and what could not be prepared, by name of the arm.

    Raises:
        InputError: as `make_arms`.
        RecipeError: as `make_arms`.
    """
    given = texts or Texts()
    trusting = Texts(unlabelled=given.unlabelled, origins=given.origins, checker=Trusting())
    arms = make_arms(configuration, jobs, trusting)
    path = Path(output) / "calls.sqlite"
    store = CallStore(path, read_only=True) if path.is_file() else None
    try:
        counter = planned(open_model(configuration.model), store)
        model = Answering(counter)
        prepared = await prepare_arms(arms, model)

        async def work(item: tuple[Arm, Translator, Line]) -> None:
            arm, translator, line = item
            await arm.translate(model, translator, line)

        items = [
            (arm, translator, line)
            for arm in arms
            for translator in [prepared[arm.name]]
            if not isinstance(translator, Failure)
            for line in arm.lines
        ]
        with Progress("plan", len(items)) as progress:
            await gather(items, work, progress=progress)
    finally:
        if store is not None:
            store.close()
    return counter, {name: made for name, made in prepared.items() if isinstance(made, Failure)}


class Trusting(Checker):
    """Finds nothing wrong: made-up answers are in no language."""

    def check(
        self,
        given: Side,
        text: str,
        language: Language,
        *,
        shown: Collection[str] = (),
        truncated: bool = False,
    ) -> Checked:
        """Accept."""
        return Checked()


class Answering(AlwaysOpen):
    """Counts, and answers each prompt with a text of its own, about as long as what it is about."""

    def __init__(self, counter: PlannedModel) -> None:
        self._counter = counter

    @property
    def info(self) -> ModelInfo:
        """The planned model's."""
        return self._counter.info

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        """Made-up lines; answers that are known as they are."""
        made_up = "x " * request.max_tokens
        return [
            _line(request, place) if made.text == made_up else made
            for place, made in enumerate(await self._counter.generate(request))
        ]


def _line(request: GenerationRequest, place: int) -> Completion:
    """As many lines as the exemplars before have more than the prompt's end."""
    prompt = prompt_text(request)
    *before, last = prompt.split("\n\n")
    given = last.split("\n")[:-1]
    exemplar = before[-1].split("\n") if before else []
    tags = ["", *(row.partition(": ")[0] for row in exemplar[len(given) + 1 :])]
    length = max(map(len, given), default=0)
    seed = zlib.crc32(prompt.encode(errors="replace")) + place
    rows = [_row(tag, f"{seed + number:x} ", length) for number, tag in enumerate(tags)]
    text, _ = truncate("\n".join(rows), request.stop)
    return Completion(text=text, finish_reason="stop", completion_tokens=request.max_tokens)


def _row(tag: str, word: str, length: int) -> str:
    text = (word * (length // len(word) + 1)).strip()
    return f"{tag}: {text}" if tag else text
