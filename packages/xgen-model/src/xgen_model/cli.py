"""`xgen model`: look at, make, and use models."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xgen_core.errors import InputError

if TYPE_CHECKING:
    from xgen_core.protocols import Model, ScoringModel
    from xgen_core.records import Completion, GenerationRequest, Score, ScoreRequest
    from xgen_model.config import ModelConfig

__all__ = ["model"]

_BATCH = 64


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def model() -> None:
    """Look at, make and use models.

    \b
    Example:
      xgen model info xgen-7b-8k
      xgen model generate runs/quickstart --prompt "def main("
    """


def _uri(name: str) -> str:
    """A bare directory means `local:`."""
    return f"local:{name}" if Path(name).is_dir() else name


@model.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def info(name: str, as_json: bool) -> None:
    """Sizes and costs of NAME, a preset or a checkpoint directory.

    \b
    Example:
      xgen model info xgen-7b-8k
      xgen model info runs/quickstart/checkpoints --json
    """
    from xgen_model.presets import preset

    if Path(name).is_dir():
        from xgen_model.local import find_checkpoint

        store, step = find_checkpoint(name)
        facts = _facts(store.config)
        facts |= {"step": step, "identity": store.identity(step), "steps": store.steps()}
        facts |= {"tokenizer": store.tokenizer_fingerprint}
    else:
        facts = _facts(preset(name))
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    for key, value in facts.items():
        shown = f"{value:,}" if isinstance(value, int) and value >= 10_000 else value
        click.echo(f"{key:<26} {shown}")


def _facts(config: ModelConfig) -> dict[str, object]:
    from xgen_model.presets import parameter_count, training_flops_per_token

    count = parameter_count(config)
    shape = config.to_json()
    return {
        "parameters": count,
        "float32_bytes": 4 * count,
        "training_flops_per_token": training_flops_per_token(config, config.context_length),
        **shape,
    }


@model.command()
@click.argument("preset_name", metavar="PRESET")
@click.option("--tokenizer", required=True, help="A tokenizer directory, or a name like xgen.")
@click.option("--output", "-o", required=True, type=click.Path(), help="The new checkpoint.")
@click.option("--seed", default=0, show_default=True, help="Of the initial weights.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Change a size.")
def init(
    preset_name: str, tokenizer: str, output: str, seed: int, settings: tuple[str, ...]
) -> None:
    """Make a fresh checkpoint of PRESET, its vocabulary made to fit the tokenizer.

    \b
    Example:
      xgen model init tiny --tokenizer tokenizers/mine -o models/tiny --set n_layers=2
    """
    import tempfile
    from dataclasses import replace

    from xgen_core.lm import open_tokenizer
    from xgen_core.recipe import apply_settings
    from xgen_model.checkpoint import CheckpointStore
    from xgen_model.model import create
    from xgen_model.presets import parameter_count, preset

    opened = open_tokenizer(tokenizer)
    config = preset(preset_name)
    if config.n_tokens != opened.vocab_size:
        rows = -(-opened.vocab_size // 128) * 128  # so that a mesh can divide them
        config = replace(config, vocab_size=rows, n_tokens=opened.vocab_size)
    config = apply_settings(config, settings)
    target = Path(output)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target} exists already: choose another name or remove it first")
    with tempfile.TemporaryDirectory() as scratch:
        opened.save(Path(scratch) / "tokenizer")
        store = CheckpointStore.create(
            target,
            config,
            tokenizer=Path(scratch) / "tokenizer",
            tokenizer_fingerprint=opened.fingerprint,
        )
    store.save(0, create(config, seed), meta={"seed": seed, "preset": preset_name})
    click.echo(f"{target}: {parameter_count(config):,} parameters, step 0")


@model.command()
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
    completions = asyncio.run(_generate(open_model(_uri(name)), request))
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


@model.command()
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
    opened = open_model(_uri(name), needs="score")
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
