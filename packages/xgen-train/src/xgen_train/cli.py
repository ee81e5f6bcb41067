"""`xgen train`: run recipes, plan them, tune models."""

from __future__ import annotations

import click

from xgen_train.commands.dpo import dpo
from xgen_train.commands.grpo import grpo
from xgen_train.commands.jobset import jobset
from xgen_train.commands.plan import plan
from xgen_train.commands.prompt import prompt
from xgen_train.commands.ray import ray
from xgen_train.commands.run import run
from xgen_train.commands.sft import sft

__all__ = ["train"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def train() -> None:
    """Train a model by recipe, with exact resume.

    \b
    Example:
      xgen train run xgen_train.recipes.quickstart:base --output runs/train
      xgen train plan xgen_train.recipes.xgen_7b:base --topology v4-256
    """


for command in (dpo, grpo, jobset, plan, prompt, ray, run, sft):
    train.add_command(command)
