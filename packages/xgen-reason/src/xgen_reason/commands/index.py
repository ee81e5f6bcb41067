"""`xgen reason index`: a text index of documents, for the sources `text:` and `tfidf:`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from xgen_reason.knowledge.passages import Fields

__all__ = ["index_documents"]


@click.command("index")
@click.argument("paths", nargs=-1, required=True, type=click.Path(), metavar="PATH...")
@click.option("--output", "-o", required=True, type=click.Path(), help="The index; replaced.")
@click.option(
    "--fields",
    default="",
    help="What JSON lines call their fields, where not id, title and text: id=qid,text=context.",
)
@click.option("--tfidf", is_flag=True, help="Also make the vectors for tfidf:INDEX.")
@click.option("--json", "as_json", is_flag=True, help="Print what the index holds as JSON.")
def index_documents(
    paths: tuple[str, ...], output: str, fields: str, tfidf: bool, as_json: bool
) -> None:
    """Index .txt, .md and .jsonl files, and directories of them.

    \b
    Example:
      xgen reason index notes/ -o notes.db
      xgen reason index wiki.jsonl -o wiki.db --fields id=url,text=body --tfidf
    """
    import json
    from pathlib import Path

    from xgen_core.codec import encode
    from xgen_reason.knowledge.index import build_index

    named = _fields(fields)
    summary = build_index([Path(path) for path in paths], Path(output), fields=named)
    if tfidf:
        from xgen_reason.knowledge.tfidf import build_tfidf

        build_tfidf(Path(output))
    if as_json:
        click.echo(json.dumps(encode(summary), indent=2))
        return
    click.echo(
        f"{output}: {summary.documents:,} documents, {summary.passages:,} passages, "
        f"{summary.sentences:,} sentences; {summary.fingerprint[:12]}"
    )
    if summary.empty:
        click.echo(f"{summary.empty:,} documents hold no text and are left out")


def _fields(written: str) -> Fields:
    import dataclasses

    from xgen_core.codec import unknown_name
    from xgen_reason.knowledge.passages import Fields

    known = tuple(field.name for field in dataclasses.fields(Fields))
    names: dict[str, str] = {}
    for part in filter(None, written.split(",")):
        ours, equals, theirs = part.partition("=")
        if not equals or not theirs:
            raise click.UsageError(f"--fields takes id=NAME,title=NAME,text=NAME, not {part!r}")
        if ours not in known:
            raise click.UsageError(f"--fields: {unknown_name(ours, known, 'field')}")
        names[ours] = theirs
    return Fields(**names)
