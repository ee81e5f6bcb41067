"""`xgen reason`: questions answered by chains of thought that knowledge has verified."""

from __future__ import annotations

import click

from xgen_reason.commands.ask import ask
from xgen_reason.commands.calibrate import calibrate
from xgen_reason.commands.index import index_documents
from xgen_reason.commands.queries import queries
from xgen_reason.commands.run import run_dataset
from xgen_reason.commands.sheets import sheets

__all__ = ["reason"]


@click.group("reason")
def reason() -> None:
    """Answer questions by chains of thought that knowledge verifies and edits.

    \b
    Example:
      xgen reason index notes/ -o notes.db
      xgen reason ask "Where was she born?" --model openai:gpt-4o-mini --source text:notes.db
    """


for command in (ask, calibrate, index_documents, queries, run_dataset, sheets):
    reason.add_command(command)
