"""`xgen tokenizer`: look at a vocabulary, use it, train a new one, take it elsewhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xgen_core import InputError, open_tokenizer
from xgen_tokenizer.templates import TEMPLATES, specials_of

if TYPE_CHECKING:
    from xgen_core import Tokenizer
    from xgen_tokenizer.bpe import TiktokenTokenizer

__all__ = ["tokenizer"]

_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")

_TEMPLATE = click.option(
    "--template", type=click.Choice(sorted(TEMPLATES)), help="The chat template that goes with it."
)


@click.group()
def tokenizer() -> None:
    """Look at a vocabulary, encode and decode with it, train a new one.

    TOKENIZER is `xgen` (XGen's own, no network needed), a tokenizer directory, or a directory with
    a Hugging Face tokenizer.json of byte-level BPE. Large inputs are encoded by gigatoken where it
    is installed; `xgen:fast` and `xgen:tiktoken` insist on one.

    \b
    Example:
      xgen tokenizer encode xgen 'def f(x):'
      xgen tokenizer train corpus/ --vocab-size 8192 --output runs/tokenizer
      xgen tokenizer export xgen --output exported/
    """


@tokenizer.command()
@click.argument("name", metavar="TOKENIZER")
@_JSON
def info(name: str, as_json: bool) -> None:
    """Say what TOKENIZER is: size, special tokens, chat template, fingerprint, what encodes it.

    \b
    Example:
      xgen tokenizer info xgen
    """
    opened = open_tokenizer(name)
    names = {token_id: special for special, token_id in opened.special_ids.items()}
    template, backend = _extras(opened)
    facts: dict[str, object] = {
        "name": opened.name,
        "vocab_size": opened.vocab_size,
        "fingerprint": opened.fingerprint,
        "eos": names[opened.eos_id],
        "bos": None if opened.bos_id is None else names[opened.bos_id],
        "specials": dict(opened.special_ids),
        "template": template,
        "backend": {"name": backend[0], "reason": backend[1]},
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
        "chat template": template or "none",
        "backend": f"{backend[0]}: {backend[1]}",
        "fingerprint": opened.fingerprint,
        "special tokens": ("\n" + " " * 16).join(specials),
    }
    for label, value in rows.items():
        click.echo(f"{label:<14}  {value}")


def _extras(opened: Tokenizer) -> tuple[str | None, tuple[str, str]]:
    """Name of the chat template, and name of the backend with the reason for it."""
    from xgen_tokenizer.bpe import TiktokenTokenizer

    if not isinstance(opened, TiktokenTokenizer):
        return None, ("tokenizers", "its tokenizer.json holds more than a vocabulary of ours")
    template, backend = opened.template, opened.backend
    return template.name if template else None, (backend.name, backend.reason)


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
@_TEMPLATE
@_JSON
def train(
    inputs: tuple[Path, ...],
    vocab_size: int,
    output: Path,
    name: str | None,
    specials: tuple[str, ...],
    bos: bool,
    min_frequency: int,
    template: str | None,
    as_json: bool,
) -> None:
    """Train a byte-level BPE vocabulary on INPUTS and write it to a directory.

    INPUTS are .txt files, .jsonl files whose lines have a "text", or directories of them.
    The same inputs give the same vocabulary; if the directory holds it already, nothing is written.
    A chat template brings the special tokens that it needs.

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
        template=template,
    ).run()
    if as_json:
        click.echo(json.dumps(result.to_json()))
        return
    click.echo(
        f"{result.vocab_size:,} ids learned from {result.corpus_bytes:,} bytes of text\n"
        f"{result.bytes_per_token:.3f} bytes per token on {result.measured_bytes:,} of them\n"
        f"{result.directory}" + ("" if result.written else " holds this vocabulary already")
    )


@tokenizer.command()
@click.argument("name", metavar="TOKENIZER")
@click.option("--special", "specials", multiple=True, metavar="NAME", help="Repeat for more.")
@_TEMPLATE
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path), help="The new directory."
)
@_JSON
def extend(
    name: str, specials: tuple[str, ...], template: str | None, output: Path, as_json: bool
) -> None:
    """Copy TOKENIZER to a directory, with more special tokens or a chat template.

    All ids stay; new special tokens get the next ones (XGen-7B has 887 spare embedding rows). A
    chat template brings the special tokens that it needs.

    \b
    Example:
      xgen tokenizer extend xgen --template chatml --output runs/chatml
    """
    from xgen_tokenizer.bpe import TiktokenTokenizer

    opened = _ours(name)
    chosen = TEMPLATES[template] if template else opened.template
    needed = specials_of(chosen) if chosen else ()
    try:
        vocabulary = opened.vocabulary.extended((*specials, *needed))
    except ValueError as error:
        raise InputError(str(error)) from error
    made = TiktokenTokenizer(opened.name, vocabulary, template=chosen)
    made.save(output)
    if as_json:
        click.echo(json.dumps({"directory": str(output), "fingerprint": made.fingerprint}))
    else:
        click.echo(f"{output}: {made.vocab_size:,} ids, template {chosen and chosen.name}")


@tokenizer.command()
@click.argument("name", metavar="TOKENIZER")
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path), help="The new directory."
)
@_TEMPLATE
@click.option("--pad-token", metavar="NAME", help="Set a padding token (default: leave it unset).")
@click.option("--add-bos", is_flag=True, help="Have readers begin every text with BOS.")
@click.option(
    "--max-length", type=click.IntRange(min=1), help="model_max_length, in tokens (XGen-7B: 8192)."
)
@_JSON
def export(
    name: str,
    output: Path,
    template: str | None,
    pad_token: str | None,
    add_bos: bool,
    max_length: int | None,
    as_json: bool,
) -> None:
    """Write TOKENIZER as a Hugging Face tokenizer.json, with what transformers wants beside it.

    It loads there without remote code and gives equal ids; this is verified on the spot where the
    tokenizers library is installed. Mind that Hugging Face reads names of special tokens in any
    text as those tokens.

    \b
    Example:
      xgen tokenizer export xgen --template xgen --max-length 8192 --output exported/
    """
    from xgen_tokenizer.exporter import export as write

    result = write(
        _ours(name),
        output,
        template=TEMPLATES[template] if template else None,
        pad_token=pad_token,
        add_bos=add_bos,
        model_max_length=max_length,
    )
    if as_json:
        click.echo(json.dumps(result.to_json()))
        return
    verified = (
        f"verified: tokenizers gives equal ids on {result.verified_texts} texts"
        if result.verified_texts is not None
        else "not verified: pip install 'xgen-tokenizer[hf]' to have that done"
    )
    click.echo(f"{result.directory}: {result.vocab_size:,} ids\n{verified}")


def _ours(name: str) -> TiktokenTokenizer:
    from xgen_tokenizer.bpe import TiktokenTokenizer

    opened = open_tokenizer(name)
    if not isinstance(opened, TiktokenTokenizer):
        raise InputError(f"{name}: holds more than a vocabulary; copy its tokenizer.json as it is")
    return opened


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
