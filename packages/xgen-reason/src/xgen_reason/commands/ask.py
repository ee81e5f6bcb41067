"""`xgen reason ask`: one question, its answer, and what the answer rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xgen_core.command.calls import call_options
from xgen_reason.commands.options import method_options

if TYPE_CHECKING:
    from xgen_reason.result import Edit, Result

__all__ = ["answer_text", "ask_question"]


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
def ask_question(
    question: str,
    model: str,
    method: str,
    sources: tuple[str, ...],
    domains: tuple[str, ...],
    prompts: str | None,
    shots: int,
    chat: bool,
    seed: int,
    settings: tuple[str, ...],
    query_uris: tuple[str, ...],
    max_cost: float | None,
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

    from xgen_core import ModelError
    from xgen_core.command.calls import budget_of, prices_of
    from xgen_reason.commands.options import domain_sources, limits_with, plans_text, query_models
    from xgen_reason.configuration import Configuration
    from xgen_reason.planning import plan_questions
    from xgen_reason.question import Question
    from xgen_reason.result import Result
    from xgen_reason.runs import run_questions

    if not question.strip():
        raise click.UsageError("the question is empty")
    configuration = Configuration(
        model=model,
        method=method,
        settings=settings,
        prompts=prompts or "general",
        shots=shots,
        chat=chat,
        seed=seed,
        sources=sources,
        domains=domain_sources(domains),
        query_models=query_models(query_uris),
    )
    asked = [Question(id="question", text=question)]
    budget = budget_of(limits_with(limits, max_cost), prices)
    with tempfile.TemporaryDirectory() as passing:
        directory = output or passing
        if dry_run:
            plans = asyncio.run(plan_questions(configuration, asked, output=directory))
            click.echo(plans_text(plans, prices))
            return
        (finished,) = asyncio.run(
            run_questions(
                configuration, asked, output=directory, budget=budget, prices=prices_of(prices)
            )
        ).finished
    if not isinstance(finished.outcome, Result):
        raise ModelError(finished.outcome.reason)
    if as_json:
        click.echo(json.dumps(finished.outcome.to_json(), indent=2, ensure_ascii=False))
        return
    click.echo(answer_text(finished.outcome))


def answer_text(result: Result) -> str:
    """A result for people: every stage in order, citations by number."""
    from xgen_core.report.visible import visible
    from xgen_reason.citations import cite, mark, set_aside
    from xgen_reason.trace import route_text

    cited = cite(result)
    lines = [result.answer or "no answer", "", route_text(result)]
    if result.samples:
        stated = " · ".join(f"{vote.count} × {vote.answer}" for vote in result.votes)
        silent = sum(not chain.answer for chain in result.samples)
        lines.append(
            f"{len(result.samples)} samples: {stated}" + (f" · {silent} × none" if silent else "")
        )
    edits = {edit.step: edit for edit in result.edits}
    steps = max(len(result.chain.steps), *edits, 0)
    if steps:
        lines.append("")
    for number in range(1, steps + 1):
        if number in edits:
            lines += _edit_lines(edits[number], mark(cited, number))
        else:
            lines.append(f"{number:>3}.   {result.chain.steps[number - 1]}")
    if cited:
        lines += ["", "Sources"]
    for citation in cited:
        piece = citation.evidence
        parts = (piece.source, piece.title, piece.locator)
        place = " · ".join(dict.fromkeys(part for part in parts if part))
        lines.append(f"{f'[{citation.number}]':>5} {place}")
        if piece.retrieved:
            lines.append(f"      retrieved {piece.retrieved}")
        lines.append(f"      {_one_line(piece.text)}")
    aside = set_aside(result)
    if aside:
        lines += ["", "Not shown to the model, since it reads like an order"]
    for item in aside:
        place = f"{item.evidence.source} · {item.evidence.locator}"
        lines.append(f"    ⚠ step {item.step}: {place}: {item.evidence.suspicious}")
        lines.append(f"      {_one_line(item.evidence.text)}")
    if result.notes:
        lines += ["", *(f"note: {note}" for note in result.notes)]
    read = sum(call.prompt_tokens for call in result.calls)
    written = sum(call.completion_tokens for call in result.calls)
    asked = sum(len(call.texts) for call in result.calls)
    lines += ["", f"{asked} calls, {read:,} tokens read, {written:,} written"]
    return visible("\n".join(lines))  # it comes from models and from the web: no control characters


def _edit_lines(edit: Edit, marks: str) -> list[str]:
    lines = [f"{edit.step:>3}. {'-' if edit.changed else ' '} {edit.before}"]
    if edit.question:
        lines.append(f"     ? {_one_line(edit.question)}")
    for found in edit.found:
        attempts = [(a.text, a.outcome) for a in found.attempts]
        if not attempts or found.failure:
            outcome = found.failure or ("found" if found.evidence else "empty")
            attempts.append((found.query.text, outcome))
        lines += [f"     > {found.source}: {_one_line(t)} ({o})" for t, o in attempts]
    if edit.changed:
        lines.append(f"     + {edit.after} {marks}".rstrip())
    elif marks:
        lines.append(f"     = confirmed by {marks}")
    if edit.reason:
        lines.append(f"     ! {edit.reason}")
    return lines


def _one_line(text: str) -> str:
    return " ".join(text.split())
