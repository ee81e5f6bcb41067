"""`xgen ldp summarize`: articles, in their own language."""

from __future__ import annotations

import click

from xgen_core.command.calls import call_options

__all__ = ["summarize_articles"]


@click.command("summarize")
@click.argument("file", type=click.Path())
@click.option("--language", required=True, help="Of the articles: npi_Deva, npi, ne or Nepali.")
@click.option("--model", "-m", required=True, help="scheme:rest, such as openai:NAME.")
@click.option(
    "--method",
    type=click.Choice(["ldp", "pivot", "zero-shot"]),
    default="ldp",
    show_default=True,
    help="Exemplars that came through English; English every time; a bare instruction.",
)
@click.option(
    "--unlabelled",
    type=click.Path(),
    help="Other articles of the language, of the same form, for ldp's exemplars; their summaries "
    "are not looked at.",
)
@click.option("--bank", type=click.Path(), help="Exemplars of your own for LDP's translation.")
@click.option(
    "--tags",
    type=click.Choice(["name", "generic", "none"]),
    default="name",
    show_default=True,
    help="What stands before a text in prompts.",
)
@click.option("--set", "settings", multiple=True, metavar="FIELD=VALUE", help="Of the method.")
@click.option("--seed", default=0, show_default=True, help="Of every choice and request.")
@click.option(
    "--chat/--no-chat",
    default=None,
    help="Send prompts as messages, to a model that chats only. Default: to openai:.",
)
@click.option("--limit", type=click.IntRange(min=1), help="The first so many articles.")
@click.option("--output", "-o", required=True, type=click.Path(), help="The run directory.")
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    help="Requests to an endpoint at one time.",
)
@call_options
@click.option("--json", "as_json", is_flag=True, help="Print results.json instead of a table.")
def summarize_articles(
    file: str,
    language: str,
    model: str,
    method: str,
    unlabelled: str | None,
    bank: str | None,
    tags: str,
    settings: tuple[str, ...],
    seed: int,
    chat: bool | None,
    limit: int | None,
    output: str,
    concurrency: int,
    limits: tuple[str, ...],
    prices: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Summarise the articles of FILE in their own language; the same again resumes.

    FILE is JSONL of {"id", "text", "summary"}, as XL-Sum's files are; where there are summaries,
    ROUGE is computed against them.

    \b
    Example:
      xgen ldp summarize test.jsonl --language npi --unlabelled train.jsonl \\
        -m openai:gpt-4o-mini -o runs/nepali
    """
    import asyncio
    from pathlib import Path
    from typing import cast

    from xgen_core import ModelError
    from xgen_core.command.calls import budget_of, plan_text, prices_of
    from xgen_core.concurrency import Failure
    from xgen_ldp.exemplars import open_bank
    from xgen_ldp.languages import find_language
    from xgen_ldp.prompts import Tags
    from xgen_ldp.summarization import (
        SummaryMaterial,
        load_summary_method,
        plan_summaries,
        read_articles,
        summarize,
    )

    articles = read_articles(file)[:limit]
    material = SummaryMaterial(
        language=find_language(language),
        unlabelled=read_articles(unlabelled) if unlabelled else (),
        bank=open_bank(bank),
        tags=cast("Tags", tags),
        seed=seed,
    )
    chosen = load_summary_method(method, settings)
    chats = model.startswith("openai:") if chat is None else chat
    budget = budget_of(limits, prices)
    if dry_run:
        plan = asyncio.run(
            plan_summaries(articles, material, chosen, model=model, output=output, chat=chats)
        )
        click.echo(plan_text(plan, prices))
        return
    finished = asyncio.run(
        summarize(
            articles,
            material,
            chosen,
            model=model,
            output=output,
            chat=chats,
            concurrency=concurrency,
            budget=budget,
            prices=prices_of(prices),
        )
    )
    reasons = [one.reason for one in finished.summaries if isinstance(one, Failure)]
    if len(reasons) == len(articles):
        raise ModelError(f"all {len(articles)} articles failed: {reasons[0]}")
    path = Path(output) / "results.json"
    if as_json:
        click.echo(path.read_text("utf-8"), nl=False)
        return
    click.echo(f"{finished.results.text()}\n\n{path}")
