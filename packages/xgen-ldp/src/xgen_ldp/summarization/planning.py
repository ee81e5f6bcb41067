"""A dry run: what summaries would ask if everything were accepted, without asking it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from xgen_core import open_model
from xgen_core.concurrency import gather
from xgen_core.lm import CallStore, PlannedModel, planned
from xgen_core.lm.asker import Asker
from xgen_core.progress import Progress
from xgen_ldp.planning import Answering, Trusting
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
    """Count what `summarize` would ask, as if every answer were taken.

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
    answering = Answering(counter)
    usable = replace(
        material.testing(articles),
        checker=Trusting(),
        limits=SummaryLimits(shortest=0, longest=float("inf")),
    )
    try:
        ready = await method.prepare(Asker(answering, seed=usable.seed, chat=chat), usable)

        async def work(article: Article) -> Summary:
            return await ready.summarize(Asker(answering, seed=usable.seed, chat=chat), article)

        with Progress("plan", len(articles), unit="articles") as progress:
            await gather(articles, work, progress=progress)
    finally:
        if store is not None:
            store.close()
    return counter
