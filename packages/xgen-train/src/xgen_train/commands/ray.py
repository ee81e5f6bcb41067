"""`xgen train ray`: a run on a Ray cluster."""

from __future__ import annotations

import click

from xgen_train.commands.options import json_option, output_option, settings_option

__all__ = ["ray"]


@click.command()
@click.argument("recipe")
@output_option
@click.option(
    "--address",
    default="auto",
    show_default=True,
    help="Of the cluster: HOST:PORT, or auto for this machine's.",
)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--gpus", type=click.IntRange(min=0), default=0, help="Of each worker.")
@click.option("--topology", help="A TPU slice instead, a worker for each host: v4-32, v6e-64 …")
@settings_option("optimizer.learning_rate=1e-3")
@click.option(
    "--restarts",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="How often all workers may begin again.",
)
@json_option
def ray(
    recipe: str,
    output: str,
    address: str,
    workers: int,
    gpus: int,
    topology: str | None,
    settings: tuple[str, ...],
    restarts: int,
    as_json: bool,
) -> None:
    """Run RECIPE on the workers of a Ray cluster, which share a file system.

    The same command again takes up an interrupted run, as with `xgen train run`.

    \b
    Example:
      xgen train ray xgen_train.recipes.quickstart:base --workers 2 --output /shared/runs/train
      xgen train ray xgen_train.recipes.xgen_7b:base --topology v4-256 \\
          --set store=/shared/store --output /shared/runs/7b
    """
    from xgen_core.recipe import load_recipe
    from xgen_train.commands.run import show_result
    from xgen_train.ray_trainer import RayWorkers, train_on_ray
    from xgen_train.recipe import TrainRecipe
    from xgen_train.tpu_slice import TpuSlice

    chosen = RayWorkers(
        count=workers,
        gpus=gpus,
        slice=TpuSlice.parse(topology) if topology else None,
        restarts=restarts,
    )
    resolved = load_recipe(recipe, TrainRecipe, settings)
    show_result(train_on_ray(resolved, output, address=address, workers=chosen), as_json)
