"""What a run over articles shows on the report page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from xgen_core.concurrency import Failure
from xgen_core.lm import Prices
from xgen_core.lm.asker import Call, CallTimes
from xgen_core.report import Block, Item, Items, Section, Table, Text
from xgen_core.report.calls import calls_section, calls_table
from xgen_eval.grading import metric_table
from xgen_ldp.finding import REASONS
from xgen_ldp.summarization.article import Article
from xgen_ldp.summarization.results import SummaryResults
from xgen_ldp.summarization.summary import Summary, SummaryPreparation

__all__ = ["summary_sections"]

_MOST = 200
"""Articles on the page; all of them are in `items/summaries.jsonl`."""


def summary_sections(
    results: SummaryResults,
    preparation: SummaryPreparation,
    articles: Sequence[Article],
    made: Sequence[Summary | Failure],
    *,
    times: CallTimes,
    prices: Prices | None = None,
) -> dict[str, Section]:
    """Figures, exemplars, requests and articles; by the name that orders the page."""
    sections = {"10-results": _figures(results)}
    if preparation.candidates:
        sections["20-exemplars"] = _exemplars(preparation)
    calls = [*preparation.calls, *_calls(made)]
    sections["30-calls"] = calls_section(calls, times=times, prices=prices)
    pairs = list(zip(articles, made, strict=True))[:_MOST]
    items = tuple(_item(article, one, times, prices) for article, one in pairs)
    sections["40-articles"] = Section(
        title="Articles",
        summary="Each article with its summary, its reference, what is wrong with it, and the "
        "requests.",
        blocks=(Items(items=items, caption=f"{len(items)} of {len(made)} articles."),),
    )
    return sections


def _figures(results: SummaryResults) -> Section:
    blocks: list[Block] = []
    if results.metrics:
        caption = (
            f"F-measures by {results.unit}. Rejected summaries are scored as they were written; "
            "one that is not there scores 0."
        )
        blocks.append(metric_table(results.metrics, caption))
    rows = [(reason, _words(reason), count) for reason, count in results.rejected.items()]
    if rows:
        columns = ("rejected", "in words", "articles")
        blocks.append(Table(columns=columns, rows=tuple(rows), caption="By the first reason."))
    if results.failed:
        blocks.append(Table(columns=("failed", "articles"), rows=tuple(results.failed.items())))
    return Section(
        title="Results",
        summary=f"{results.method}, {results.language}: {results.accepted:,} of "
        f"{results.articles:,} summaries accepted.",
        blocks=tuple(blocks),
    )


def _words(reason: str) -> str:
    return next((words for name, words in REASONS.items() if name == reason), "")


def _exemplars(preparation: SummaryPreparation) -> Section:
    chosen = {pair.id: pair for pair in preparation.pairs}
    items = tuple(
        Item(
            title=f"{one.id}: {'in every prompt' if one.id in chosen else _verdict(one)}",
            fields=_fields(one, chosen[one.id].article if one.id in chosen else ""),
        )
        for one in preparation.candidates
    )
    return Section(
        title="Exemplars",
        summary=f"{len(chosen)} of {len(items)} synthetic summaries stand in every prompt.",
        blocks=(Items(items=items),),
    )


def _item(
    article: Article, made: Summary | Failure, times: CallTimes, prices: Prices | None
) -> Item:
    if isinstance(made, Failure):
        return Item(title=f"{article.id}: failed", fields={"why": made.reason})
    fields = _fields(made, article.text)
    if article.summary:
        fields["reference"] = article.summary
    return Item(
        title=f"{article.id}: {_verdict(made)}",
        fields=fields,
        blocks=(
            calls_table(made.calls, times=times, prices=prices),
            *(
                Text(summary=f"the whole prompt {number} ({call.stage})", text=call.prompt)
                for number, call in enumerate(made.calls, 1)
            ),
        ),
    )


def _fields(made: Summary, article: str) -> dict[str, str]:
    found = "\n".join(f"{one.reason} ({one.language}) {one.detail}" for one in made.findings)
    fields: Mapping[str, str] = {
        "article": article,
        "article in English": made.english_article,
        "summary in English": made.english,
        "summary": made.text,
        "wrong": found,
        "notes": "\n".join(made.notes),
    }
    return {name: text for name, text in fields.items() if text}


def _verdict(made: Summary) -> str:
    return "accepted" if made.accepted else made.findings[0].reason


def _calls(made: Sequence[Summary | Failure]) -> Iterator[Call]:
    for one in made:
        if isinstance(one, Summary):
            yield from one.calls
