"""`xgen eval canaries`: sentences with random secrets, to put into training data."""

from __future__ import annotations

import click

__all__ = ["canaries"]


@click.command("canaries")
@click.option("--output", "-o", required=True, type=click.Path(), help="The .jsonl file to write.")
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Canaries for each number of copies.",
)
@click.option(
    "--copies",
    type=click.IntRange(min=1),
    multiple=True,
    default=(1,),
    show_default=True,
    help="How often each stands in the file; repeatable.",
)
@click.option(
    "--digits", type=click.IntRange(1, 18), default=9, show_default=True, help="Of a secret."
)
@click.option("--seed", default=0, show_default=True, help="Decides names and secrets.")
def canaries(output: str, count: int, copies: tuple[int, ...], digits: int, seed: int) -> None:
    """Write canaries as documents: train on them, then run the task canary_exposure.

    Deduplication would leave one copy of each: add the file to the data after it.

    \b
    Example:
      xgen eval canaries -o canaries.jsonl --count 20 --copies 1 --copies 4 --copies 16
      xgen eval run --model local:MODEL --task canary_exposure --documents canaries.jsonl -o OUT
    """
    from xgen_core.files import write_jsonl
    from xgen_eval.seeded.canaries import canary_documents, make_canaries

    made = make_canaries(count, seed=seed, digits=digits, copies=tuple(dict.fromkeys(copies)))
    rows = write_jsonl(output, (document.to_json() for document in canary_documents(made)))
    click.echo(f"{len(made)} canaries in {rows} documents: {output}")
