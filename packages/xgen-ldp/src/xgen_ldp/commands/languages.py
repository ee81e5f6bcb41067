"""`xgen ldp languages`: what languages there are, and their codes."""

from __future__ import annotations

import click

__all__ = ["languages"]


@click.command("languages")
@click.argument("group", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def languages(group: str | None, as_json: bool) -> None:
    """List the languages that have a name here, or those of GROUP: indic13, afri21 or high.

    A code that is not in the list can be translated too.

    \b
    Example:
      xgen ldp languages afri21
    """
    import json

    from xgen_ldp.languages import language_group
    from xgen_ldp.languages.language import known_languages

    for language in language_group(group) if group else known_languages():
        if as_json:
            click.echo(json.dumps(language.to_json(), ensure_ascii=False))
        else:
            click.echo(f"{language.code}  {language.name:<20} {', '.join(language.codes)}")
