"""`xgen ldp translate`: a file in one language, line by line into another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xgen_core.command.calls import call_options
from xgen_ldp.commands.options import (
    Choice,
    result_lines,
    say,
    translation_options,
    unknown_languages,
)

if TYPE_CHECKING:
    from xgen_core.codec import JSON
    from xgen_core.concurrency import Failure
    from xgen_ldp.line import Line
    from xgen_ldp.translation import Translation

__all__ = ["translate"]


@click.command("translate")
@click.argument("file")
@click.option("--from", "source", required=True, metavar="CODE", help="Language of FILE.")
@click.option("--to", "target", required=True, metavar="CODE", help="Language to translate into.")
@click.option(
    "--method", default="ldp", show_default=True, help="How; `xgen ldp run --help` lists them."
)
@click.option(
    "--parallel",
    nargs=2,
    type=click.Path(),
    metavar="SOURCE TARGET",
    help="Aligned files, translated by people, for methods that learn from such.",
)
@click.option(
    "--reference", type=click.Path(), help="FILE, translated by a person: scores are printed."
)
@translation_options
@click.option(
    "--keep-rejected", is_flag=True, help="Print translations too that were found to be wrong."
)
@click.option(
    "--output",
    "-o",
    type=click.Path(),
    help="A run directory, to ask the same again at no cost and to see it with `xgen report`.",
)
@call_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, with what was found.")
def translate(
    file: str,
    source: str,
    target: str,
    method: str,
    parallel: tuple[str, str] | None,
    reference: str | None,
    choice: Choice,
    keep_rejected: bool,
    output: str | None,
    limits: tuple[str, ...],
    prices: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Translate FILE (`-`: standard input) and print a line for each of its lines.

    A line that is empty there, whose translation was rejected or has failed, is an empty line; why
    is said on standard error.

    \b
    Example:
      xgen ldp translate --from npi --to en lines.txt -m openai:gpt-4o-mini
      xgen ldp translate --from en --to npi lines.txt -m openai:gpt-4o-mini \\
        --unlabelled npi=nepali.txt
    """
    import asyncio
    import json
    import tempfile

    from xgen_core import ModelError
    from xgen_core.command.calls import plan_text, prices_of
    from xgen_ldp.jobs import Job
    from xgen_ldp.languages import find_language
    from xgen_ldp.line import Direction
    from xgen_ldp.planning import plan_jobs
    from xgen_ldp.runs import translate_jobs
    from xgen_ldp.source import read_source
    from xgen_ldp.texts import read_parallel
    from xgen_ldp.translation import Translation

    languages = find_language(source), find_language(target)
    if languages[0] == languages[1]:
        raise click.UsageError(f"--from and --to are both {languages[0].name}")
    direction = Direction(source=languages[0], target=languages[1])
    text = read_source(file, reference)
    texts = choice.texts()
    say((*unknown_languages(languages), *text.notes, *texts.notes))
    known = read_parallel(*parallel, direction) if parallel else ()
    jobs = [Job(direction=direction, lines=text.lines, parallel=known)]
    configuration = choice.configuration([method])
    budget = choice.budget(limits, prices)
    with tempfile.TemporaryDirectory() as passing:
        directory = output or passing
        if dry_run:
            plan, unprepared = asyncio.run(
                plan_jobs(configuration, jobs, output=directory, texts=texts)
            )
            click.echo(plan_text(plan, prices))
            say([failure.reason for failure in unprepared.values()])
            return
        finished = asyncio.run(
            translate_jobs(
                configuration,
                jobs,
                output=directory,
                texts=texts,
                concurrency=choice.concurrency,
                budget=budget,
                prices=prices_of(prices),
            )
        )
    [outcome] = finished.outcomes
    rows = {line.id: made for line, made in outcome.rows}
    shown: list[str] = []
    for number, line in enumerate(text.places, 1):
        made = None if line is None else rows[line.id]
        if as_json:
            row = _row(f"{text.name}:{number}", line, made)
            shown.append(json.dumps(row, ensure_ascii=False))
        else:
            wanted = isinstance(made, Translation) and (made.accepted or keep_rejected)
            shown.append(_plain(made.text) if wanted else "")
    click.echo("\n".join(shown))
    say(result_lines(finished.results))
    if not any(isinstance(made, Translation) for made in rows.values()):
        why = next(iter(finished.results.arms[0].failed))
        raise ModelError(f"all {len(rows)} lines failed: {why}")


def _row(identity: str, line: Line | None, made: Translation | Failure | None) -> dict[str, JSON]:
    from xgen_ldp.translation import Translation

    row: dict[str, JSON] = {"id": identity, "source": line.text if line else ""}
    if not isinstance(made, Translation):
        error = f"{made.kind}: {made.reason}" if made else "nothing to translate"
        return {**row, "translation": "", "accepted": False, "error": error}
    return {
        **row,
        "translation": made.text,
        "english": made.last.english,
        "accepted": made.accepted,
        "findings": [finding.to_json() for finding in made.last.findings],
        "notes": list(made.last.notes),
        "attempts": len(made.attempts),
    }


def _plain(text: str) -> str:
    """One line, without what a terminal would take for an order."""
    from xgen_core.report.visible import visible

    return visible(" ".join(text.splitlines()))
