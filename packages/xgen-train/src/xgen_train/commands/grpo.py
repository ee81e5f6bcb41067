"""`xgen train grpo`: learning from rewards."""

from __future__ import annotations

import json
from pathlib import Path

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

__all__ = ["grpo"]


@click.command()
@click.argument("source", metavar="FILE|RECIPE")
@start_option(
    "The run, checkpoint or Hugging Face directory to tune; it is the reference too.",
    required=False,
)
@click.option("--reward", metavar="FUNCTION", help="module:function or file.py:function.")
@output_option
@lora_option
@template_option
@settings_option("steps=200, group=16 or kl=0")
@tensorboard_option
@show_option
@json_option
def grpo(
    source: str,
    start: str | None,
    reward: str | None,
    output: str,
    lora: str | None,
    template: str | None,
    settings: tuple[str, ...],
    tensorboard: bool | None,
    show: bool,
    as_json: bool,
) -> None:
    """Let a model answer the prompts of FILE and learn from what a reward says of its answers.

    FILE is JSON lines of examples: {id, messages, metadata}. FUNCTION(example, answers) gives a
    number for each answer to a prompt. RECIPE (module:function or file.py:function) says all of it
    in Python. The same command again takes up an interrupted run.

    \b
    Example:
      xgen train grpo sums.jsonl --from runs/sft --reward sums.py:is_right --output runs/grpo
      xgen train grpo mine.py:recipe --output runs/grpo
    """
    import dataclasses

    from xgen_core.codec import encode
    from xgen_core.recipe import apply_settings, load_recipe
    from xgen_train.distributed import joined
    from xgen_train.reinforcement.recipe import GrpoRecipe
    from xgen_train.reinforcement.trainer import grpo_recipe, train_grpo

    if ":" in source and not Path(source).exists():
        if start or reward or lora or template:
            raise click.UsageError("a recipe says itself what --from, --reward and the rest say")
        recipe = load_recipe(source, GrpoRecipe)
    elif start is None or reward is None:
        raise click.UsageError("a FILE of prompts needs --from MODEL and --reward FUNCTION")
    else:
        recipe = grpo_recipe(source, start, reward, lora=parse_lora(lora))
        if template is not None:
            recipe = dataclasses.replace(recipe, template=template)
    recipe = apply_settings(recipe, settings)
    if show:
        show_recipe(recipe)
        return
    with joined():
        result = train_grpo(recipe, output, tensorboard=tensorboard)
    if as_json:
        click.echo(json.dumps(encode(result)))
        return
    for reason, count in result.dropped.items():
        click.echo(f"{count} prompts dropped: {reason}")
    click.echo(
        f"{result.prompts} prompts, {result.steps} steps: mean reward {result.first_reward:.3f} → "
        f"{result.reward:.3f}, KL {result.kl:.4f} nats a token\n"
        f"model: local:{result.checkpoint}"
    )
