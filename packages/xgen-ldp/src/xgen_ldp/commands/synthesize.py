"""`xgen ldp synthesize`: unlabelled text into examples that a model is tuned on."""

from __future__ import annotations

import click

from xgen_core.command.calls import call_options
from xgen_ldp.commands.options import (
    Choice,
    result_lines,
    say,
    translation_options,
    unknown_languages,
)

__all__ = ["synthesize_examples"]


@click.command("synthesize")
@click.argument("file")
@click.option("--language", required=True, metavar="CODE", help="Language of FILE.")
@click.option(
    "--directions",
    type=click.Choice(("both", "into", "from")),
    default="both",
    show_default=True,
    help="Examples into English, from it, or both of each pair.",
)
@click.option("--method", default="ldp", show_default=True, help="By which the English is written.")
@click.option("--limit", type=click.IntRange(min=1), help="The first so many lines.")
@click.option(
    "--exclude",
    multiple=True,
    type=click.Path(),
    metavar="FILE",
    help="Lines that must not be learned from, those of a test set say; repeatable.",
)
@click.option(
    "--template",
    metavar="TEXT",
    help="What the user says in an example, with {source}, {target} and {text} in it. Default: "
    "what --method zero-shot asks.",
)
@translation_options
@click.option("--output", "-o", required=True, type=click.Path(), help="The run directory.")
@call_options
@click.option("--json", "as_json", is_flag=True, help="Print counts.json instead of a summary.")
def synthesize_examples(
    file: str,
    language: str,
    directions: str,
    method: str,
    limit: int | None,
    exclude: tuple[str, ...],
    template: str | None,
    choice: Choice,
    output: str,
    limits: tuple[str, ...],
    prices: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Translate the lines of FILE into English, keep the good ones, and make examples of them.

    examples.jsonl in the run directory is what `xgen train sft` reads.

    \b
    Example:
      xgen ldp synthesize nepali.txt --language npi -m openai:gpt-4o-mini -o runs/npi
      xgen train sft runs/npi/examples.jsonl --from runs/base -o runs/tuned \\
        --lora rank=16,targets=query+key+value
    """
    import asyncio
    import json
    from pathlib import Path

    from xgen_core.command.calls import plan_text, prices_of
    from xgen_core.run import Run
    from xgen_ldp.harvest import harvest_file
    from xgen_ldp.jobs import Job
    from xgen_ldp.languages import ENGLISH, find_language
    from xgen_ldp.line import Direction
    from xgen_ldp.planning import plan_jobs
    from xgen_ldp.runs import translate_jobs
    from xgen_ldp.source import read_source
    from xgen_ldp.synthesis import WAYS, Way, check_template, pairs_section, synthesize

    told = check_template(template) if template else ""
    source = find_language(language)
    if source == ENGLISH:
        raise click.UsageError("--language is the language that nobody has pairs for, not English")
    texts = choice.texts()
    unwanted = [line.text for path in exclude for line in read_source(path).lines]
    found = harvest_file(file, source, exclude=unwanted, limit=limit)
    say((*unknown_languages([source]), *texts.notes, *found.notes))
    jobs = [Job(direction=Direction(source=source, target=ENGLISH), lines=found.lines)]
    configuration = choice.configuration([method])
    budget = choice.budget(limits, prices)
    if dry_run:
        plan, unprepared = asyncio.run(plan_jobs(configuration, jobs, output=output, texts=texts))
        click.echo(plan_text(plan, prices))
        say([failure.reason for failure in unprepared.values()])
        return
    finished = asyncio.run(
        translate_jobs(
            configuration,
            jobs,
            output=output,
            texts=texts,
            concurrency=choice.concurrency,
            budget=budget,
            prices=prices_of(prices),
        )
    )
    run = Run.open(output)
    made = synthesize(finished.outcomes[0], model=run.recipe["model"]["identity"], read=found)
    run.write_section("05-pairs", pairs_section(made, found))
    ways: list[Way] = [way for way in WAYS if directions in ("both", way)]
    counts = made.write(Path(output), ways, told)
    if as_json:
        click.echo(json.dumps(counts))
        return
    say(result_lines(finished.results))
    click.echo(f"{counts['pairs']:,} pairs, {counts['examples']:,} examples")
    click.echo(Path(output) / "examples.jsonl")
