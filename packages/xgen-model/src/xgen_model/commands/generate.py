"""`xgen model generate`: continue prompts."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from xgen_model.commands.uri import model_uri

if TYPE_CHECKING:
    from xgen_core.protocols import Model
    from xgen_core.records import Completion, GenerationRequest

__all__ = ["generate"]

_AT_ONCE = 32


@click.command()
@click.argument("name", metavar="MODEL")
@click.option("--prompt", help="What to continue; - reads standard input.")
@click.option("--prompts", type=click.Path(), help='A JSONL file, {"prompt": …} a line.')
@click.option("--chat", is_flag=True, help="The prompt is a user's message in a conversation.")
@click.option("--max-tokens", default=128, show_default=True, help="New tokens at most.")
@click.option("--temperature", default=0.0, show_default=True, help="0 is greedy.")
@click.option("--top-p", default=1.0, show_default=True, help="Nucleus probability.")
@click.option("--top-k", default=0, show_default=True, help="Likeliest tokens kept; 0 is all.")
@click.option(
    "--repetition-penalty", default=1.0, show_default=True, help="Divides logits of known tokens."
)
@click.option("--samples", "-n", default=1, show_default=True, help="How many continuations.")
@click.option("--seed", default=0, show_default=True, help="Of the first sample.")
@click.option("--stop", multiple=True, help="A text that ends the continuation.")
@click.option("--logprobs", type=int, help="Report tokens with this many alternatives (JSON).")
@click.option(
    "--stream/--no-stream",
    default=None,
    help="Print while writing; by default where one sample goes to a terminal.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the completions as JSON.")
def generate(
    name: str,
    prompt: str | None,
    prompts: str | None,
    chat: bool,
    max_tokens: int,
    temperature: float,
    top_p: float,
    top_k: int,
    repetition_penalty: float,
    samples: int,
    seed: int,
    stop: tuple[str, ...],
    logprobs: int | None,
    stream: bool | None,
    as_json: bool,
) -> None:
    """Continue a prompt with MODEL, a model URI or a checkpoint directory.

    With --prompts the lines are requests: each may set fields of its own ("prompt" or "messages",
    "max_tokens", "temperature", "seed" …), the options are what the others take. One JSON object a
    line is printed, in the same order.

    \b
    Example:
      xgen model generate models/tiny --prompt "import " --max-tokens 64 --temperature 0.8
      xgen model generate models/tiny --prompts questions.jsonl --max-tokens 32 > answers.jsonl
    """
    from xgen_core.errors import CapabilityError
    from xgen_core.lm import open_model
    from xgen_core.records import GenerationRequest

    uri = model_uri(name)
    if stream and not uri.startswith("local:"):
        raise CapabilityError(f"{uri} is not streamed here: only a local: model is; drop --stream")
    if (prompt is None) == (prompts is None):
        raise click.UsageError("give either --prompt or --prompts")
    if stream and (samples > 1 or as_json or prompts is not None):
        raise click.UsageError("--stream prints one sample of one prompt as text")
    if logprobs is not None and not as_json and prompts is None:
        raise click.UsageError("--logprobs needs --json, which is where they are printed")
    text = sys.stdin.read() if prompt == "-" else prompt or ""
    try:
        request = _with_text(
            GenerationRequest(
                prompt="",
                max_tokens=max_tokens,
                temperature=temperature,
                top_p=top_p,
                top_k=top_k,
                n=samples,
                seed=seed,
                stop=stop,
                repetition_penalty=repetition_penalty,
                logprobs=logprobs,
            ),
            text,
            chat,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if prompts is not None:
        requests = _read(prompts, request, chat)
        asyncio.run(_answer_all(open_model(uri), requests))
        return
    live = sys.stdout.isatty() and samples == 1 and not as_json and uri.startswith("local:")
    live = live if stream is None else stream
    begun = time.monotonic()
    shown = "" if chat else text
    completions = asyncio.run(_answer(open_model(uri), request, shown, live))
    if as_json:
        click.echo(json.dumps([c.to_json() for c in completions], indent=2, ensure_ascii=False))
        return
    for completion in [] if live else completions:
        click.echo(shown + completion.text)
    tokens = sum(c.completion_tokens for c in completions)
    click.echo(f"{tokens} tokens in {time.monotonic() - begun:.1f} s, compiling included", err=True)


def _with_text(request: GenerationRequest, text: str, chat: bool) -> GenerationRequest:
    from xgen_core.records import Message

    if not chat:
        return replace(request, prompt=text)
    return replace(request, prompt=None, messages=(Message(role="user", content=text),))


def _read(file: str, options: GenerationRequest, chat: bool) -> list[GenerationRequest]:
    """The requests of a file, with the options where a line says nothing else."""
    from xgen_core.codec import CodecError
    from xgen_core.errors import InputError
    from xgen_core.files import read_jsonl
    from xgen_core.records import GenerationRequest

    defaults = replace(options, prompt="", messages=()).to_json()

    def parse(line: object) -> GenerationRequest:
        if not isinstance(line, Mapping) or ("prompt" in line) == ("messages" in line):
            raise CodecError('expected {"prompt": "…"} or {"messages": […]}')
        fields = {**defaults, "prompt": None, **line}
        request = GenerationRequest.from_json(fields)
        if chat and request.prompt is not None:
            return _with_text(request, request.prompt, chat)
        return request

    requests = list(read_jsonl(file, parse))
    if not requests:
        raise InputError(f"{file}: no prompts in it")
    return requests


async def _answer(
    opened: Model, request: GenerationRequest, shown: str, stream: bool
) -> list[Completion]:
    if not stream:
        async with opened:
            return await opened.generate(request)
    from xgen_model.local import LocalModel

    if not isinstance(opened, LocalModel):
        raise TypeError(f"a local: model is a LocalModel, got {opened!r}")
    async with opened:
        ids = opened.prompt_ids(request)
        click.echo(shown, nl=False)
        found = await opened.complete(ids, request, lambda _, text: click.echo(text, nl=False))
        click.echo()
        return found


async def _answer_all(opened: Model, requests: Sequence[GenerationRequest]) -> None:
    """Print an answer a line, in order; a few dozen prompts are on their way at one time."""
    from xgen_core.progress import Progress

    places = asyncio.Semaphore(_AT_ONCE)
    with Progress("generating", len(requests), unit="prompts") as progress:

        async def one(request: GenerationRequest) -> list[Completion]:
            async with places:
                found = await opened.generate(request)
            progress.advance()
            return found

        async with opened:
            tasks = [asyncio.create_task(one(request)) for request in requests]
            try:
                for request, task in zip(requests, tasks, strict=True):
                    completions = await task
                    click.echo(json.dumps(_line(request, completions), ensure_ascii=False))
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


def _line(request: GenerationRequest, completions: Sequence[Completion]) -> dict[str, object]:
    asked = request.to_json()
    text = "messages" if request.prompt is None else "prompt"
    return {text: asked[text], "completions": [c.to_json() for c in completions]}
