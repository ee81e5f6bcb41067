"""`xgen eval compare`: do runs differ, and on which items?"""

from __future__ import annotations

import json

import click

__all__ = ["compare"]


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, type=click.Path())
@click.option("--task", "-t", "tasks", multiple=True, help="Only this task; repeatable.")
@click.option("--metric", "metrics", multiple=True, help="Only this metric; repeatable.")
@click.option(
    "--published",
    is_flag=False,
    flag_value="",
    metavar="[TABLE]",
    help="Put one run beside published numbers: of this table (a name, or a .toml file of your "
    "own), or of all that have one of its tasks.",
)
@click.option("--model", help="With --published TABLE: beside this model of it.")
@click.option(
    "--contamination",
    type=click.Path(),
    help="Findings of xgen data decontaminate: clean and dirty scores, and the comparison on clean "
    "items only.",
)
@click.option("--output", "-o", type=click.Path(), help="Run directory for the report page.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def compare(
    runs: tuple[str, ...],
    tasks: tuple[str, ...],
    metrics: tuple[str, ...],
    published: str | None,
    model: str | None,
    contamination: str | None,
    output: str | None,
    as_json: bool,
) -> None:
    """Compare runs item by item, each with the first, or one with published numbers.

    \b
    Example:
      xgen eval compare runs/base runs/tuned
      xgen eval compare runs/base runs/tuned --metric acc_norm -o runs/compared
      xgen report runs/compared
      xgen eval compare runs/base --published
      xgen eval compare runs/base --published zero_shot --model LLaMA-7b
    """
    if published is not None:
        from xgen_eval.commands.published import show_published

        if len(runs) != 1 or tasks or metrics or contamination:
            raise click.UsageError(
                "--published takes one run directory, and none of --task, "
                "--metric and --contamination"
            )
        show_published(runs[0], published, model or "", output, as_json)
        return
    if model is not None:
        raise click.UsageError("--model goes with --published")
    from xgen_eval.analysis.comparison import compare_runs
    from xgen_eval.analysis.comparison_page import comparison_table, evidence_table
    from xgen_eval.analysis.comparison_run import seen_items, write_comparison
    from xgen_eval.analysis.contamination import read_findings
    from xgen_eval.analysis.items import open_runs
    from xgen_eval.analysis.terminal import paragraph, table_text

    if len(runs) < 2:
        raise click.UsageError("give two run directories or more")
    opened = open_runs(runs)
    comparison = compare_runs(opened, tasks, metrics)
    findings = None if contamination is None else read_findings(contamination)
    seen = None if findings is None else seen_items(opened, comparison, findings)
    if output is not None:
        write_comparison(output, comparison, opened, seen)
    if as_json:
        body = comparison.to_json() | (seen.to_json() if seen else {})
        click.echo(json.dumps(body, indent=2, ensure_ascii=False))
        return
    tables = [comparison_table(comparison), evidence_table(comparison)]
    tables += seen.tables() if seen else []
    for table in tables:
        click.echo("\n".join([table_text(table), "", paragraph(table.caption), ""]))
    for note in comparison.notes:
        click.echo(paragraph(note))
    if output is not None:
        click.echo(f"\n{output}: xgen report {output}")
