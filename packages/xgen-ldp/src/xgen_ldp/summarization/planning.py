"""A dry run: what summaries would ask if everything were accepted, without asking it."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xgen_core import Completion, GenerationRequest, ModelInfo, open_model
from xgen_core.concurrency import gather
from xgen_core.lm import CallStore, PlannedModel, planned
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.asker import Asker
from xgen_core.lm.scripted import prompt_text
from xgen_core.progress import Progress
from xgen_ldp.checking import Checked, Checker
from xgen_ldp.exemplars import Side
from xgen_ldp.languages import Language
from xgen_ldp.summarization.article import Article
from xgen_ldp.summarization.checking import SummaryLimits
from xgen_ldp.summarization.summarizer import SummaryMaterial, SummaryMethod
from xgen_ldp.summarization.summary import Summary

__all__ = ["plan_summaries"]


async def plan_summaries(
    articles: Sequence[Article],
    material: SummaryMaterial,
    method: SummaryMethod,
    *,
    model: str,
    output: Path | str,
    chat: bool = False,
) -> PlannedModel:
    """Count what `summarize` would ask, every answer as long as it may get.

    Args:
        articles: with different ids.
        material: what may be used.
        method: how they would be summarised.
        model: its URI.
        output: the run directory; what its store knows is not counted.
        chat: send prompts as a user's message.

    Raises:
        InputError: as `summarize`.
    """
    path = Path(output) / "calls.sqlite"
    store = CallStore(path, read_only=True) if path.is_file() else None
    counter = planned(open_model(model), store)
    distinct = _Distinct(counter)
    usable = replace(
        material.testing(articles),
        checker=_Accepting(),
        limits=SummaryLimits(shortest=0, longest=float("inf")),
    )

    try:
        ready = await method.prepare(Asker(distinct, seed=usable.seed, chat=chat), usable)

        async def work(article: Article) -> Summary:
            return await ready.summarize(Asker(distinct, seed=usable.seed, chat=chat), article)

        with Progress("plan", len(articles), unit="articles") as progress:
            await gather(articles, work, progress=progress)
    finally:
        if store is not None:
            store.close()
    return counter


@dataclass(frozen=True, slots=True, kw_only=True)
class _Accepting(Checker):
    """Finds nothing wrong with a made-up answer."""

    def check(
        self,
        given: Side,
        text: str,
        language: Language,
        *,
        shown: Collection[str] = (),
        truncated: bool = False,
    ) -> Checked:
        return Checked()


class _Distinct(AlwaysOpen):
    """Counts, and answers each prompt with a text of its own, so that what follows differs too."""

    def __init__(self, counter: PlannedModel) -> None:
        self._counter = counter

    @property
    def info(self) -> ModelInfo:
        """The planned model's."""
        return self._counter.info

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        """Made-up lines; answers that are known as they are."""
        made_up = "x " * request.max_tokens
        about = f"{zlib.crc32(prompt_text(request).encode()):08x} "
        return [
            replace(one, text=about + one.text) if one.text == made_up else one
            for one in await self._counter.generate(request)
        ]
