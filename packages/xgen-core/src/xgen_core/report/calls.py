"""Tables of requests to a model: one by one for an item, and by stage for a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xgen_core.lm.asker import Call, CallTimes
from xgen_core.lm.budget import Prices, Usage
from xgen_core.records import Scalar
from xgen_core.report.sections import Section, Table

__all__ = ["calls_section", "calls_table", "filled_table"]

_PROMPT = 600
"""Characters of a prompt's end that the page shows; what the item adds stands there."""


def calls_table(calls: Iterable[Call], *, times: CallTimes, prices: Prices | None = None) -> Table:
    """One item's requests, in order.

    Args:
        calls: the requests.
        times: of the calls.
        prices: for the cost of each; without them there is no column for it.
    """
    rows: list[tuple[Scalar, ...]] = []
    for call in calls:
        rows.append(
            (
                call.stage,
                call.step or None,
                times.of(call),
                call.prompt_tokens,
                call.completion_tokens,
                prices.cost(_usage([call])) if prices else None,
                _end(call.prompt),
                "\n".join(text.strip() for text in call.texts),
            )
        )
    return filled_table(
        ("stage", "step", "seconds", "read", "written", "cost", "prompt's end", "reply"),
        rows,
        "Every request to the model; tokens as it counts them.",
    )


def calls_section(
    calls: Iterable[Call], *, times: CallTimes, prices: Prices | None = None
) -> Section:
    """Requests to the model by stage: how many, tokens, time and money.

    Args:
        calls: of all items.
        times: of the calls.
        prices: for their cost.
    """
    stages: dict[str, list[Call]] = {}
    for call in calls:
        stages.setdefault(call.stage, []).append(call)
    table = Table(
        columns=_columns(prices),
        rows=tuple(_row(stages, stage, times, prices) for stage in stages),
        caption="What asks again what another item asked is answered from the store, and counts "
        "here all the same.",
    )
    return Section(title="Calls", summary="Requests to the model, by stage.", blocks=(table,))


def filled_table(columns: tuple[str, ...], rows: list[tuple[Scalar, ...]], caption: str) -> Table:
    """A table without the columns that are empty in every row."""
    kept = [i for i in range(len(columns)) if any(row[i] not in (None, "") for row in rows)]
    return Table(
        columns=tuple(columns[i] for i in kept),
        rows=tuple(tuple(row[i] for i in kept) for row in rows),
        caption=caption,
    )


def _columns(prices: Prices | None) -> tuple[str, ...]:
    columns = ("stage", "answers", "tokens read", "tokens written", "seconds a request")
    return (*columns, "cost") if prices else columns


def _row(
    stages: Mapping[str, list[Call]], stage: str, times: CallTimes, prices: Prices | None
) -> tuple[Scalar, ...]:
    used = _usage(stages[stage])
    known = [took for call in stages[stage] if (took := times.of(call)) is not None]
    row: tuple[Scalar, ...] = (
        stage,
        used.calls,
        used.prompt_tokens,
        used.completion_tokens,
        sum(known) / len(known) if known else None,
    )
    return (*row, prices.cost(used)) if prices else row


def _usage(calls: list[Call]) -> Usage:
    return Usage(
        calls=sum(len(call.texts) for call in calls),
        prompt_tokens=sum(call.prompt_tokens for call in calls),
        completion_tokens=sum(call.completion_tokens for call in calls),
    )


def _end(prompt: str) -> str:
    """What the item adds to the examples, or the last of it."""
    last = prompt.rpartition("\n\n")[2]
    end = last if last.strip() else prompt
    return end if len(end) <= _PROMPT else f"…{end[-_PROMPT:]}"
