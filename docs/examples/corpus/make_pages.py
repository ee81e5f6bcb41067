"""Writes the small files that `docs/data` is about: `python make_pages.py`.

pages.jsonl    a made-up crawl: 320 rows of words as frequent as in the standard library's
               docstrings, with copies, near-copies, pages fetched twice, and things to be filtered
exam.jsonl     a made-up benchmark of two questions; the first is quoted in one of the pages
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

from xgen_core import Document
from xgen_data import SourceConfig
from xgen_data.sources import read_source

QUESTION = (
    "A farmer carried forty seven pears to the market in the morning and sold exactly nineteen of "
    "them before noon how many pears did he bring home"
)
OTHER = (
    "Which of the seven old bridges over the river did the committee build in the year of the "
    "great winter and who paid for the stones"
)
Row = dict[str, object]


def writer(seed: int) -> Callable[[], str]:
    """A function that writes another page of five paragraphs whenever it is called."""
    source = SourceConfig(name="docs", uri="python:stdlib-docs")
    documents = [item.text for item in read_source(source) if isinstance(item, Document)]
    words = re.findall(r"\b(?:[a-z]{2,12}|a)\b", " ".join(documents))
    draw = random.Random(seed)

    def sentence() -> str:
        return " ".join(draw.choices(words, k=draw.randint(8, 20))).capitalize() + "."

    return lambda: "\n\n".join(" ".join(sentence() for _ in range(5)) for _ in range(5))


def pages() -> list[Row]:
    """The crawl's rows."""
    page = writer(seed=1)

    def row(name: str, text: str, url: str = "", date: str = "2023-01-01") -> Row:
        meta = {"url": f"https://example.org/{url}", "date": date} if url else {}
        return {"text": text, "id": name, "meta": meta}

    texts = [page() for _ in range(300)]
    rows = [row(f"page-{i}", text, url=str(i)) for i, text in enumerate(texts)]
    rows += [row(f"again-{i}", texts[i], url=f"copy/{i}") for i in range(5)]
    rows += [row(f"near-{i}", f"{texts[i]} The end.", url=f"near/{i}") for i in range(10, 18)]
    rows += [row(f"newer-{i}", page(), f"{i}/?utm_source=feed", "2023-06-01") for i in (40, 41, 42)]
    rows.append(row("mail", f"Write to anna.smith@mail-host.org, or look at 198.41.0.4. {page()}"))
    rows.append(row("german", "Ein kurzer Satz, den in dieser Sammlung niemand haben will. " * 12))
    rows.append(row("exam", f"{page()}\n\n{QUESTION}? Twenty eight."))
    rows.append(row("short", "short text of a page"))
    return rows


def write(path: str, rows: list[Row]) -> None:
    """One row a line."""
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


if __name__ == "__main__":
    write("pages.jsonl", pages())
    write("exam.jsonl", [{"question": QUESTION}, {"question": OTHER}])
