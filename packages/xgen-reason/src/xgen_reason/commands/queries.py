"""`xgen reason queries`: training data for a generator of SPARQL, and whether queries parse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

    from xgen_reason.queries.builder import Built

__all__ = ["queries"]


@click.group("queries")
def queries() -> None:
    """Make training data for a generator of SPARQL queries, or see whether queries parse.

    \b
    Example:
      xgen reason queries parse qald_10.json
      xgen reason queries build qald_10.json --labels labels.tsv -o pairs.jsonl
    """


@queries.command("build")
@click.argument("files", nargs=-1, required=True, type=click.Path())
@click.option(
    "--labels",
    required=True,
    type=click.Path(),
    help="Labels of the ids in the queries: lines of ID<tab>LABEL, or JSONL of id and label.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(),
    help="JSONL; NAME.test.jsonl and NAME.template.json come beside.",
)
@click.option(
    "--contrastive/--correct-only",
    default=True,
    show_default=True,
    help="Whether replies go on with four wrong queries.",
)
@click.option(
    "--test",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.2,
    show_default=True,
    help="Share of the queries that is held out.",
)
@click.option("--language", default="en", show_default=True, help="Of the questions.")
@click.option("--seed", default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def build(
    files: tuple[str, ...],
    labels: str,
    output: str,
    contrastive: bool,
    test: float,
    language: str,
    seed: int,
    as_json: bool,
) -> None:
    """Turn questions with known queries into instruction pairs for `xgen train sft`.

    FILE is QALD's JSON, LC-QuAD 2.0's JSON, or JSONL of id, question and query.

    \b
    Example:
      xgen reason queries build train.json --labels labels.tsv -o pairs.jsonl
      xgen reason queries build train.json --labels labels.tsv -o pairs.jsonl --correct-only
    """
    from itertools import chain
    from pathlib import Path

    from xgen_core.files import write_json, write_jsonl
    from xgen_core.progress import track
    from xgen_reason.prompts import load_prompts
    from xgen_reason.queries.builder import TEMPLATE, build_pairs
    from xgen_reason.queries.questions import read_label_table, read_queried_questions

    found = chain.from_iterable(
        read_queried_questions(Path(file), language=language) for file in files
    )
    built = build_pairs(
        track(found, "queries", unit="questions"),
        read_label_table(Path(labels)),
        load_prompts("general").prompt("sparql"),
        contrastive=contrastive,
        test=test,
        seed=seed,
    )
    target = Path(output)
    held_out = target.with_name(f"{target.stem}.test{target.suffix}")
    write_jsonl(target, (example.to_json() for example in built.train))
    write_jsonl(held_out, (example.to_json() for example in built.test))
    template = target.with_name(f"{target.stem}.template.json")
    write_json(template, TEMPLATE.to_json())
    _show(built, target, held_out, template, as_json)


@queries.command("parse")
@click.argument("files", nargs=-1, required=True, type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def parse(files: tuple[str, ...], as_json: bool) -> None:
    """Say how many queries parse as SELECT or ASK, and what is wrong with the others.

    \b
    Example:
      xgen reason queries parse qald_10.json
    """
    import asyncio
    from pathlib import Path

    counts: dict[str, object] = {}
    for file in files:
        count, wrong = asyncio.run(_parse(Path(file)))
        counts[file] = {"queries": count, "parse": count - len(wrong), "problems": wrong}
        if not as_json:
            click.echo(f"{file}: {count - len(wrong):,} of {count:,} queries parse")
            for id, problem in wrong.items():
                click.echo(f"  {id}: {problem}")
    if as_json:
        click.echo(json.dumps(counts, indent=2))


async def _parse(path: Path) -> tuple[int, dict[str, str]]:
    from xgen_core.progress import track
    from xgen_reason.knowledge.graph_process import GraphProcess
    from xgen_reason.queries.questions import read_queried_questions

    questions = list(read_queried_questions(path))
    wrong: dict[str, str] = {}
    async with GraphProcess() as process:
        for question in track(questions, "parsing", len(questions), unit="queries"):
            if problem := await process.check(question.query):
                wrong[question.id] = problem
    return len(questions), wrong


def _show(built: Built, target: Path, held_out: Path, template: Path, as_json: bool) -> None:
    counts = {
        "train": len(built.train),
        "test": len(built.test),
        "dropped": dict(built.dropped),
        "faults": dict(built.faults),
    }
    if as_json:
        click.echo(json.dumps(counts, indent=2))
        return
    click.echo(f"{target}: {len(built.train):,} pairs")
    click.echo(f"{held_out}: {len(built.test):,} pairs held out")
    for reason, count in built.dropped.items():
        click.echo(f"dropped {count:,}: {reason}")
    for fault, count in built.faults.items():
        click.echo(f"wrong queries, {fault}: {count:,}")
    click.echo(
        "\nTo train a generator with the settings of Chain-of-Knowledge's (LLaMA-2-7B, in rows of "
        "512 tokens, the loss on prompts too):\n"
        f"  xgen train sft sparql={target} --held-out sparql={held_out} --template {template} \\\n"
        "      --from MODEL -o runs/queries --lora rank=64,alpha=16,targets=query+value \\\n"
        "      --batch 64 --epochs 3 --length 1024 --set optimizer.learning_rate=1.41e-5 \\\n"
        "      --set optimizer.schedule=wsd --set optimizer.decay_fraction=1.0\n"
        "and to ask with it: xgen reason ask … --query-model sparql=local:runs/queries/checkpoints"
    )
