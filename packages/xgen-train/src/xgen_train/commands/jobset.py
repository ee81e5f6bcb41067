"""`xgen train jobset`: a run as a manifest for Kubernetes."""

from __future__ import annotations

import sys

import click

from xgen_train.commands.options import settings_option

__all__ = ["jobset"]

_STOPPED = 143  # as a process that SIGTERM killed


@click.command()
@click.argument("recipe")
@click.option("--topology", required=True, help="Of each slice: v4-256, v5e-64, v4:4x4x8 …")
@click.option("--image", required=True, help="A container image with xgen-train and libtpu.")
@click.option("--name", required=True, help="Of the JobSet; the run is /runs/NAME.")
@click.option(
    "--volume",
    required=True,
    metavar="gs://BUCKET|CLAIM",
    help="What all pods mount as /runs: a bucket, or a PersistentVolumeClaim.",
)
@click.option("--slices", type=click.IntRange(min=1), default=1, show_default=True)
@settings_option("store=gs://bucket/store")
@click.option(
    "--restarts",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="How often all pods may begin again.",
)
@click.option(
    "--grace",
    type=click.IntRange(min=1),
    default=300,
    show_default=True,
    help="Seconds from SIGTERM to the end of a pod.",
)
@click.option("--service-account", default="", help="Of Kubernetes, that may use the bucket.")
@click.option("--spot", is_flag=True, help="On capacity that may be taken back.")
def jobset(
    recipe: str,
    topology: str,
    image: str,
    name: str,
    volume: str,
    slices: int,
    settings: tuple[str, ...],
    restarts: int,
    grace: int,
    service_account: str,
    spot: bool,
) -> None:
    """Print a JobSet that runs RECIPE on TPU slices of GKE.

    \b
    Example:
      xgen train jobset xgen_train.recipes.xgen_7b:base --topology v4-256 \\
          --image REGISTRY/xgen:1 --name xgen-7b --volume gs://my-runs \\
          --set store=gs://my-data/store > jobset.yaml
      kubectl apply -f jobset.yaml
    """
    import yaml

    from xgen_core.recipe import load_recipe
    from xgen_train.jobset import MOUNT, JobSet, check_mesh
    from xgen_train.recipe import TrainRecipe
    from xgen_train.tpu_slice import TpuSlice

    part = TpuSlice.parse(topology)
    check_mesh(load_recipe(recipe, TrainRecipe, settings).mesh, part, slices)
    command = ["xgen", "train", "run", recipe, "--output", f"{MOUNT}/{name}"]
    # a job whose pods end with 0 is done, and never begins again
    command += ["--stopped-exit", str(_STOPPED)]
    for setting in settings:
        command += ["--set", setting]
    made = JobSet(
        name=name,
        image=image,
        command=tuple(command),
        slice=part,
        slices=slices,
        volume=volume,
        restarts=restarts,
        grace_seconds=grace,
        service_account=service_account,
        spot=spot,
    )
    yaml.safe_dump(made.manifest(), sys.stdout, sort_keys=False, width=100)
