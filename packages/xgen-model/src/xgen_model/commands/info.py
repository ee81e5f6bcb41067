"""`xgen model info`: sizes and costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from xgen_model.config import ModelConfig

__all__ = ["info"]


@click.command()
@click.argument("name")
@click.option("--parameters", is_flag=True, help="List every parameter and its shape.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def info(name: str, parameters: bool, as_json: bool) -> None:
    """Sizes and costs of NAME: a preset, a checkpoint, or a Hugging Face directory.

    \b
    Example:
      xgen model info xgen-7b-8k
      xgen model info runs/quickstart/checkpoints --json
      xgen model info downloads/xgen-7b-8k-base --parameters
    """
    from xgen_model.parameters import parameter_shapes
    from xgen_model.presets import preset

    config, found = _open(name) if Path(name).is_dir() else (preset(name), {})
    facts = _facts(config) | found
    shapes = parameter_shapes(config) if parameters else {}
    if as_json:
        listed = {"shapes": {n: list(s) for n, s in shapes.items()}} if parameters else {}
        click.echo(json.dumps(facts | listed, indent=2))
        return
    for key, value in facts.items():
        shown = f"{value:,}" if isinstance(value, int) and value >= 10_000 else value
        click.echo(f"{key:<26} {shown}")
    width = max((len(n) for n in shapes), default=0)
    for parameter, shape in shapes.items():
        click.echo(f"{parameter:<{width}}  [{', '.join(map(str, shape))}]")


def _open(name: str) -> tuple[ModelConfig, dict[str, object]]:
    from xgen_core.errors import XgenError
    from xgen_model.source import open_source

    opened = open_source(name)
    facts: dict[str, object] = {"identity": opened.identity}
    if opened.store is not None:
        facts |= {"step": opened.step, "steps": opened.store.steps()}
        return opened.config, facts | {"tokenizer": opened.tokenizer_fingerprint}
    if opened.tokenizer_directory is None:
        return opened.config, facts | {"tokenizer": None}
    try:
        tokenizer = opened.open_tokenizer()
    except XgenError as error:  # sizes are worth showing even so
        return opened.config, facts | {"tokenizer": f"not readable here: {error}"}
    return opened.fitted(tokenizer).config, facts | {"tokenizer": tokenizer.fingerprint}


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
