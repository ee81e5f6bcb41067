"""`xgen train plan`: memory, arithmetic, collectives, time and cost of a recipe."""

from __future__ import annotations

import json

import click

from xgen_train.commands.options import settings_option

__all__ = ["plan"]


@click.command()
@click.argument("recipe")
@click.option(
    "--topology", required=True, help="Chips: v4-256 (128 of them), v4:4x4x8, v5e-64, cpu-8."
)
@settings_option("model.attention=splash")
@click.option("--seq-len", type=int, help="Tokens of a row (default: the first stage's).")
@click.option(
    "--batch-per-chip",
    type=float,
    help="Rows of a batch for each chip (default: from batch_tokens).",
)
@click.option("--remat", help="What the backward pass computes again (default: the model's).")
@click.option("--mesh", metavar="AXIS=SIZE,...", help="Devices by axis (default: all along fsdp).")
@click.option("--price", type=float, help="Dollars for a chip-hour.")
@click.option("--mfu", type=float, default=43.5, show_default=True, help="Percent, for the bill.")
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="NAME=VALUE/VALUE",
    help="Plan every combination: batch=1/2/4, remat=full/attention, mesh=fsdp=128/data=2,fsdp=64.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def plan(
    recipe: str,
    topology: str,
    settings: tuple[str, ...],
    seq_len: int | None,
    batch_per_chip: float | None,
    remat: str | None,
    mesh: str | None,
    price: float | None,
    mfu: float,
    sweeps: tuple[str, ...],
    as_json: bool,
) -> None:
    """Plan one stage of RECIPE: compile its real step for a topology that need not be there.

    Everything printed is predicted. Without libtpu (xgen-train[plan]) CPU devices stand for the
    chips, and the plan says so.

    \b
    Example:
      xgen train plan xgen_train.recipes.xgen_7b:base --topology v4-256 \\
          --seq-len 2048 --batch-per-chip 4 --price 1.449
    """
    import jax

    # nothing is computed here, and no accelerator is to be taken for it
    jax.config.update("jax_platforms", "cpu")
    from xgen_core.codec import encode
    from xgen_core.recipe import load_recipe
    from xgen_train.plan.planner import Planner, PlanRequest, parse_mesh
    from xgen_train.plan.sweep import parse_sweep, sweep
    from xgen_train.plan.text import describe, table
    from xgen_train.recipe import TrainRecipe

    planner = Planner(load_recipe(recipe, TrainRecipe, settings), topology)
    request = PlanRequest(
        topology=topology,
        sequence_length=seq_len,
        batch_per_chip=batch_per_chip,
        remat=remat,
        mesh=None if mesh is None else parse_mesh(mesh),
        mfu_percent=mfu,
        price=price,
    )
    if sweeps:
        outcomes = sweep(planner, parse_sweep(sweeps, request))
        click.echo(json.dumps(encode(outcomes)) if as_json else table(outcomes))
        return
    found = planner.plan(request)
    click.echo(json.dumps(encode(found)) if as_json else describe(found))
