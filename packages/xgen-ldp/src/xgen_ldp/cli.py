"""`xgen ldp`: translation by linguistically diverse prompts."""

from __future__ import annotations

import click

from xgen_ldp.commands.languages import languages
from xgen_ldp.commands.run import run_corpus
from xgen_ldp.commands.score import score
from xgen_ldp.commands.summarize import summarize_articles
from xgen_ldp.commands.synthesize import synthesize_examples
from xgen_ldp.commands.translate import translate

__all__ = ["ldp"]


@click.group("ldp")
def ldp() -> None:
    """Translate languages that nobody has parallel data for.

    \b
    Example:
      xgen ldp translate --from npi --to en lines.txt -m openai:gpt-4o-mini
    """


for command in (translate, run_corpus, synthesize_examples, score, summarize_articles, languages):
    ldp.add_command(command)
