"""`xgen tokenizer`: look at a vocabulary, use it, train a new one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xgen_core import InputError, open_tokenizer

if TYPE_CHECKING:
    from xgen_core import Tokenizer

__all__ = ["tokenizer"]

_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.group()
def tokenizer() -> None:
    """Look at a vocabulary, encode and decode with it, train a new one.

    TOKENIZER is `xgen` (XGen's own, no network needed) or a tokenizer directory.

    \b
    Example:
      xgen tokenizer encode xgen 'def f(x):'
      xgen tokenizer train corpus/ --vocab-size 8192 --output runs/tokenizer
    """


@tokenizer.command()
@click.argument("name", metavar="TOKENIZER")
@_JSON
def info(name: str, as_json: bool) -> None:
    """Say what TOKENIZER is: its size, special tokens, BOS and EOS, pattern, fingerprint.

    \b
    Example:
      xgen tokenizer info xgen
    """
    opened = open_tokenizer(name)
    names = {token_id: special for special, token_id in opened.special_ids.items()}
    facts: dict[str, object] = {
        "name": opened.name,
        "vocab_size": opened.vocab_size,
        "fingerprint": opened.fingerprint,
        "eos": names[opened.eos_id],
        "bos": None if opened.bos_id is None else names[opened.bos_id],
        "specials": dict(opened.special_ids),
        "longest_token_bytes": max(len(opened.token_bytes(i)) for i in range(opened.vocab_size)),
    }
    if as_json:
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    specials = [f"{token_id} {special}" for token_id, special in sorted(names.items())]
    rows = {
        "name": opened.name,
        "ids": f"{opened.vocab_size:,}",
        "end of text": f"{opened.eos_id} {facts['eos']}",
        "begin of text": "none" if opened.bos_id is None else f"{opened.bos_id} {facts['bos']}",
        "longest token": f"{facts['longest_token_bytes']} bytes",
        "fingerprint": opened.fingerprint,
        "special tokens": ("\n" + " " * 16).join(specials),
    }
    for label, value in rows.items():
        click.echo(f"{label:<14}  {value}")


@tokenizer.command()
@click.argument("name", metavar="TOKENIZER")
@click.argument("text", required=False, default="-")
@click.option("--specials", is_flag=True, help="Read names of special tokens as those tokens.")
@_JSON
def encode(name: str, text: str, specials: bool, as_json: bool) -> None:
    """Print the ids of TEXT; without TEXT, or with -, of standard input, final newline included.

    \b
    Example:
      xgen tokenizer encode xgen 'int add(int a, int b)'
      xgen tokenizer encode xgen --json < notes.txt
    """
    opened = open_tokenizer(name)
    try:
        ids = opened.encode(_standard_input() if text == "-" else text, specials=specials)
    except ValueError as error:  # bytes on the command line that are not UTF-8
        raise InputError(str(error)) from error
    if as_json:
        click.echo(json.dumps({"ids": ids, "pieces": [_piece(opened, i) for i in ids]}))
    else:
        click.echo(" ".join(map(str, ids)))


@tokenizer.command()
@click.argument("name", metavar="TOKENIZER")
@click.argument("ids", nargs=-1)
@_JSON
def decode(name: str, ids: tuple[str, ...], as_json: bool) -> None:
    """Print the text of IDS; without IDS, of those on standard input.

    \b
    Example:
      xgen tokenizer decode xgen 600 751 7 600
      xgen tokenizer encode xgen 'a round trip' | xgen tokenizer decode xgen
    """
    opened = open_tokenizer(name)
    words = ids or _standard_input().split()
    try:
        numbers = [int(word) for word in words]
    except ValueError:
        wrong = next(word for word in words if not word.lstrip("-").isdecimal())
        raise InputError(f"expected ids separated by spaces, got {wrong!r}") from None
    try:
        text = opened.decode(numbers)
    except ValueError as error:
        raise InputError(str(error)) from error
    click.echo(json.dumps({"text": text}, ensure_ascii=False) if as_json else text)


@tokenizer.command()
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--vocab-size", required=True, type=click.IntRange(min=1), help="Ids in all.")
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path), help="The new directory."
)
@click.option("--name", help="What to call it (default: the name of the output directory).")
@click.option(
    "--special",
    "specials",
    multiple=True,
    metavar="NAME",
    help="A special token besides <|endoftext|>; repeat for more (default: the four of FIM).",
)
@click.option("--bos/--no-bos", default=True, help="Begin documents with <|endoftext|> (default).")
@click.option(
    "--min-frequency",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="How often a pair must occur to be merged.",
)
@_JSON
def train(
    inputs: tuple[Path, ...],
    vocab_size: int,
    output: Path,
    name: str | None,
    specials: tuple[str, ...],
    bos: bool,
    min_frequency: int,
    as_json: bool,
) -> None:
    """Train a byte-level BPE vocabulary on INPUTS and write it to a directory.

    INPUTS are .txt files, .jsonl files whose lines have a "text", or directories of them.
    The same inputs give the same vocabulary; if the directory holds it already, nothing is written.

    \b
    Example:
      xgen tokenizer train corpus/ notes.jsonl --vocab-size 8192 --output runs/tokenizer
    """
    from xgen_tokenizer.job import TrainingJob

    result = TrainingJob(
        inputs=inputs,
        output=output,
        vocab_size=vocab_size,
        name=name or output.resolve().name,
        extra_specials=specials or None,
        bos=bos,
        min_frequency=min_frequency,
    ).run()
    if as_json:
        click.echo(json.dumps(result.to_json()))
        return
    click.echo(
        f"{result.vocab_size:,} ids learned from {result.corpus_bytes:,} bytes of text\n"
        f"{result.bytes_per_token:.3f} bytes per token on {result.measured_bytes:,} of them\n"
        f"{result.directory}" + ("" if result.written else " holds this vocabulary already")
    )


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"standard input is not UTF-8 text: {error.reason}") from error


def _piece(opened: Tokenizer, token_id: int) -> dict[str, str | None]:
    """A token's bytes in hexadecimal, and its text where the bytes are whole characters."""
    content = opened.token_bytes(token_id)
    try:
        return {"text": content.decode("utf-8"), "hex": content.hex()}
    except UnicodeDecodeError:
        return {"text": None, "hex": content.hex()}
