"""`xgen reason ask`: one question, its answer, and what the answer rests on."""

from __future__ import annotations

import click

from xgen_core.command.calls import call_options
from xgen_reason.commands.options import Choice, method_options, plans_text

__all__ = ["ask"]


@click.command("ask")
@click.argument("question")
@method_options
@click.option(
    "--output",
    "-o",
    type=click.Path(),
    help="A run directory, to ask the same again at no cost and to see it with `xgen report`.",
)
@call_options
@click.option("--json", "as_json", is_flag=True, help="Print the whole result as JSON.")
def ask(
    question: str,
    choice: Choice,
    output: str | None,
    limits: tuple[str, ...],
    prices: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Answer QUESTION; print the answer, its repaired chain, and the sources by number.

    \b
    Example:
      xgen reason index notes/ -o notes.db
      xgen reason ask "Where was Ada Lovelace born?" -m openai:gpt-4o-mini -s text:notes.db
    """
    import asyncio
    import json
    import tempfile

    from xgen_core.command.calls import prices_of
    from xgen_reason.planning import plan_questions
    from xgen_reason.question import Question
    from xgen_reason.runs import ask_question
    from xgen_reason.transcript import write_transcript

    if not question.strip():
        raise click.UsageError("the question is empty")
    configuration = choice.configuration("general")
    asked = Question(id="question", text=question)
    money = prices_of(prices)
    budget = choice.budget(limits, prices)
    with tempfile.TemporaryDirectory() as passing:
        directory = output or passing
        if dry_run:
            plans = asyncio.run(plan_questions(configuration, [asked], output=directory))
            click.echo(plans_text(plans, prices))
            return
        answered = asyncio.run(
            ask_question(configuration, asked, output=directory, budget=budget, prices=money)
        )
    if as_json:
        click.echo(json.dumps(answered.to_json(), indent=2, ensure_ascii=False))
        return
    click.echo(write_transcript(answered))
