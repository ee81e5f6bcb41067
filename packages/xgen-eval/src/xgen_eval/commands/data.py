"""`xgen eval data`: the benchmark data of this machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from xgen_eval.datasets import DataSet

__all__ = ["data"]

_DIRECTORY = click.option(
    "--data",
    "directory",
    type=click.Path(),
    help="Directory of benchmark data; default: XGEN_EVAL_DATA, or xgen/eval in the user's cache.",
)


@click.group("data")
def data() -> None:
    """Add, fetch and list benchmark data; results are pinned to its checksums.

    \b
    Example:
      xgen eval data add arc_challenge ARC-Challenge-Test.jsonl
      xgen eval data fetch hellaswag
      xgen eval data list
    """


@data.command("add")
@click.argument("name")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=False))
@click.option("--split", help="Which split; default: the one that is evaluated.")
@_DIRECTORY
def add(name: str, files: tuple[str, ...], split: str | None, directory: str | None) -> None:
    """Read local files, check every row, and store them in the one form that tasks read.

    \b
    Example:
      xgen eval data add mmlu test/*.csv
      xgen eval data add mmlu --split dev dev/*.csv
      xgen eval data add piqa valid.jsonl valid-labels.lst
    """
    from pathlib import Path

    from xgen_eval.datasets import data_directory

    dataset = _dataset(name)
    split = split or dataset.splits[0]
    count = data_directory(directory).add(dataset, split, [Path(f) for f in files])
    click.echo(f"{dataset.name} {split}: {count} rows")


@data.command("fetch")
@click.argument("names", nargs=-1, required=True)
@_DIRECTORY
def fetch(names: tuple[str, ...], directory: str | None) -> None:
    """Fetch data sets from the Hugging Face hub (needs `xgen-eval[hub]`).

    \b
    Example:
      xgen eval data fetch arc_challenge hellaswag
    """
    from xgen_eval.datasets import data_directory

    for name in names:
        dataset = _dataset(name)
        for split, count in data_directory(directory).fetch(dataset).items():
            click.echo(f"{dataset.name} {split}: {count} rows")


@data.command("list")
@_DIRECTORY
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_data(directory: str | None, as_json: bool) -> None:
    """List the data sets that tasks read, and which are here.

    \b
    Example:
      xgen eval data list
    """
    from xgen_eval.datasets import data_directory

    where = data_directory(directory)
    here = where.entries()
    if as_json:
        names = ("name", "split", "rows", "sha256")
        click.echo(json.dumps([dict(zip(names, e, strict=True)) for e in here], indent=2))
        return
    known = _datasets()
    width = max(map(len, known), default=0)
    for name, dataset in known.items():
        found = [f"{split} {rows}" for n, split, rows, _ in here if n == name]
        click.echo(f"{name:<{width}}  {', '.join(found) or 'not here':<28}  {dataset.about}")
    click.echo(f"\n{where.path}")


def _datasets() -> dict[str, DataSet[Any]]:
    """The data sets of all installed tasks, by name."""
    from xgen_eval.datasets import DataSet
    from xgen_eval.task import load_task, task_names

    found: dict[str, DataSet[Any]] = {}
    for name in task_names():
        dataset = getattr(load_task(name), "dataset", None)
        if isinstance(dataset, DataSet):
            found[dataset.name] = dataset
    return dict(sorted(found.items()))


def _dataset(name: str) -> DataSet[Any]:
    from xgen_core import InputError
    from xgen_core.codec import unknown_name

    known = _datasets()
    if name not in known:
        raise InputError(unknown_name(name, list(known), "data set"))
    return known[name]
