"""`xgen model`: look at, make, and use models."""

from __future__ import annotations

import click

from xgen_model.commands.export import export
from xgen_model.commands.generate import generate
from xgen_model.commands.import_ import import_command
from xgen_model.commands.info import info
from xgen_model.commands.init import init
from xgen_model.commands.score import score
from xgen_model.commands.serve import serve

__all__ = ["model"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def model() -> None:
    """Look at, make and use models.

    \b
    Example:
      xgen model info xgen-7b-8k
      xgen model generate runs/quickstart --prompt "def main("
    """


for command in (info, init, import_command, export, generate, score, serve):
    model.add_command(command)
