"""What a run over pairs shows on the report page."""

from __future__ import annotations

from collections.abc import Sequence

from xgen_core.records import Scalar
from xgen_core.report import Plot, Section, Table, line_plot
from xgen_train.preference.pairs import Pairs
from xgen_train.preference.recipe import DpoRecipe
from xgen_train.sections.curves import Row

__all__ = ["preference_section"]


def preference_section(recipe: DpoRecipe, pairs: Pairs, rows: Sequence[Row]) -> Section:
    """Pairs read and dropped; loss, margin, accuracy, log-probabilities and KL over the steps."""
    steps = [row for row in rows if "margin" in row]
    held_out = [
        {"step": row["step"], **row["heldout"]["pairs"]} for row in rows if row.get("heldout")
    ]
    last = steps[-1]
    what = "everything" if recipe.trained == ("all",) else ", ".join(recipe.trained)
    summary = (
        f"{len(pairs.trained):,} pairs, {recipe.epochs} epochs, β {recipe.beta:g}, loss "
        f"{recipe.loss}; begun with {recipe.start}, which is the reference; trained: {what}. In "
        f"the last step the margin of rewards is {last['margin']:.3f}, and "
        f"{100 * last['accuracy']:.1f} % of the pairs are the right way round."
    )
    counts = [("trained on", len(pairs.trained)), ("held out", len(pairs.held_out))]
    counts += [(f"dropped: {reason}", count) for reason, count in pairs.dropped.items()]
    return Section(
        title="Preferences",
        summary=summary,
        blocks=(
            Table(columns=("pairs", "count"), rows=tuple(counts)),
            _curves(steps, held_out, "loss", "loss of a pair (ln 2 at the start, for dpo)"),
            _curves(steps, held_out, "margin", "margin of rewards, β · nats"),
            _curves(steps, held_out, "accuracy", "share of pairs with a positive margin"),
            _answers(steps),
            _curves(steps, held_out, "kl", "KL estimate, nats a token"),
        ),
    )


def _curves(steps: Sequence[Row], held_out: Sequence[Row], name: str, title: str) -> Plot:
    points: list[dict[str, Scalar]] = []
    for curve, rows in (("training", steps), ("held-out", held_out)):
        points += [{"step": r["step"], "value": r[name], "curve": curve} for r in rows]
    return line_plot(
        rows=points,
        x="step",
        y="value",
        series="curve",
        x_title="step",
        y_title=title,
        description=f"{name} over the steps",
    )


def _answers(steps: Sequence[Row]) -> Plot:
    points: list[dict[str, Scalar]] = [
        {"step": row["step"], "value": row[side], "answer": side}
        for row in steps
        for side in ("chosen", "rejected")
    ]
    return line_plot(
        rows=points,
        x="step",
        y="value",
        series="answer",
        x_title="step",
        y_title="log-probability of an answer, nats",
        description="Log-probability of chosen and rejected answers under the policy",
    )
