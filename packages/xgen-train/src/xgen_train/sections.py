"""What a training run shows on the report page."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from statistics import fmean
from typing import Any

from xgen_core import Run
from xgen_core.records import Scalar
from xgen_core.report import Plot, Section, Table, Text, line_plot
from xgen_data import Order, TokenStore
from xgen_train.recipe import TrainRecipe

__all__ = ["write_sections"]

_POINTS = 60
"""Means that the loss curve shows at least; single steps of a small batch are mostly noise."""


def write_sections(
    run: Run, recipe: TrainRecipe, order: Order, store: TokenStore, parameters: int
) -> None:
    """Write the sections `training`, `loss` and `speed` of a finished run."""
    rows = run.metrics.rows()
    steps = [row for row in rows if "loss" in row]
    heldout = [row for row in rows if "heldout" in row]
    run.write_section("10-training", _overview(recipe, order, store, parameters))
    run.write_section("20-loss", _curves(recipe, steps, heldout))
    run.write_section("30-speed", _speed(recipe, run.timings.rows(), parameters))


def _overview(recipe: TrainRecipe, order: Order, store: TokenStore, parameters: int) -> Section:
    model = recipe.model
    rows: list[tuple[str | int | float, ...]] = []
    for number, stage in enumerate(recipe.stages):
        budgets = order.budgets(number)
        total = sum(budgets.values())
        for source, tokens in budgets.items():
            rows.append(
                (
                    number + 1,
                    stage.sequence_length,
                    stage.steps,
                    source,
                    tokens,
                    round(100 * tokens / total, 2),
                    round(tokens / store.line("train", source).tokens, 3),
                )
            )
    shape = (
        f"{parameters:,} parameters: {model.n_layers} layers, width {model.d_model}, "
        f"{model.n_heads} heads, SwiGLU width {model.d_ff}, vocabulary {model.vocab_size:,}, "
        f"context {model.context_length:,}. {recipe.batch_tokens:,} tokens in every step."
    )
    columns = (
        "stage",
        "sequence length",
        "steps",
        "source",
        "tokens",
        "share of stage, %",
        "epochs of source",
    )
    caption = "What each stage read. Shares are exact: windows are counted, not drawn."
    return Section(
        title="Training",
        summary=shape,
        blocks=(Table(columns=columns, rows=tuple(rows), caption=caption),),
    )


def _edges(recipe: TrainRecipe) -> list[tuple[float, str]]:
    marks: list[tuple[float, str]] = []
    tokens = 0
    for stage, following in zip(recipe.stages, recipe.stages[1:], strict=False):
        tokens += stage.steps * recipe.batch_tokens
        marks.append((tokens, f"{stage.sequence_length} → {following.sequence_length}"))
    return marks


def _curves(
    recipe: TrainRecipe, steps: list[dict[str, Any]], heldout: list[dict[str, Any]]
) -> Section:
    by_step = {row["step"]: row["tokens"] for row in steps}
    width = max(1, len(steps) // _POINTS)
    loss: list[dict[str, Scalar]] = [
        {**point, "curve": "training"} for point in _means(steps, width)
    ]
    for row in heldout:
        for source, figures in row["heldout"].items():
            point = {"tokens": by_step[row["step"]], "value": figures["loss"]}
            loss.append({**point, "curve": f"held-out {source}"})
    edges = _edges(recipe)
    final = steps[-1]["loss"]
    summary = (
        f"The last step's loss is {final:.4f} nats per token "
        f"(perplexity {math.exp(min(final, 50)):.1f}). Vertical lines are stage edges."
    )
    means = f"Training loss is the mean of {width} steps." if width > 1 else ""
    plots = (
        line_plot(
            rows=loss,
            x="tokens",
            y="value",
            series="curve",
            x_title="tokens read",
            y_title="loss, nats per token",
            rules=edges,
            description="Training and held-out loss over the tokens read, with stage edges",
            caption=means,
        ),
        _curve(steps, "gradient_norm", "Global gradient norm before clipping", edges),
        _curve(steps, "learning_rate", "Learning rate", edges),
    )
    return Section(title="Loss", summary=summary, blocks=plots)


def _curve(
    steps: list[dict[str, Any]], name: str, what: str, edges: list[tuple[float, str]]
) -> Plot:
    return line_plot(
        rows=steps,
        x="tokens",
        y=name,
        x_title="tokens read",
        y_title=name.replace("_", " "),
        rules=edges,
        description=f"{what} over the tokens read",
    )


def _means(steps: list[dict[str, Any]], width: int) -> Iterator[dict[str, Scalar]]:
    """Mean loss of `width` steps at a time, none of them across a stage edge."""
    for _, group in itertools.groupby(steps, key=lambda row: row["stage"]):
        rows = list(group)
        for start in range(0, len(rows), width):
            part = rows[start : start + width]
            yield {"tokens": part[-1]["tokens"], "value": fmean(row["loss"] for row in part)}


def _speed(recipe: TrainRecipe, timings: list[dict[str, Any]], parameters: int) -> Section:
    rows: list[tuple[str | int | float, ...]] = []
    start = 0
    model = recipe.model
    for number, (stage, end) in enumerate(zip(recipe.stages, recipe.edges, strict=True), 1):
        # the first step of a stage compiles, so the median stands for the others
        seconds = sorted(t["seconds"] for t in timings if start < t["step"] <= end)
        start = end
        if not seconds:
            continue
        rate = recipe.batch_tokens / seconds[len(seconds) // 2]
        attention = 12 * model.n_layers * model.d_model * stage.sequence_length
        flops = 6 * parameters + attention
        rows.append(
            (
                number,
                stage.sequence_length,
                round(rate),
                round(seconds[-1], 2),
                round(sum(seconds), 1),
                round(rate * flops / 1e9, 1),
            )
        )
    columns = (
        "stage",
        "sequence length",
        "tokens/s (median step)",
        "slowest step, s",
        "all steps, s",
        "GFLOP/s (6N + 12·L·d·T)",
    )
    note = "The slowest step of a stage is usually its first, which compiles. Wall-clock figures."
    return Section(
        title="Speed",
        blocks=(Table(columns=columns, rows=tuple(rows)), Text(text=note)),
    )
