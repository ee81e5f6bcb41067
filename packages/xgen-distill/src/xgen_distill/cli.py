"""`xgen distill`: from a student's failures to a better student."""

from __future__ import annotations

import click

from xgen_distill.commands.build import build
from xgen_distill.commands.compare import compare_students
from xgen_distill.commands.decontaminate import decontaminate
from xgen_distill.commands.evaluate import evaluate
from xgen_distill.commands.generate import generate
from xgen_distill.commands.run import run
from xgen_distill.commands.tasks import prepare_tasks

__all__ = ["distill"]


@click.group("distill")
def distill() -> None:
    """Personalised distillation: a student tries, tests speak, a teacher repairs.

    \b
    Example:
      xgen distill run tasks.jsonl --student local:runs/base --teacher openai:gpt-4o-mini -o runs/d
      xgen distill build runs/d
    """


for command in (
    generate,
    prepare_tasks,
    run,
    build,
    decontaminate,
    evaluate,
    compare_students,
):
    distill.add_command(command)
