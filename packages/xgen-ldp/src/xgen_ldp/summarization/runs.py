"""A run over articles: a directory that is taken up where it was left, and asks nothing twice.

run.json               what the summaries rest on
calls.sqlite           every answered request to the model
preparation.json       exemplars, and what was considered for them
items/summaries.jsonl  one `Summary` an article, or why there is none
results.json           what it comes to
sections/*.json        what the report page shows
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from xgen_core import CodecError, FormatError, ModelInfo, Run
from xgen_core.codec import JSON, decode, encode
from xgen_core.concurrency import Failure
from xgen_core.files import write_json
from xgen_core.lm import Budget, Prices
from xgen_core.lm.asker import Asker, CallTimes
from xgen_core.recipe import fingerprint
from xgen_core.records import Record
from xgen_ldp.runs import asked_once
from xgen_ldp.summarization.article import Article
from xgen_ldp.summarization.results import SummaryResults
from xgen_ldp.summarization.sections import summary_sections
from xgen_ldp.summarization.summarizer import SummaryMaterial, SummaryMethod
from xgen_ldp.summarization.summary import Summary

__all__ = ["Summarized", "SummaryRecipe", "summarize"]

_KIND = "ldp-summaries"
_ITEMS = "summaries"


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRecipe(Record):
    """What summaries rest on, without paths; a run is taken up only with the same.

    Attributes:
        model: who is asked.
        method: its name.
        settings: of the method, all of them.
        language: code.
        articles, unlabelled, bank: fingerprints.
        tags, seed, chat: of the prompts and requests.
    """

    model: ModelInfo
    method: str
    settings: Mapping[str, object]
    language: str
    articles: str
    unlabelled: str
    bank: str
    tags: str
    seed: int
    chat: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Summarized:
    """A run that is done.

    Attributes:
        summaries: of every article, in order.
        results: the figures.
    """

    summaries: tuple[Summary | Failure, ...]
    results: SummaryResults


async def summarize(
    articles: Sequence[Article],
    material: SummaryMaterial,
    method: SummaryMethod,
    *,
    model: str,
    output: Path | str,
    chat: bool = False,
    concurrency: int = 64,
    budget: Budget | None = None,
    prices: Prices | None = None,
) -> Summarized:
    """Summarise articles in their own language, and go on where an earlier run stopped.

    An article that fails by itself is written down with the reason, and the others go on; another
    run tries it again.

    Args:
        articles: with different ids; their own summaries are for the score only.
        material: what may be used; what `articles` forbid is left out here.
        method: how.
        model: its URI.
        output: the run directory.
        chat: send prompts as a user's message.
        concurrency: requests to an endpoint at one time.
        budget: what may be spent; answers that are known cost nothing.
        prices: for the cost of what was asked.

    Raises:
        InputError: another run in `output`, or the material lacks what the method needs.
        BudgetError: the budget is used up.
        ModelError: the model failed before the first article.
        EndpointError: the model is not there. Every answer until then is kept.
    """
    usable = material.testing(articles)
    async with asked_once(model, output, budget, concurrency) as (asked, store):
        run = Run.create(output, _KIND, _recipe(asked.info, articles, usable, method, chat))
        asker = Asker(asked, seed=usable.seed, chat=chat)
        ready = await method.prepare(asker, usable)
        write_json(run.directory / "preparation.json", ready.preparation.to_json())

        async def work(article: Article) -> Mapping[str, JSON]:
            asker = Asker(asked, seed=usable.seed, chat=chat)
            unseen = Article(id=article.id, text=article.text)
            made = await ready.summarize(asker, unseen)
            return cast("Mapping[str, JSON]", encode(made))

        rows = await run.map(
            articles,
            work,
            key=lambda article: article.id,
            name=_ITEMS,
            concurrency=2 * concurrency,
        )
        times = CallTimes.read(store)
    made = tuple(row if isinstance(row, Failure) else _summary(row, run) for row in rows)
    results = SummaryResults.of(method.name, usable.language, articles, made)
    sections = summary_sections(
        results, ready.preparation, articles, made, times=times, prices=prices
    )
    for name, section in sections.items():
        run.write_section(name, section)
    results.write(run.directory / "results.json")
    return Summarized(summaries=made, results=results)


def _recipe(
    model: ModelInfo,
    articles: Sequence[Article],
    material: SummaryMaterial,
    method: SummaryMethod,
    chat: bool,
) -> SummaryRecipe:
    return SummaryRecipe(
        model=model,
        method=method.name,
        settings=cast("Mapping[str, object]", encode(method)),
        language=material.language.code,
        articles=fingerprint(list(articles)),
        unlabelled=fingerprint(list(material.unlabelled)),
        bank=fingerprint(material.bank),
        tags=material.tags,
        seed=material.seed,
        chat=chat,
    )


def _summary(row: Mapping[str, JSON], run: Run) -> Summary:
    try:
        return decode(Summary, row)
    except CodecError as error:
        raise FormatError(
            f"{run.directory}/items/{_ITEMS}.jsonl: {row['id']}: not a summary of this release: "
            f"{error}; use the release that wrote it, or remove the file: calls are kept"
        ) from error
