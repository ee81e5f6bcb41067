"""`xgen model score`: how likely a text is."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xgen_core.errors import InputError
from xgen_model.commands.uri import model_uri

if TYPE_CHECKING:
    from xgen_core.protocols import ScoringModel
    from xgen_core.records import Score, ScoreRequest

__all__ = ["score"]


_BATCH = 64


@click.command()
@click.argument("name", metavar="MODEL")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON score a request.")
def score(name: str, file: str, as_json: bool) -> None:
    """How likely MODEL finds FILE.

    A .jsonl FILE holds one score request a line, {"context": …, "continuation": …}; any other,
    or - for standard input, is one text, scored from its beginning.

    \b
    Example:
      xgen model score models/tiny README.md
      xgen model score models/tiny requests.jsonl --json
    """
    from xgen_core.files import read_jsonl
    from xgen_core.lm import open_model
    from xgen_core.records import ScoreRequest

    if file.endswith(".jsonl"):
        requests = list(read_jsonl(file, ScoreRequest.from_json))
    else:
        text = _read_text(file)
        requests = [ScoreRequest(context="", continuation=text)] if text else []
    if not requests:
        raise InputError(f"{file}: nothing to score in it")
    opened = open_model(model_uri(name), needs="score")
    scores = asyncio.run(_score(opened, requests))  # type: ignore[arg-type]
    if as_json:
        for found in scores:
            click.echo(json.dumps(found.to_json()))
        return
    tokens = sum(len(s.token_logprobs) for s in scores)
    size = sum(sum(s.byte_lengths) for s in scores)
    nats = -sum(s.logprob for s in scores)
    bits = f"{nats / 0.6931471805599453 / size:.4f} bits a byte, " if size else ""
    click.echo(f"{nats / tokens:.4f} nats a token, {bits}{tokens:,} tokens, {size:,} bytes")


def _read_text(file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).read_text("utf-8")
    except FileNotFoundError:
        raise InputError(f"{file}: no such file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 text: {error}") from error


async def _score(opened: ScoringModel, requests: list[ScoreRequest]) -> list[Score]:
    from xgen_core.progress import Progress

    scores: list[Score] = []
    with Progress("scoring", len(requests), unit="requests") as progress:
        async with opened:
            for start in range(0, len(requests), _BATCH):
                part = requests[start : start + _BATCH]
                scores += await opened.score(part)
                progress.advance(len(part))
    return scores
