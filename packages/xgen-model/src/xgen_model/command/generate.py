"""`xgen model generate`: continue a prompt."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING

import click

from xgen_model.command.uri import model_uri

if TYPE_CHECKING:
    from xgen_core.protocols import Model
    from xgen_core.records import Completion, GenerationRequest

__all__ = ["generate"]


@click.command()
@click.argument("name", metavar="MODEL")
@click.option("--prompt", required=True, help="What to continue; - reads standard input.")
@click.option("--max-tokens", default=128, show_default=True, help="New tokens at most.")
@click.option("--temperature", default=0.0, show_default=True, help="0 is greedy.")
@click.option("--top-p", default=1.0, show_default=True, help="Nucleus probability.")
@click.option("--top-k", default=0, show_default=True, help="Likeliest tokens kept; 0 is all.")
@click.option("--samples", "-n", default=1, show_default=True, help="How many continuations.")
@click.option("--seed", default=0, show_default=True, help="Of the first sample.")
@click.option("--stop", multiple=True, help="A text that ends the continuation.")
@click.option("--json", "as_json", is_flag=True, help="Print the completions as JSON.")
def generate(
    name: str,
    prompt: str,
    max_tokens: int,
    temperature: float,
    top_p: float,
    top_k: int,
    samples: int,
    seed: int,
    stop: tuple[str, ...],
    as_json: bool,
) -> None:
    """Continue a prompt with MODEL, a model URI or a checkpoint directory.

    \b
    Example:
      xgen model generate models/tiny --prompt "import " --max-tokens 64 --temperature 0.8
    """
    from xgen_core.lm import open_model
    from xgen_core.records import GenerationRequest

    text = sys.stdin.read() if prompt == "-" else prompt
    try:
        request = GenerationRequest(
            prompt=text,
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
            n=samples,
            seed=seed,
            stop=stop,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    begun = time.monotonic()
    completions = asyncio.run(_generate(open_model(model_uri(name)), request))
    if as_json:
        click.echo(json.dumps([c.to_json() for c in completions], indent=2, ensure_ascii=False))
        return
    for completion in completions:
        click.echo(text + completion.text)
    tokens = sum(c.completion_tokens for c in completions)
    click.echo(f"{tokens} tokens in {time.monotonic() - begun:.1f} s, compiling included", err=True)


async def _generate(opened: Model, request: GenerationRequest) -> list[Completion]:
    async with opened:
        return await opened.generate(request)
