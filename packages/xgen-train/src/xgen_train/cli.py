"""`xgen train`: run recipes, plan them, tune models."""

from __future__ import annotations

import click

from xgen_train.commands.prompt import prompt
from xgen_train.commands.run import run
from xgen_train.commands.sft import sft

__all__ = ["train"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def train() -> None:
    """Train a model by recipe, with exact resume.

    \b
    Example:
      xgen train run xgen_train.recipes.quickstart:base --output runs/train
    """


for command in (run, sft, prompt):
    train.add_command(command)
