"""`xgen eval`: which tasks there are, how a model does on them, and whether two differ."""

from __future__ import annotations

import click

from xgen_eval.commands.canaries import canaries
from xgen_eval.commands.compare import compare
from xgen_eval.commands.data import data
from xgen_eval.commands.execute import execute_samples
from xgen_eval.commands.judge import judge
from xgen_eval.commands.list import list_tasks
from xgen_eval.commands.lm_eval import lm_eval
from xgen_eval.commands.run import run_tasks
from xgen_eval.commands.slice import slice_run

__all__ = ["evaluation"]


@click.group("eval")
def evaluation() -> None:
    """Evaluate language models, with the uncertainty beside every number.

    \b
    Example:
      xgen eval list
      xgen eval data add arc_challenge ARC-Challenge-Test.jsonl
      xgen eval run --model local:MODEL --task arc_challenge -o runs/eval
    """


for command in (
    canaries,
    compare,
    data,
    execute_samples,
    judge,
    list_tasks,
    lm_eval,
    run_tasks,
    slice_run,
):
    evaluation.add_command(command)
