"""Questions with their SPARQL queries, in the forms in which data sets publish them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from xgen_core import InputError
from xgen_core.files import read_json, read_jsonl
from xgen_core.records import Record

__all__ = ["QueriedQuestion", "read_label_table", "read_queried_questions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueriedQuestion(Record):
    """A question, and the query that answers it.

    Attributes:
        id: name of its file and its id there, `qald_10/7` say.
        texts: wordings of it, at least one.
        query: SPARQL with ids.
    """

    id: str
    texts: tuple[str, ...]
    query: str


def read_queried_questions(path: Path, *, language: str = "en") -> Iterator[QueriedQuestion]:
    """The questions of a file.

    QALD's JSON, LC-QuAD 2.0's JSON, or JSONL of `{"id", "question", "query"}`.

    Args:
        path: of the file.
        language: of the wordings, where it has several.

    Raises:
        InputError: it is none of these, or an entry lacks something; names the entry.
    """
    if path.suffix in (".jsonl", ".gz"):
        rows: list[Any] = list(read_jsonl(path))
    else:
        content = read_json(path)
        rows = content.get("questions", []) if isinstance(content, dict) else content
    if not isinstance(rows, list) or not rows:
        raise InputError(
            f"{path}: no questions: expected QALD's JSON, LC-QuAD 2.0's JSON, or JSONL of "
            "id, question and query"
        )
    for number, row in enumerate(rows, 1):
        try:
            found = _read(cast("Mapping[str, Any]", row), language, path.name.partition(".")[0])
        except (KeyError, TypeError, AttributeError):
            found = None
        if found is None:
            raise InputError(
                f"{path}: entry {number} is no question with a query, as QALD, LC-QuAD 2.0 or "
                f"JSONL of id, question and query have it: {row!r:.80}"
            )
        yield found


def read_label_table(path: Path) -> dict[str, str]:
    """Labels by id, from lines of `ID<tab>LABEL` or JSONL of `{"id", "label"}`.

    Raises:
        InputError: no such file, or a line is neither; names the line. Also an id with two labels.
    """
    pairs: Iterator[tuple[int, str, str]]
    if path.suffix in (".jsonl", ".gz"):
        pairs = ((n, *_entry(path, n, row)) for n, row in enumerate(read_jsonl(path), 1))
    else:
        pairs = _lines(path)
    table: dict[str, str] = {}
    for number, id, label in pairs:
        if table.setdefault(id, label) != label:
            raise InputError(f"{path}:{number}: {id} has two labels, {table[id]!r} and {label!r}")
    return table


def _read(row: Mapping[str, Any], language: str, stem: str) -> QueriedQuestion | None:
    if "sparql_wikidata" in row:
        texts = [row.get("question"), row.get("paraphrased_question")]
        texts = [text for text in texts if isinstance(text, str) and text.strip()]
        id, query = row["uid"], row["sparql_wikidata"]
    elif isinstance(row["question"], list):
        texts = [q["string"] for q in row["question"] if q["language"] == language]
        id, query = row["id"], row["query"]["sparql"]
    else:
        texts = [row["question"]]
        id, query = row["id"], row["query"]
    texts = [" ".join(text.split()) for text in texts]
    if not isinstance(query, str):
        return None
    texts = tuple(dict.fromkeys(filter(None, texts)))
    return QueriedQuestion(id=f"{stem}/{id}", texts=texts, query=query)


def _entry(path: Path, number: int, row: Any) -> tuple[str, str]:
    try:
        id, label = row["id"], row["label"]
    except (KeyError, TypeError):
        raise InputError(f"{path}: line {number} has no id and label: {row!r:.80}") from None
    return f"{id}", f"{label}"


def _lines(path: Path) -> Iterator[tuple[int, str, str]]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from error
    for number, line in enumerate(text.split("\n"), 1):
        id, tab, label = line.rstrip("\r").partition("\t")
        if not line.strip():
            continue
        if not tab or not id or not label.strip():
            raise InputError(f"{path}:{number}: expected an id, a tab and a label: {line!r:.80}")
        yield number, id, label
