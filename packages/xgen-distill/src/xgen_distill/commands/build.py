"""`xgen distill build`: the sets of a finished run built again, and exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from xgen_distill.rebuilding import Rebuilt

__all__ = ["build"]


@click.command("build")
@click.argument("run", metavar="RUN", type=click.Path())
@click.option(
    "--output",
    "-o",
    type=click.Path(),
    help="Where the sets go. Default: RUN/sets, and then RUN's figures and page are written anew.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Of the template: examples, request, longest; repeatable.",
)
@click.option(
    "--combined",
    type=click.Choice(["repair", "direct"]),
    default="repair",
    show_default=True,
    help="What persd-combined has beside persd-refine: repairs, or direct solutions.",
)
@click.option(
    "--union", is_flag=True, help="Of all rounds so far, where RUN went on from earlier ones."
)
@click.option(
    "--decontaminate",
    "-d",
    "benchmarks",
    multiple=True,
    metavar="[NAME=]FILE",
    help="Leave out what gives away a task of this benchmark: HumanEval, MBPP, or tasks of ours; "
    "repeatable.",
)
@click.option(
    "--export",
    "exports",
    multiple=True,
    type=click.Choice(["alpaca", "chat", "prompt-completion", "human-eval"]),
    help="Write every set in this layout too, as NAME.LAYOUT.jsonl; repeatable.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), help="Programs at one time. Default: two a processor."
)
@click.option("--unsafe", is_flag=True, help="Run programs even where the sandbox is not strict.")
@click.option("--json", "as_json", is_flag=True, help="Print counts.json instead of a table.")
def build(
    run: str,
    output: str | None,
    settings: tuple[str, ...],
    combined: Literal["repair", "direct"],
    union: bool,
    benchmarks: tuple[str, ...],
    exports: tuple[Literal["alpaca", "chat", "prompt-completion", "human-eval"], ...],
    workers: int | None,
    unsafe: bool,
    as_json: bool,
) -> None:
    """Build all seven sets of a finished RUN again; no model is asked.

    Every row is executed as it will be trained. A template that differs from the run's is for
    training only if inference gets the same one.

    \b
    Example:
      xgen distill build runs/d --combined direct --export chat --decontaminate HumanEval.jsonl.gz
      xgen distill build runs/d --set examples=1 -o sets-with-an-example
    """
    import asyncio
    from pathlib import Path

    from xgen_core.recipe import apply_settings
    from xgen_distill.commands.decontaminate import read_benchmarks
    from xgen_distill.rebuilding import rebuild
    from xgen_distill.sets import export_rows
    from xgen_distill.stored_run import StoredRun

    stored = StoredRun(run)
    rebuilt = asyncio.run(
        rebuild(
            stored,
            output=output,
            template=apply_settings(stored.recipe.template, settings),
            combined=combined,
            union=union,
            benchmarks=read_benchmarks(benchmarks)[0],
            workers=workers,
            allow_weak=unsafe,
        )
    )
    home = Path(output) if output else Path(run) / "sets"
    for form in exports:
        for name, rows in rebuilt.sets.rows.items():
            export_rows(home / f"{name}.{form}.jsonl", rows, form)
    if rebuilt.contamination is not None:
        rebuilt.contamination.write(home / "overlap")
    if as_json:
        click.echo((home / "counts.json").read_text("utf-8"), nl=False)
        return
    click.echo(f"{_text(rebuilt)}\n\n{home}")


def _text(rebuilt: Rebuilt) -> str:
    """Counts for people: the sets, what was changed in their solutions, what became no row."""
    counts = rebuilt.sets.counts
    lines = [f"{'set':<16}{'rows':>8}{'tasks':>8}"]
    lines += [f"{name:<16}{of.rows:>8,}{of.tasks:>8,}" for name, of in counts.sets.items()]
    for what, of in (("direct", counts.sets["stand"]), ("repair", counts.sets["persd"])):
        lines += [f"changed {what}: {n:,} × {change}" for change, n in of.repaired.items()]
    for source, reasons in counts.rejected.items():
        lines += [f"rejected {source}: {n:,} × {reason}" for reason, n in reasons.items()]
    found = rebuilt.contamination
    if found is not None:
        lines.append(f"{len(found.clean):,} of {len(found.tasks):,} benchmark tasks were clean")
    return "\n".join(lines)
