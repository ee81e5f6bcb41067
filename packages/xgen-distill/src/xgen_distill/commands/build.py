"""`xgen distill build`: the sets of a finished run built again, and exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from xgen_distill.sets import SetCounts

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
      xgen distill build runs/d --combined direct --export chat
      xgen distill build runs/d --set examples=1 -o sets-with-an-example
    """
    import asyncio
    from pathlib import Path

    from xgen_core.recipe import apply_settings
    from xgen_distill.rebuilding import rebuild
    from xgen_distill.sets import export_rows
    from xgen_distill.stored_run import StoredRun

    stored = StoredRun(run)
    sets = asyncio.run(
        rebuild(
            stored,
            output=output,
            template=apply_settings(stored.recipe.template, settings),
            combined=combined,
            union=union,
            workers=workers,
            allow_weak=unsafe,
        )
    )
    home = Path(output) if output else Path(run) / "sets"
    for form in exports:
        for name, rows in sets.rows.items():
            export_rows(home / f"{name}.{form}.jsonl", rows, form)
    if as_json:
        click.echo((home / "counts.json").read_text("utf-8"), nl=False)
        return
    click.echo(f"{_text(sets.counts)}\n\n{home}")


def _text(counts: SetCounts) -> str:
    """Counts for people: the sets, what was changed in them, and what became no row."""
    lines = [f"{'set':<16}{'rows':>8}{'tasks':>8}"]
    lines += [f"{name:<16}{of.rows:>8,}{of.tasks:>8,}" for name, of in counts.sets.items()]
    for name, of in counts.sets.items():
        lines += [f"{name}: {n:,} × {change}" for change, n in of.repaired.items()]
        lines += [f"{name}: {of.same:,} left out, the same as another row"] if of.same else []
    for source, reasons in counts.rejected.items():
        lines += [f"{source} became no row: {n:,} × {reason}" for reason, n in reasons.items()]
    return "\n".join(lines)
