"""`xgen data build|mix|inspect|verify|copy|decontaminate|docstrings|instruct|encode|learn`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, cast

import click

from xgen_core import Document
from xgen_data.commands.docstrings import docstrings
from xgen_data.commands.instruct import encode, instruct
from xgen_data.commands.learn import learn
from xgen_data.tables import show_tables

if TYPE_CHECKING:
    from xgen_core.report import Section, Table
    from xgen_data.decontamination import Hit

__all__ = ["data"]

_SHOWN_HITS = 50


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
    show_tables(tables, as_json)


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
        show_tables({"mixture": mixture_table(mixture)}, as_json)
        return
    from xgen_data.mixture import lay_over
    from xgen_data.storage import is_url
    from xgen_data.store import TokenStore

    opened = TokenStore.open(store)
    order = lay_over(mixture, opened.line_sizes(), sequence_length, batch_size)
    if not is_url(store):
        _write_section(store, "30-mixture", mixture_section(mixture, order))
    show_tables({"mixture": realised_table(mixture, order)}, as_json)


@data.command()
@click.argument("where", metavar="STORE|FILE", type=click.Path())
@click.option(
    "--benchmark",
    "benchmarks",
    multiple=True,
    required=True,
    metavar="NAME=PATH",
    help="Files of a benchmark; repeat for more.",
)
@click.option("--output", "-o", required=True, type=click.Path(), help="Directory of the report.")
@click.option("--ngram", type=click.IntRange(1), default=13, show_default=True, help="In words.")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Share of an item's n-grams from which on it counts as contained.",
)
@click.option("--split", default="train", show_default=True, help="Of a store.")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def decontaminate(
    where: str,
    benchmarks: Sequence[str],
    output: str,
    ngram: int,
    threshold: float,
    split: str,
    as_json: bool,
) -> None:
    """Look for benchmark items in the documents of a STORE, or in a JSONL FILE of documents.

    Nothing is removed: OUTPUT gets every hit with its evidence (hits.jsonl) and a summary for each
    benchmark (summary.json); a store's report page gets a section. To remove what is found, give
    the recipe the step Decontaminate.

    \b
    Example:
      xgen data decontaminate runs/web --benchmark humaneval=HumanEval.jsonl.gz -o runs/web/eval
    """
    import heapq
    from pathlib import Path

    from xgen_core.progress import track
    from xgen_data.decontamination import (
        Decontaminate,
        benchmark_named,
        write_report,
    )
    from xgen_data.decontamination import decontaminate as find
    from xgen_data.documents import read_documents
    from xgen_data.recipe import SourceConfig
    from xgen_data.sections import contamination_section
    from xgen_data.sources import read_source

    step = Decontaminate(
        benchmarks=tuple(benchmark_named(name) for name in benchmarks),
        ngram=ngram,
        minimum=min(ngram, 8),
        threshold=threshold,
    )
    is_store = Path(where).is_dir()
    if is_store:
        documents = read_documents(where, split)
    else:
        source = SourceConfig(name=Path(where).name.partition(".")[0], uri=f"jsonl:{where}")
        documents = (item for item in read_source(source) if isinstance(item, Document))
    worst: list[tuple[float, int, Hit]] = []

    def noted(hits: Iterable[Hit]) -> Iterator[Hit]:
        for number, hit in enumerate(hits):
            heapq.heappush(worst, (hit.share, -number, hit))
            if len(worst) > _SHOWN_HITS:
                heapq.heappop(worst)
            yield hit

    found = find(track(documents, "decontaminate", unit="documents"), step)
    report = write_report(output, noted(found), step)
    section = contamination_section(report, [hit for _, _, hit in sorted(worst, reverse=True)])
    if is_store:
        _write_section(where, "40-contamination", section)
    show_tables({"contamination": cast("Table", section.blocks[0])}, as_json)


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
        show_tables({"tokens": token_table(TokenStore.open(store).manifest)}, as_json)
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
        raise FormatError(
            f"damaged: {', '.join(damaged)}; remove these files and build (or copy) the store "
            "again into the same place, which makes them anew"
        )
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


data.add_command(docstrings)
data.add_command(instruct)
data.add_command(encode)
data.add_command(learn)
