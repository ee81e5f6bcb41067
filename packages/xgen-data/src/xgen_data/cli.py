"""`xgen data build|mix|inspect|verify|copy`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from xgen_core.report import Section, Table

__all__ = ["data"]


@click.group()
def data() -> None:
    """Make token stores from raw text, and look into them.

    \b
    Example:
      xgen data build xgen_data.recipes.stdlib:build --output runs/stdlib
    """


@data.command()
@click.argument("recipe")
@click.option("--output", "-o", required=True, type=click.Path(), help="The store's directory.")
@click.option(
    "--until",
    type=click.Choice(["documents", "tokens"]),
    default="tokens",
    show_default=True,
    help="Last stage; documents needs no tokenizer.",
)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Change the recipe.")
@click.option("--workers", type=click.IntRange(0), help="Processes; default all cores.")
@click.option("--rank", type=click.IntRange(0), help="Which of --world-size processes this is.")
@click.option("--world-size", type=click.IntRange(1), help="Processes started with this command.")
@click.option("--ray", metavar="ADDRESS", help="Work as tasks of this Ray cluster; auto finds it.")
@click.option("--json", "as_json", is_flag=True, help="Print the tables as JSON.")
def build(
    recipe: str,
    output: str,
    until: Literal["documents", "tokens"],
    settings: Sequence[str],
    workers: int | None,
    rank: int | None,
    world_size: int | None,
    ray: str | None,
    as_json: bool,
) -> None:
    """Build the token store of RECIPE (module:function or file.py:function).

    A build that was stopped goes on where it was when the same command runs again. On several
    machines with one file system, start the same command on each with its own --rank (a Slurm
    array's or an indexed Kubernetes job's number), or give a Ray cluster.

    \b
    Example:
      xgen data build xgen_data.recipes.stdlib:build -o runs/stdlib --until documents
      xgen data build xgen_data.recipes.stdlib:build -o runs/stdlib --set tokenizer=runs/vocabulary
      xgen data build corpus.py:web -o /mnt/web --rank $SLURM_ARRAY_TASK_ID --world-size 64
    """
    from pathlib import Path

    from xgen_core import load_recipe
    from xgen_data.builder import build as build_store
    from xgen_data.documents import read_summary
    from xgen_data.executor import Executor, Processes, Ranks, Ray, available_cores
    from xgen_data.manifest import read_manifest
    from xgen_data.recipe import DataRecipe
    from xgen_data.sections import funnel_table, token_table

    if (rank is None) != (world_size is None):
        raise click.UsageError("--rank and --world-size go together")
    if ray is not None and (rank is not None or workers is not None):
        raise click.UsageError("--ray goes without --rank and --workers")
    processes = available_cores() if workers is None else workers
    executor: Executor
    if ray is not None:
        executor = Ray(address=ray)
    elif rank is not None and world_size is not None:
        if rank >= world_size:
            raise click.UsageError(f"--rank lies in 0..{world_size - 1}, got {rank}")
        executor = Ranks(
            rank=rank, world_size=world_size, directory=Path(output), workers=processes
        )
    else:
        executor = Processes(workers=processes)
    store = build_store(
        load_recipe(recipe, DataRecipe, settings),
        output,
        until=until,
        executor=executor,
        say=lambda message: click.echo(message, err=True),
    )
    tables = {"documents": funnel_table(read_summary(store))}
    if until == "tokens":
        tables["tokens"] = token_table(read_manifest(store))
    _show(tables, as_json)


@data.command()
@click.argument("recipe")
@click.option("--store", type=click.Path(), help="A token store to read the mixture from.")
@click.option("--tokens", type=click.IntRange(1), help="Scale the mixture to so many tokens.")
@click.option("--sequence-length", type=click.IntRange(1), default=2048, show_default=True)
@click.option("--batch-size", type=click.IntRange(1), default=2048, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def mix(
    recipe: str,
    store: str | None,
    tokens: int | None,
    sequence_length: int,
    batch_size: int,
    as_json: bool,
) -> None:
    """Show the mixture RECIPE: tokens, shares and epochs, and what a store can give of it.

    With --store the schedule is laid over the store's token lines: what each source would really
    be read, to the token, and how often. The table also goes onto the store's report page.

    \b
    Example:
      xgen data mix xgen_data.recipes.xgen:stage_1
      xgen data mix mixtures.py:books --store runs/books --tokens 1000000 --batch-size 8
    """
    from xgen_core import load_recipe
    from xgen_data.mixture import Mixture
    from xgen_data.sections import mixture_section, mixture_table, realised_table

    mixture = load_recipe(recipe, Mixture)
    if tokens is not None:
        mixture = mixture.scaled(tokens)
    if store is None:
        _show({"mixture": mixture_table(mixture)}, as_json)
        return
    from xgen_data.mixture import lay_over
    from xgen_data.store import TokenStore

    opened = TokenStore.open(store)
    order = lay_over(mixture, opened.line_sizes(), sequence_length, batch_size)
    _write_section(store, "30-mixture", mixture_section(mixture, order))
    _show({"mixture": realised_table(mixture, order)}, as_json)


@data.command()
@click.argument("store", type=click.Path())
@click.option("--documents", "count", type=click.IntRange(1), help="Print so many documents.")
@click.option("--split", default="train", show_default=True, help="Of which split.")
@click.option("--source", help="Of which source; default all.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def inspect(store: str, count: int | None, split: str, source: str | None, as_json: bool) -> None:
    """Show the splits and sources of the token store STORE, or some of its documents.

    \b
    Example:
      xgen data inspect runs/stdlib
      xgen data inspect runs/stdlib --documents 2 --source stdlib-docs
    """
    import itertools

    from xgen_data.documents import read_documents
    from xgen_data.sections import token_table
    from xgen_data.store import TokenStore

    if count is None:
        _show({"tokens": token_table(TokenStore.open(store).manifest)}, as_json)
        return
    for document in itertools.islice(read_documents(store, split, source), count):
        if as_json:
            click.echo(json.dumps(document.to_json(), ensure_ascii=False))
        else:
            click.echo(f"--- {document.source} {document.id}\n{document.text}")


@data.command()
@click.argument("store", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def verify(store: str, as_json: bool) -> None:
    """Compare every file of the token store STORE with its checksum; exit 1 if one differs.

    \b
    Example:
      xgen data verify runs/stdlib
    """
    from xgen_core import FormatError
    from xgen_data.store import TokenStore

    opened = TokenStore.open(store)
    damaged = [str(path) for path in opened.verify()]
    if as_json:
        click.echo(json.dumps({"store": store, "damaged": damaged}))
    if damaged:
        raise FormatError(f"damaged, build the store again: {', '.join(damaged)}")
    if not as_json:
        click.echo(f"{store}: every checksum agrees")


@data.command()
@click.argument("store", type=click.Path())
@click.argument("target", type=click.Path())
@click.option("--workers", type=click.IntRange(1), default=8, show_default=True, help="Threads.")
def copy(store: str, target: str, workers: int) -> None:
    """Copy the token store STORE to TARGET; each is a directory or a URL (gs://, s3://, …).

    The manifest goes last: what opens is whole. A copy that was stopped goes on where it was when
    the same command runs again.

    \b
    Example:
      xgen data copy runs/stdlib gs://bucket/stdlib
      xgen data copy s3://bucket/stdlib /mnt/ssd/stdlib
    """
    from xgen_data.copying import copy_store

    copy_store(store, target, workers=workers, say=lambda message: click.echo(message, err=True))


def _write_section(store: str, name: str, section: Section) -> None:
    from pathlib import Path

    from xgen_core import Run

    Run.open(Path(store)).write_section(name, section)


def _show(tables: dict[str, Table], as_json: bool) -> None:
    if as_json:
        rows = {
            name: [dict(zip(table.columns, row, strict=True)) for row in table.rows]
            for name, table in tables.items()
        }
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for table in tables.values():
        cells = [[_cell(value) for value in row] for row in (table.columns, *table.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        numeric = [isinstance(v, int | float) for v in table.rows[0]] if table.rows else []
        for row in cells:
            line = (
                text.rjust(width) if number else text.ljust(width)
                for text, width, number in zip(row, widths, numeric, strict=True)
            )
            click.echo("  ".join(line).rstrip())


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int | float) else str(value)
