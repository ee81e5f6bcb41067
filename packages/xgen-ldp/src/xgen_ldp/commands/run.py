"""`xgen ldp run`: many directions and methods over a corpus, with resume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xgen_core.command.calls import call_options
from xgen_ldp.commands.options import (
    Choice,
    language_files,
    result_lines,
    say,
    scoring_options,
    translation_options,
    unknown_languages,
)

if TYPE_CHECKING:
    from xgen_ldp.evaluation import Scoring

__all__ = ["run_corpus"]


@click.command("run")
@click.argument("corpus", type=click.Path())
@click.option(
    "--pairs", multiple=True, metavar="FROM-TO,…", help="Directions, such as npi-eng; repeatable."
)
@click.option(
    "--group",
    "groups",
    multiple=True,
    help="Languages that `xgen ldp languages` knows as indic13, afri21 or high; repeatable.",
)
@click.option("--into", metavar="CODE", help="Translate those of --group into this language.")
@click.option("--from", "out_of", metavar="CODE", help="Translate from this language into those.")
@click.option(
    "--method",
    "methods",
    multiple=True,
    default=("ldp",),
    show_default=True,
    metavar="[NAME=]METHOD",
    help="ldp, zero-shot, few-shot, xlt, pivot or naive-reverse; repeatable. The first is what the "
    "others are compared with.",
)
@click.option(
    "--hypotheses",
    multiple=True,
    metavar="NAME=PATH",
    help="Another system's output, NLLB's say: a file, or a directory with npi_Deva-eng_Latn.txt "
    "for each direction; repeatable.",
)
@click.option(
    "--lines",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="How many lines of the corpus, drawn by --seed; the same of all languages.",
)
@click.option(
    "--sample", type=click.Path(), help="These lines: a lines.txt of another run, an id a line."
)
@translation_options
@scoring_options
@click.option("--output", "-o", required=True, type=click.Path(), help="The run directory.")
@call_options
@click.option("--json", "as_json", is_flag=True, help="Print results.json instead of a summary.")
def run_corpus(
    corpus: str,
    pairs: tuple[str, ...],
    groups: tuple[str, ...],
    into: str | None,
    out_of: str | None,
    methods: tuple[str, ...],
    hypotheses: tuple[str, ...],
    lines: int,
    sample: str | None,
    choice: Choice,
    scoring: Scoring,
    output: str,
    limits: tuple[str, ...],
    prices: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Translate lines of CORPUS in many directions by many methods; the same again resumes.

    CORPUS is the directory of FLORES-200, of NTREX-128, or of aligned files CODE.txt. Unlabelled
    text that is not given comes from the corpus's lines that are not translated (FLORES-200: from
    its dev split), and so do the pairs of few-shot. No line that is translated, and no translation
    of one, stands in any prompt of the run.

    \b
    Example:
      xgen ldp run flores200/ --group indic13 --into eng --from eng -m openai:gpt-4o-mini \\
        --method few-shot --method ldp -o runs/indic
      xgen report runs/indic
    """
    import asyncio
    from dataclasses import replace
    from pathlib import Path

    from xgen_core import ModelError
    from xgen_core.command.calls import plan_text, prices_of
    from xgen_ldp.corpora import open_corpus
    from xgen_ldp.corpus_jobs import CorpusJobs, learning_corpus
    from xgen_ldp.directions import chosen_directions
    from xgen_ldp.planning import plan_jobs
    from xgen_ldp.runs import translate_jobs
    from xgen_ldp.sample import draw_sample, read_sample

    opened = open_corpus(corpus)
    directions, missing = chosen_directions(
        pairs, groups, into=into, out_of=out_of, available=opened.languages
    )
    chosen = CorpusJobs(
        corpus=opened,
        sample=(
            read_sample(sample, opened.ids)
            if sample
            else draw_sample(opened.ids, lines, choice.seed)
        ),
        learning=learning_corpus(corpus, opened),
        directions=tuple(directions),
    )
    jobs = chosen.jobs
    given = choice.texts()
    texts = replace(
        given,
        origins={**given.origins, "others": chosen.origin},
        notes=(*given.notes, *chosen.notes),
    ).knowing(jobs)
    named = [language for way in directions for language in (way.source, way.target)]
    say((*unknown_languages(named), *missing, *texts.notes))
    configuration = choice.configuration(methods)
    others = language_files("--hypotheses", hypotheses)
    budget = choice.budget(limits, prices)
    if dry_run:
        plan, unprepared = asyncio.run(plan_jobs(configuration, jobs, output=output, texts=texts))
        click.echo(plan_text(plan, prices))
        say([f"{name}: {failure.reason}" for name, failure in unprepared.items()])
        return
    finished = asyncio.run(
        translate_jobs(
            configuration,
            jobs,
            output=output,
            texts=texts,
            files=chosen.files,
            hypotheses=others,
            scoring=scoring,
            concurrency=choice.concurrency,
            budget=budget,
            prices=prices_of(prices),
        )
    )
    path = Path(output) / "results.json"
    if as_json:
        click.echo(path.read_text("utf-8"), nl=False)
    else:
        click.echo("\n".join([*result_lines(finished.results), "", f"{path}"]))
    if not any(True for outcome in finished.outcomes for _ in outcome.translations):
        why = next(iter(finished.results.arms[0].failed))
        raise ModelError(f"all translations failed: {why}")
