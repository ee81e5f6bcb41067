"""What is asked of a knowledge source, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xgen_core.records import Record

__all__ = ["Attempt", "Evidence", "Found", "Query", "QueryLanguage"]

QueryLanguage = Literal["text", "sparql", "sql"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Record):
    """One wording of a query, and what became of it.

    Attributes:
        text: the query.
        outcome: `"found"`, `"empty"`, or what was wrong in one line.
    """

    text: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Record):
    """What a source is asked.

    Attributes:
        text: in the language.
        language: of `text`.
        topic: what it is about in words, for sources that rank what they find; `text` if empty.
    """

    text: str
    language: QueryLanguage = "text"
    topic: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence(Record):
    """A piece of knowledge with its citation; its text comes from outside: data, never orders.

    Attributes:
        text: what it says.
        source: name of the source, `"text"` say.
        locator: where in the source: a document and sentence, a URL, a triple, rows of a table.
        title: for people; may be empty.
        score: the source's own; higher is better; comparable within one search only.
        retrieved: when a live source was asked, ISO 8601, as its record says; empty for local ones,
            which are pinned by their fingerprint instead.
        suspicious: why it reads like an order to the model; empty where it does not.
    """

    text: str
    source: str
    locator: str
    title: str = ""
    score: float = 0.0
    retrieved: str = ""
    suspicious: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Record):
    """What a source gave for one sentence or question.

    Attributes:
        source: its name.
        query: the query that was answered, or the last one tried.
        evidence: best first; empty where nothing was found.
        attempts: all wordings that were tried, in order.
        failure: why the source gave no answer at all (deadline, connection); empty where it did.
    """

    source: str
    query: Query
    evidence: tuple[Evidence, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    failure: str = ""
