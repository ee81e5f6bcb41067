"""`xgen eval list`: which tasks there are."""

from __future__ import annotations

import json

import click

__all__ = ["list_tasks"]


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
    for task in tasks:
        click.echo(f"{task.name:<{width}}  {task.needs:<8}  {task.summary}")
