"""`xgen train run`: a recipe from beginning to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xgen_train.commands.options import (
    json_option,
    output_option,
    settings_option,
    show_option,
    show_recipe,
    start_option,
    tensorboard_option,
)

if TYPE_CHECKING:
    from xgen_train.trainer import TrainResult

__all__ = ["run", "show_result"]


@click.command()
@click.argument("recipe")
@output_option
@settings_option("optimizer.learning_rate=1e-3")
@tensorboard_option
@start_option(
    "Begin with the weights of this run, checkpoint or Hugging Face directory.",
    required=False,
)
@click.option(
    "--watchdog",
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    help="End with code 75 when no step finishes for so long; 0 for never.",
)
@click.option(
    "--inject",
    default="",
    metavar="KIND@STEP,...",
    help="Make faults, to see them survived: kill@137,nan@200,hang@300:1 (of process 1).",
)
@click.option(
    "--stopped-exit",
    default=0,
    show_default=True,
    metavar="CODE",
    type=click.IntRange(0, 255),
    help="What a signal ends it with, for schedulers that take 0 for a finished run.",
)
@show_option
@json_option
def run(
    recipe: str,
    output: str,
    settings: tuple[str, ...],
    tensorboard: bool | None,
    start: str | None,
    watchdog: float,
    inject: str,
    stopped_exit: int,
    show: bool,
    as_json: bool,
) -> None:
    """Run RECIPE (module:function or file.py:function) to its end.

    Several processes (JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID, Slurm, a TPU
    slice) each run this command, and train together.

    The same command again takes up an interrupted run and ends with the same result. SIGTERM and
    Ctrl-C let it finish the step, save, and exit with 0.

    \b
    Example:
      xgen train run xgen_train.recipes.quickstart:base \\
          --set store=runs/quickstart/data --set seed=1 --output runs/seed1
      xgen train run xgen_train.recipes.xgen_7b:base --from xgen-7b-4k-base/ --output runs/more
    """
    import dataclasses
    import sys

    from xgen_core.recipe import load_recipe
    from xgen_train.faults import FaultOptions, parse_faults
    from xgen_train.recipe import TrainRecipe

    resolved = load_recipe(recipe, TrainRecipe, settings)
    if start is not None:
        resolved = dataclasses.replace(resolved, start=start)
    faults = FaultOptions(watchdog=watchdog, inject=parse_faults(inject))
    if show:
        show_recipe(resolved)
        return
    from xgen_train.distributed import joined, leads
    from xgen_train.trainer import train as train_recipe

    with joined():
        try:
            result = train_recipe(resolved, Path(output), tensorboard=tensorboard, faults=faults)
        except SystemExit:  # told to end, and has saved
            sys.exit(stopped_exit)
    if leads():
        show_result(result, as_json)


def show_result(result: TrainResult, as_json: bool) -> None:
    """Print how a run ended."""
    if as_json:
        values = {
            "run": str(result.run),
            "checkpoint": str(result.checkpoint),
            "steps": result.steps,
            "loss": result.loss,
            "parameters": result.parameters,
        }
        click.echo(json.dumps(values))
        return
    click.echo(
        f"{result.parameters:,} parameters, {result.steps} steps, final loss {result.loss:.4f}\n"
        f"model: local:{result.checkpoint}"
    )
