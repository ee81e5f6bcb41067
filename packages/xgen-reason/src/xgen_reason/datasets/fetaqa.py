"""FeTaQA (Nan et al. 2022): questions about tables of Wikipedia, answered by a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xgen_core import CodecError
from xgen_core.codec import decode
from xgen_eval.datasets import DataSet, Raw, read_rows
from xgen_reason.question import Question, Table

__all__ = ["read_fetaqa"]


def read_fetaqa(path: Path) -> Iterator[Question]:
    """The release's JSON lines; a table is titled by its page and section.

    Raises:
        InputError: see `read_questions`.
    """
    return read_rows(DataSet(name="fetaqa", row=Question, parse=_parse), [path])


def _parse(raw: Raw) -> Question:
    rows = decode(tuple[tuple[str, ...], ...], raw.value("table_array"), "table_array")
    if len(rows) < 2:
        raise CodecError(f"table_array: expected headings and rows, got {len(rows)} rows")
    titles = (raw.text("table_page_title"), raw.text("table_section_title", empty=True))
    return Question(
        id=f"{raw.value('feta_id')}",
        text=raw.text("question"),
        kind="sentence",
        table=Table(columns=rows[0], rows=rows[1:], title=", ".join(filter(None, titles))),
        golds=(raw.text("answer"),),
    )
