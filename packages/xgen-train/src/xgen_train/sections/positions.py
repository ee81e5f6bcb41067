"""Loss by position in the document at each stage edge."""

from __future__ import annotations

from collections.abc import Sequence

from xgen_core.records import Scalar
from xgen_core.report import Section, line_plot
from xgen_train.recipe import TrainRecipe
from xgen_train.sections.curves import Row

__all__ = ["positions_section"]


def positions_section(recipe: TrainRecipe, rows: Sequence[Row]) -> Section:
    """One curve an edge, all at the longest length of the run."""
    points: list[dict[str, Scalar]] = []
    ends = list(recipe.edges)
    for row in rows:
        if "positions" not in row:
            continue
        number = ends.index(row["step"])
        label = f"{recipe.stages[number].sequence_length} (stage {number + 1})"
        curve = row["positions"]
        points += [
            {"position": first + 1, "loss": loss, "edge": label}
            for first, loss in zip(curve["first"], curve["loss"], strict=True)
        ]
    longest = recipe.stages[-1].sequence_length
    plot = line_plot(
        rows=points,
        x="position",
        y="loss",
        series="edge",
        x_title="position in the document, from",
        y_title="held-out loss, nats per token",
        log_x=True,
        description="Held-out loss by position in the document, one line for each stage edge",
        caption="One line for each stage, named by its sequence length and measured at its end.",
    )
    summary = (
        f"Held-out windows of {longest:,} tokens after every stage. Where a longer context is used "
        "the line falls; where it rises, positions lie beyond what the model has learnt."
    )
    return Section(title="Loss by position", summary=summary, blocks=(plot,))
