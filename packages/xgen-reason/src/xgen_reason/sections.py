"""What a run shows on the report page, beside its figures: routes, calls, and every trace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from xgen_core.concurrency import Failure
from xgen_core.lm import Prices, Usage
from xgen_core.records import Scalar
from xgen_core.report import Item, Items, Plot, Section, Table, line_plot
from xgen_reason.outcome import Outcome
from xgen_reason.result import Call, Result
from xgen_reason.trace import CallTimes, trace_item

__all__ = ["calls_table", "coverage_plot", "failures_table", "trace_section"]

MOST_TRACES = 200
"""Questions on the page; all of them are in `items/results.jsonl`."""


def trace_section(
    outcomes: Sequence[Outcome],
    worth: Mapping[str, Mapping[str, float]],
    *,
    times: CallTimes,
    prices: Prices | None = None,
) -> Section:
    """A browser through the questions: what was sampled, verified, edited, asked and answered.

    Args:
        outcomes: in order.
        worth: scores by name, by question; those without are shown without.
        times: of the calls.
        prices: for their cost.
    """
    shown = outcomes[:MOST_TRACES]
    items = tuple(_item(one, worth.get(one.question.id, {}), times, prices) for one in shown)
    some = f"The first {len(shown)} of {len(outcomes)}" if len(shown) < len(outcomes) else "All"
    caption = f"{some} questions; every result as it was stored is in items/results.jsonl."
    return Section(
        title="Traces",
        summary="Each question with its samples and votes, each step before and after its edit, "
        "the queries and what they found, and each request to the model.",
        blocks=(Items(items=items, caption=caption),),
    )


def _item(
    one: Outcome, worth: Mapping[str, float], times: CallTimes, prices: Prices | None
) -> Item:
    if isinstance(one.result, Failure):
        return Item(
            title=f"{one.question.id}  failed",
            fields={
                "question": one.question.full,
                "failed": f"{one.result.kind}: {one.result.reason}",
            },
        )
    scores = "".join(f"  {name} {value:.3g}" for name, value in worth.items())
    title = f"{one.question.id}  {one.result.route}{scores}"
    return trace_item(one.question, one.result, title=title, times=times, prices=prices)


def calls_table(results: Sequence[Result], times: CallTimes, prices: Prices | None) -> Table:
    """Requests to the model by stage: how many, tokens, time and money."""
    stages: dict[str, list[Call]] = {}
    for result in results:
        for call in result.calls:
            stages.setdefault(call.stage, []).append(call)
    rows: list[tuple[Scalar, ...]] = []
    for stage, calls in stages.items():
        used = Usage(
            calls=sum(len(call.texts) for call in calls),
            prompt_tokens=sum(call.prompt_tokens for call in calls),
            completion_tokens=sum(call.completion_tokens for call in calls),
        )
        known = [took for call in calls if (took := times.of(call)) is not None]
        rows.append(
            (
                stage,
                used.calls,
                used.prompt_tokens,
                used.completion_tokens,
                sum(known) / len(known) if known else None,
                prices.cost(used) if prices else None,
            )
        )
    columns = ("stage", "answers", "tokens read", "tokens written", "seconds a request", "cost")
    width = len(columns) if prices else len(columns) - 1
    return Table(
        columns=columns[:width],
        rows=tuple(row[:width] for row in rows),
        caption="Requests by stage; a question that asks again what another one asked is answered "
        "from the store, and counts here all the same.",
    )


def failures_table(outcomes: Sequence[Outcome]) -> Table | None:
    """Questions without a result, by reason; None where there are none."""
    failures = [one.result for one in outcomes if isinstance(one.result, Failure)]
    if not failures:
        return None
    counts = Counter((failure.kind, failure.reason) for failure in failures)
    return Table(
        columns=("failed", "kind", "reason"),
        rows=tuple((count, kind, reason) for (kind, reason), count in counts.most_common()),
        caption="Questions that have no result; the same command tries them again.",
    )


def coverage_plot(scored: Sequence[tuple[float, float]], metric: str) -> Plot:
    """How good the answers are that a method is surest of.

    Args:
        scored: confidence and score of each question, at least one.
        metric: what the score is.
    """
    ranked = [score for _, score in sorted(scored, key=lambda pair: -pair[0])]
    total, rows = 0.0, list[dict[str, Scalar]]()
    for count, score in enumerate(ranked, 1):
        total += score
        rows.append({"coverage": count / len(ranked), metric: total / count})
    return line_plot(
        rows=rows,
        x="coverage",
        y=metric,
        x_title="share of the questions that are answered, surest first",
        y_title=f"mean {metric} of those",
        y_range=(0, 1) if max(ranked) <= 1 else None,
        description=f"Mean {metric} over the questions that the method is surest of, by coverage.",
        caption="Higher on the left: the method knows when it is right.",
    )
