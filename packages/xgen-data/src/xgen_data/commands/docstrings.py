"""`xgen data docstrings`: instruction pairs that every machine has."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["docstrings"]


@click.command()
@click.option("--output", "-o", required=True, type=click.Path(), help="The JSONL file.")
def docstrings(output: str) -> None:
    """Write questions and answers from the standard library's docstrings, one example a line.

    What a function does is asked by its name and signature; the answer is the first paragraph of
    its docstring. The task of an example is its module.

    \b
    Example:
      xgen data docstrings -o runs/docstrings.jsonl
      xgen data instruct runs/docstrings.jsonl --hold-out task -o runs/instruct
    """
    from xgen_core.progress import track
    from xgen_data.instruction import write_examples
    from xgen_data.instruction.docstrings import docstring_examples

    Path(output).parent.mkdir(parents=True, exist_ok=True)
    found = track(docstring_examples(), "docstrings", unit="examples")
    click.echo(f"{output}: {write_examples(output, found):,} examples")
