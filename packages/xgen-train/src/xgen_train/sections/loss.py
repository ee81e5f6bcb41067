"""Loss, gradient norm and learning rate over the tokens read, and what the guard refused."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xgen_core.records import Scalar
from xgen_core.report import Block, Plot, Section, Table, Text, line_plot
from xgen_train.recipe import TrainRecipe
from xgen_train.sections.curves import Row, edges, means, width

__all__ = ["loss_section", "sources_section"]

_MOST_REFUSED = 50


def _steps(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if "gradient_norm" in row]


def loss_section(recipe: TrainRecipe, rows: Sequence[Row]) -> Section:
    """Training and held-out loss with stage edges, and the figures beside them."""
    steps = _steps(rows)
    by_step = {row["step"]: row["tokens"] for row in rows if "tokens" in row}
    points: list[dict[str, Scalar]] = [
        {"tokens": tokens, "value": value, "curve": "training"}
        for tokens, value in means(steps, lambda row: row["loss"])
    ]
    for row in rows:
        for source, figures in row.get("heldout", {}).items():
            point = {"tokens": by_step[row["step"]], "value": figures["loss"]}
            points.append({**point, "curve": f"held-out {source}"})
    marks = edges(recipe)
    last = next(row["loss"] for row in reversed(steps) if row["loss"] is not None)
    wide = width(steps)
    blocks: list[Block] = [
        line_plot(
            rows=points,
            x="tokens",
            y="value",
            series="curve",
            x_title="tokens read",
            y_title="loss, nats per token",
            rules=marks,
            description="Training and held-out loss over the tokens read, with stage edges",
            caption=f"Training loss is the mean of {wide} steps." if wide > 1 else "",
        ),
        _curve(steps, "gradient_norm", "Global gradient norm before clipping", marks),
        _curve(steps, "learning_rate", "Learning rate", marks),
    ]
    if recipe.z_loss:
        blocks.append(_curve(steps, "z_loss", "z-loss (not part of the loss above)", marks))
    summary = (
        f"The last step's loss is {last:.4f} nats per token "
        f"(perplexity {math.exp(min(last, 50)):.1f}). Vertical lines are stage edges."
    )
    return Section(title="Loss", summary=summary, blocks=(*blocks, _refused(recipe, rows)))


def sources_section(recipe: TrainRecipe, rows: Sequence[Row]) -> Section:
    """Training loss told apart by source."""
    steps = _steps(rows)
    names = sorted({name for row in steps for name in row.get("sources", {})})
    points: list[dict[str, Scalar]] = []
    for name in names:

        def loss(row: Row, name: str = name) -> float | None:
            return row.get("sources", {}).get(name, {}).get("loss")

        points += [{"tokens": t, "loss": v, "source": name} for t, v in means(steps, loss)]
    plot = line_plot(
        rows=points,
        x="tokens",
        y="loss",
        series="source",
        x_title="tokens read",
        y_title="training loss, nats per token",
        rules=edges(recipe),
        description="Training loss of each source over the tokens read",
    )
    return Section(title="Loss by source", blocks=(plot,))


def _curve(steps: Sequence[Row], name: str, what: str, marks: list[tuple[float, str]]) -> Plot:
    return line_plot(
        rows=steps,
        x="tokens",
        y=name,
        x_title="tokens read",
        y_title=name.replace("_", " "),
        rules=marks,
        description=f"{what} over the tokens read",
    )


def _refused(recipe: TrainRecipe, rows: Sequence[Row]) -> Block:
    """Updates that were not applied, and batches that were passed over."""
    guard = recipe.guard
    rule = "not finite"
    if guard.sigmas:
        rule += (
            f", or more than {guard.sigmas:g} standard deviations above the mean of the last "
            f"{guard.window} steps"
        )
    refused = [row for row in rows if "refused" in row or "skipped" in row]
    if not refused:
        return Text(text=f"No update was refused (loss or gradient norm {rule}).")
    table = tuple(
        (
            row["step"],
            "update refused" if "refused" in row else f"batch passed over ({row['skipped']})",
            "" if row.get("loss") is None else round(row["loss"], 4),
            "" if row.get("gradient_norm") is None else round(row["gradient_norm"], 3),
        )
        for row in refused[:_MOST_REFUSED]
    )
    more = len(refused) - len(table)
    caption = f"Steps without an update: loss or gradient norm {rule}."
    if more:
        caption += f" {more} more are in metrics.jsonl."
    return Table(columns=("step", "what", "loss", "gradient norm"), rows=table, caption=caption)
