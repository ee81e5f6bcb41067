"""What a training run shows on the report page."""

from __future__ import annotations

from jax.sharding import Mesh

from xgen_core import Run
from xgen_data import Order, TokenStore
from xgen_train.recipe import TrainRecipe
from xgen_train.sections.loss import loss_section, sources_section
from xgen_train.sections.positions import positions_section
from xgen_train.sections.speed import speed_section
from xgen_train.sections.training import training_section

__all__ = ["write_sections"]


def write_sections(
    run: Run,
    recipe: TrainRecipe,
    order: Order,
    store: TokenStore,
    mesh: Mesh,
    parameters: int,
) -> None:
    """Write the sections of a run over a token store."""
    rows = run.metrics.rows()
    run.write_section("10-training", training_section(recipe, order, store, parameters))
    if not any("gradient_norm" in row for row in rows):  # stopped before the first step
        return
    run.write_section("20-loss", loss_section(recipe, rows))
    if any("sources" in row for row in rows):
        run.write_section("22-sources", sources_section(recipe, rows))
    if any("positions" in row for row in rows):
        run.write_section("24-positions", positions_section(recipe, rows))
    run.write_section("30-speed", speed_section(recipe, run, mesh))
