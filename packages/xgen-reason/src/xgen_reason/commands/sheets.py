"""`xgen reason sheets`: two runs' chains for people to judge blind, and what they preferred."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from xgen_reason.evaluation.sheets import Preferences

__all__ = ["sheets"]


@click.group("sheets")
def sheets() -> None:
    """Let people judge which of two runs reasons more factually.

    \b
    Example:
      xgen reason sheets make hotpotqa dev.json runs/sc runs/ve -o sheet.csv --key key.jsonl
      xgen reason sheets read key.jsonl ann.csv bo.csv
    """


@sheets.command("make")
@click.argument("dataset")
@click.argument("file", type=click.Path())
@click.argument("first", type=click.Path())
@click.argument("second", type=click.Path())
@click.option("--output", "-o", required=True, type=click.Path(), help="The sheet, a CSV file.")
@click.option("--key", required=True, type=click.Path(), help="Which run is which; keep it apart.")
@click.option(
    "--count", type=click.IntRange(min=1), default=50, show_default=True, help="Rows at most."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draw.")
def make_sheet(
    dataset: str, file: str, first: str, second: str, output: str, key: str, count: int, seed: int
) -> None:
    """Write a blind sheet of two runs over the questions of FILE, which has the form of DATASET.

    Give each person a copy; they write A, B or tie in its last column.

    \b
    Example:
      xgen reason sheets make hotpotqa dev.json runs/sc runs/ve -o sheet.csv --key key.jsonl
    """
    from pathlib import Path

    from xgen_reason.datasets import read_questions
    from xgen_reason.evaluation.results import read_results
    from xgen_reason.evaluation.sheets import write_sheet

    rows = write_sheet(
        read_questions(dataset, file),
        read_results(Path(first)),
        read_results(Path(second)),
        names=(first, second),
        sheet=Path(output),
        key=Path(key),
        count=count,
        seed=seed,
    )
    click.echo(f"{output}: {rows} pairs of chains; {key} says which run is which")


@sheets.command("read")
@click.argument("key", type=click.Path())
@click.argument("filled", nargs=-1, required=True, type=click.Path(), metavar="SHEET...")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def read_filled(key: str, filled: tuple[str, ...], as_json: bool) -> None:
    """Count what people preferred in filled-in copies of a sheet, and how far they agree.

    \b
    Example:
      xgen reason sheets read key.jsonl ann.csv bo.csv
    """
    import json
    from pathlib import Path

    from xgen_reason.evaluation.sheets import read_sheets

    found = read_sheets(Path(key), [Path(path) for path in filled])
    click.echo(json.dumps(found.to_json(), indent=2) if as_json else _text(found, len(filled)))


def _text(found: Preferences, people: int) -> str:
    shares = [*zip(found.names, (found.first, found.second), strict=True), ("tie", found.tie)]
    width = max(len(name) for name, _ in shares)
    lines = [f"{name:<{width}}  {m.value:6.1%}  {m.uncertainty}" for name, m in shares]
    lines.append(f"{found.first.n} pairs of chains, {people} people, {found.blank} rows left empty")
    if people > 1:
        kappa = "none: chance alone agrees" if found.kappa is None else f"{found.kappa:.3f}"
        lines.append(f"Cohen's kappa {kappa}")
    return "\n".join(lines)
