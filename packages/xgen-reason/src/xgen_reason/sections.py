"""What a run shows on the report page, beside its figures: routes, calls, and every trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xgen_core.concurrency import Failure
from xgen_core.lm import Prices
from xgen_core.lm.asker import CallTimes
from xgen_core.report import Block, Item, Items, Plot, Section, Table, line_plot
from xgen_eval.grading import metric_table
from xgen_reason.evaluation.accounts import EditAccount
from xgen_reason.evaluation.confidence import risk_coverage
from xgen_reason.evaluation.metrics import main_score
from xgen_reason.evaluation.scored import score
from xgen_reason.outcome import Outcome
from xgen_reason.result import Result
from xgen_reason.results import RunResults
from xgen_reason.trace import trace_item

__all__ = ["MOST_TRACES", "results_section", "trace_section"]

MOST_TRACES = 200
"""Questions on the page; all of them are in `items/results.jsonl`."""

_FEWEST_ON_A_CURVE = 3


def results_section(results: RunResults, outcomes: Sequence[Outcome]) -> Section:
    """Figures with their intervals, what editing did, what went wrong, and the curve."""
    summary = results.summary
    blocks: list[Block] = []
    if summary.metrics:
        caption = "±: one standard error; NAME/first: the same of the answers before any edit."
        blocks.append(metric_table(summary.metrics, caption))
    routes = tuple((route, count) for route, count in summary.routes.items())
    if routes:
        caption = "How the answers came about."
        blocks.append(Table(columns=("route", "questions"), rows=routes, caption=caption))
    if summary.edits.flagged:
        blocks.append(_edits({"all": summary.edits, **summary.edits_by}))
    for counts, what, caption in (
        (
            results.failed,
            "failed",
            "Questions without a result; the same command tries them again.",
        ),
        (summary.problems, "what went wrong or was left out", "Every question is counted."),
    ):
        if counts:
            rows = tuple(counts.items())
            blocks.append(Table(columns=(what, "count"), rows=rows, caption=caption))
    curve = _coverage(outcomes)
    if curve is not None:
        blocks.append(curve)
    failed = sum(results.failed.values())
    text = f"{results.method}: {results.questions:,} question{'s' * (results.questions != 1)}, "
    text += f"{failed:,} without a result, "
    text += f"{summary.calls:,} calls, {summary.prompt_tokens:,} tokens read, "
    text += f"{summary.completion_tokens:,} written"
    text += f", cost {summary.cost:,.4f}" if summary.cost is not None else ""
    return Section(title="Results", summary=f"{text}.", blocks=tuple(blocks))


def _edits(accounts: Mapping[str, EditAccount]) -> Table:
    return Table(
        columns=(
            "of",
            "questions",
            "uncertain",
            "wrong → right",
            "right → wrong",
            "same",
            "steps",
            "edited",
        ),
        rows=tuple(
            (
                name,
                of.questions,
                of.flagged,
                of.wrong_to_right,
                of.right_to_wrong,
                of.unchanged,
                of.steps,
                of.changed,
            )
            for name, of in accounts.items()
        ),
        caption="What editing did to the answers, and to how many steps; by source whose "
        "pieces were shown, and by domain.",
    )


def trace_section(
    outcomes: Sequence[Outcome],
    *,
    times: CallTimes,
    prices: Prices | None = None,
) -> Section:
    """A browser through the questions: what was sampled, verified, edited, asked and answered.

    Args:
        outcomes: in order.
        times: of the calls.
        prices: for their cost.
    """
    shown = outcomes[:MOST_TRACES]
    items = tuple(_item(one, times, prices) for one in shown)
    some = f"The first {len(shown)} of {len(outcomes)}" if len(shown) < len(outcomes) else "All"
    caption = f"{some} questions; every result as it was stored is in items/results.jsonl."
    return Section(
        title="Traces",
        summary="Each question with its samples and votes, each step before and after its edit, "
        "the queries and what they found, and each request to the model.",
        blocks=(Items(items=items, caption=caption),),
    )


def _item(one: Outcome, times: CallTimes, prices: Prices | None) -> Item:
    if isinstance(one.result, Failure):
        return Item(
            title=f"{one.question.id}  failed",
            fields={
                "question": one.question.full,
                "failed": f"{one.result.kind}: {one.result.reason}",
            },
        )
    scores = "".join(
        f"  {name} {value:.3g}" for name, value in score(one.question, one.result).items()
    )
    title = f"{one.question.id}  {one.result.route}{scores}"
    return trace_item(one.question, one.result, title=title, times=times, prices=prices)


def _coverage(outcomes: Sequence[Outcome]) -> Plot | None:
    """How good the answers are that the method is surest of; None where that says nothing."""
    scored = [
        (one.result.confidence, main_score(one.result.answer, one.question))
        for one in outcomes
        if isinstance(one.result, Result)
        and one.result.confidence is not None
        and one.question.golds
    ]
    if not scored:
        return None
    points = risk_coverage([c for c, _ in scored], [right for _, right in scored])
    if len(points) < _FEWEST_ON_A_CURVE:
        return None
    return line_plot(
        rows=[{"coverage": coverage, "score": 1 - risk} for coverage, risk in points],
        x="coverage",
        y="score",
        x_title="share of the questions that are answered, surest first",
        y_title="mean score of those",
        y_range=(0, 1) if all(right <= 1 for _, right in scored) else None,
        description="Mean score over the questions that the method is surest of, by coverage.",
        caption="Higher on the left: the method knows when it is right. Questions of equal "
        "confidence enter together.",
    )
