"""`xgen eval list`: which tasks there are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from xgen_eval.task import Task

__all__ = ["list_tasks"]

_GROUPS = {
    ("score", True): "Benchmarks by likelihood: need log-probabilities, and data (xgen eval data)",
    ("score", False): "Text and files of yours by likelihood: need log-probabilities",
    ("generate", True): "Benchmarks by generation: any model, and data (xgen eval data)",
    ("generate", False): "Made from a seed or from files of yours, by generation: any model",
}
"""Headings, by what the model must do and whether there is a data set to add."""


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the tasks as JSON.")
def list_tasks(as_json: bool) -> None:
    """List the installed tasks.

    \b
    Example:
      xgen eval list
    """
    from xgen_eval.task import load_task, task_names

    tasks = [load_task(name) for name in task_names()]
    if as_json:
        rows = [
            {"name": t.name, "variant": t.variant, "needs": t.needs, "summary": t.summary}
            for t in tasks
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    width = max((len(task.name) for task in tasks), default=0)
    blocks = [
        "\n".join(
            [heading, *(f"  {t.name:<{width}}  {t.summary}" for t in tasks if _kind(t) == kind)]
        )
        for kind, heading in _GROUPS.items()
        if any(_kind(t) == kind for t in tasks)
    ]
    click.echo("\n\n".join(blocks))


def _kind(task: Task) -> tuple[str, bool]:
    return task.needs, hasattr(task, "dataset")
