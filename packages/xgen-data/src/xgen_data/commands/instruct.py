"""`xgen data instruct` and `xgen data encode`: from published instruction data to a token store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

import click

__all__ = ["encode", "instruct"]


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path())
@click.option("--output", "-o", required=True, type=click.Path(), help="A new directory.")
@click.option(
    "--form",
    type=click.Choice(
        ["alpaca", "evol", "sharegpt", "messages", "dolly", "oasst", "oasst-trees", "example"]
    ),
    help="How the files are laid out; found out by default.",
)
@click.option("--licence", default="", help="Noted in every example.")
@click.option(
    "--near",
    type=click.FloatRange(0, 1),
    default=0.8,
    show_default=True,
    help="Least similarity of inputs that are compared for conflicting answers.",
)
@click.option(
    "--inconsistent",
    type=click.Choice(["keep", "drop"]),
    default="keep",
    show_default=True,
    help="Only report inconsistent examples, or leave out the surest as well.",
)
@click.option(
    "--hold-out",
    "level",
    type=click.Choice(["instance", "task", "task_type"]),
    default="instance",
    show_default=True,
    help="What the validation file holds: single examples, whole tasks, or types of tasks.",
)
@click.option("--fraction", type=click.FloatRange(0, 1), default=0.05, show_default=True)
@click.option(
    "--held-out", multiple=True, metavar="NAME", help="Name tasks (or types) to hold out."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--skip-damaged", is_flag=True, help="Count rows that cannot be read and go on.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def instruct(
    files: Sequence[str],
    output: str,
    form: str | None,
    licence: str,
    near: float,
    inconsistent: Literal["keep", "drop"],
    level: Literal["instance", "task", "task_type"],
    fraction: float,
    held_out: Sequence[str],
    seed: int,
    skip_damaged: bool,
    as_json: bool,
) -> None:
    """Prepare instruction data: FILES in published layouts become examples.

    Alpaca, WizardLM (evol), ShareGPT, OpenAI messages, Dolly and OASST are read. OUTPUT gets
    train.jsonl, validation.jsonl, inconsistencies.jsonl (conflicting answers and doubtful labels,
    the surest first) and summary.json.

    \b
    Example:
      xgen data instruct alpaca_data.json dolly.jsonl -o runs/instruct
      xgen data instruct flan.jsonl -o runs/flan --hold-out task_type --fraction 0.1
    """
    from pathlib import Path
    from typing import cast

    from xgen_data.instruction import Form, Preparation, prepare

    settings = Preparation(
        form=cast("Form | None", form),
        licence=licence,
        near=near,
        inconsistent=inconsistent,
        level=level,
        fraction=fraction,
        held_out=tuple(held_out),
        seed=seed,
        skip_damaged=skip_damaged,
    )
    summary = prepare([Path(file) for file in files], output, settings)
    if as_json:
        click.echo(json.dumps(summary.to_json(), ensure_ascii=False))
        return
    for count in summary.files:
        click.echo(f"{count.file}: {count.read:,} read")
    for drop in summary.drops:
        click.echo(f"  dropped {drop.count:,}: {drop.reason} (such as {drop.example})")
    for found in summary.conflicts:
        click.echo(f"  conflicts, {found.kind}: {found.count:,}")
    for written in summary.outputs:
        click.echo(f"{output}/{written.file}: {written.examples:,} examples")


@click.command()
@click.argument("examples", type=click.Path())
@click.option("--output", "-o", required=True, type=click.Path(), help="The store's directory.")
@click.option(
    "--tokenizer",
    default="xgen:instruct",
    show_default=True,
    help="Name, directory or URI; with a chat template, unless --template gives one.",
)
@click.option(
    "--template",
    metavar="FILE",
    type=click.Path(),
    help="A chat template as JSON; the tokenizer's own by default.",
)
@click.option("--max-tokens", type=click.IntRange(0), default=0, help="Longest example; 0: any.")
@click.option(
    "--overlong",
    type=click.Choice(["drop", "truncate"]),
    default="drop",
    show_default=True,
    help="Drop longer examples, or leave out their oldest turns.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def encode(
    examples: str,
    output: str,
    tokenizer: str,
    template: str | None,
    max_tokens: int,
    overlong: Literal["drop", "truncate"],
    as_json: bool,
) -> None:
    """Encode EXAMPLES, a directory by xgen data instruct or a JSONL file, into a token store.

    The store holds a loss mask beside the ids: the loss falls on answers and their end.

    \b
    Example:
      xgen data encode runs/instruct -o runs/instruct-tokens --max-tokens 2048 --overlong truncate
    """
    from pathlib import Path

    from xgen_core import ChatTemplate, InputError, open_tokenizer
    from xgen_core.files import read_json
    from xgen_data.instruction import build_examples
    from xgen_data.sections import token_table
    from xgen_data.store import TokenStore
    from xgen_data.tables import show_tables

    opened = open_tokenizer(tokenizer)
    chosen = getattr(opened, "template", None)
    if template is not None:
        chosen = ChatTemplate.from_json(read_json(template))
    if chosen is None:
        raise InputError(f"tokenizer {opened.name!r} has no chat template: give --template FILE")
    where = Path(examples)
    train = where / "train.jsonl" if where.is_dir() else where
    held_out = where / "validation.jsonl"
    name = where.name.partition(".")[0] or "examples"
    store = build_examples(
        {name: train},
        output,
        template=chosen,
        tokenizer=opened,
        validation={name: held_out} if held_out.is_file() else None,
        max_tokens=max_tokens,
        overlong=overlong,
    )
    show_tables({"tokens": token_table(TokenStore.open(store).manifest)}, as_json)
