"""`xgen train dpo`: preferences between answers."""

from __future__ import annotations

import json

import click

from xgen_train.commands.lora import lora_option, parse_lora
from xgen_train.commands.options import (
    json_option,
    output_option,
    settings_option,
    show_option,
    show_recipe,
    start_option,
    template_option,
    tensorboard_option,
)

__all__ = ["dpo"]


@click.command()
@click.argument("file", type=click.Path())
@start_option(
    "The run, checkpoint or Hugging Face directory to tune; it is the reference too.",
    required=True,
)
@output_option
@click.option(
    "--beta",
    default=0.1,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="How strongly it is held to it.",
)
@click.option(
    "--epochs",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="How often each pair is read.",
)
@lora_option
@template_option
@settings_option("batch_pairs=16 or hold_out=0.05")
@tensorboard_option
@show_option
@json_option
def dpo(
    file: str,
    start: str,
    output: str,
    beta: float,
    epochs: int,
    lora: str | None,
    template: str | None,
    settings: tuple[str, ...],
    tensorboard: bool | None,
    show: bool,
    as_json: bool,
) -> None:
    """Tune a model on FILE, JSON lines of pairs: {id, prompt, chosen, rejected}.

    The prompt is a list of messages. The same command again takes up an interrupted run.

    \b
    Example:
      xgen train dpo pairs.jsonl --from runs/sft --output runs/dpo
      xgen train dpo pairs.jsonl --from runs/sft --lora rank=16,alpha=32 --output runs/dpo-lora
    """
    import dataclasses

    from xgen_core.codec import encode
    from xgen_core.recipe import apply_settings
    from xgen_train.distributed import joined, leads
    from xgen_train.preference.trainer import dpo_recipe, train_dpo

    recipe = dpo_recipe(file, start, lora=parse_lora(lora), beta=beta, epochs=epochs)
    if template is not None:
        recipe = dataclasses.replace(recipe, template=template)
    recipe = apply_settings(recipe, settings)
    if show:
        show_recipe(recipe)
        return
    with joined():
        result = train_dpo(recipe, output, tensorboard=tensorboard)
    if not leads():
        return
    if as_json:
        click.echo(json.dumps(encode(result)))
        return
    for reason, count in result.dropped.items():
        click.echo(f"{count} pairs dropped: {reason}")
    click.echo(
        f"{result.pairs} pairs, {result.steps} steps: loss {result.loss:.4f}, margin "
        f"{result.margin:.3f}, {100 * result.accuracy:.1f} % the right way round\n"
        f"model: local:{result.checkpoint}"
    )
