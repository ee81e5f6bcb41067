"""`xgen distill compare`: evaluations of several students in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from xgen_distill.evaluation import EvaluationResults

__all__ = ["compare_students"]


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, metavar="[NAME=]RUN...")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def compare_students(runs: tuple[str, ...], as_json: bool) -> None:
    """Tabulate evaluations of several students, the paper's table below them.

    \b
    Example:
      xgen distill compare StanD=runs/e-stand PERsD=runs/e-persd PERsD-refine=runs/e-refine
    """
    import json
    from pathlib import Path

    from xgen_distill.evaluation import read_evaluation
    from xgen_distill.evaluation.tables import comparison_table
    from xgen_eval.analysis.terminal import paragraph, table_text

    evaluations: dict[str, EvaluationResults] = {}
    for run in runs:
        name, equals, path = run.partition("=")
        label = name if equals else Path(run).name
        if label in evaluations:
            raise click.UsageError(f"two students are called {label!r}: give NAME=RUN")
        evaluations[label] = read_evaluation(path if equals else run)
    table = comparison_table(evaluations)
    if as_json:
        click.echo(json.dumps(table.to_json(), indent=2, ensure_ascii=False))
        return
    click.echo(f"{table_text(table)}\n\n{paragraph(table.caption)}")
