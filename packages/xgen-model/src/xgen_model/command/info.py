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
