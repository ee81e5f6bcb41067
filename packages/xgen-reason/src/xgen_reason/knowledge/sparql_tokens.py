"""SPARQL as tokens, so that a query is never changed or judged by its characters.

Nothing is lost: the tokens of a text, joined, are the text. Where SPARQL and the label form of
`xgen_reason.queries.label_form` would read differently, the caller says which of them it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

__all__ = [
    "ENTITY_PREFIX",
    "PROPERTY_PREFIXES",
    "Kind",
    "Token",
    "code",
    "join",
    "one_line",
    "tokenise",
]

Kind = Literal[
    "space",
    "comment",
    "string",
    "iri",
    "label",
    "variable",
    "language",
    "blank",
    "name",
    "number",
    "word",
    "symbol",
    "unknown",
]

ENTITY_PREFIX = "wd"
PROPERTY_PREFIXES = (
    *("wdt", "p", "ps", "psv", "psn", "pq", "pqv", "pqn", "pr", "prv", "prn"),
    *("wdno", "wdtn"),
)
"""Prefixes of Wikidata under which a property stands: direct, statement, qualifier, reference."""

_ESCAPED = r"%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?#@%]"
_LOCAL = rf"(?:[\w:]|{_ESCAPED})(?:(?:[\w.\-·:]|{_ESCAPED})*(?:[\w\-·:]|{_ESCAPED}))?"
_PREFIX = r"(?:[^\W\d_](?:[\w.\-·]*[\w\-·])?)?"
_CODE = r"\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}"
_FORMS: dict[Kind, str] = {
    "space": r"[ \t\r\n]+",
    "comment": r"#[^\r\n]*",
    "string": (
        r'"""(?:"{0,2}(?:[^"\\]|\\.))*"""' + r"|'''(?:'{0,2}(?:[^'\\]|\\.))*'''"
        r'|"(?:[^"\\\r\n]|\\.)*"' + r"|'(?:[^'\\\r\n]|\\.)*'"
    ),
    "iri": rf'<(?:[^<>"{{}}|^`\\\x00-\x20]|{_CODE})*>',
    "label": (rf"(?:{'|'.join((ENTITY_PREFIX, *PROPERTY_PREFIXES))}):/(?:[^/\\\r\n]|\\.)+/"),
    "variable": r"[?$]\w+",
    "language": r"@[A-Za-z]+(?:-[A-Za-z0-9]+)*",
    "blank": r"_:\w(?:[\w.\-·]*[\w\-·])?",
    "name": rf"{_PREFIX}:(?:{_LOCAL})?",
    "number": r"(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?",
    "word": r"[A-Za-z_]\w*",
    "symbol": r"\^\^|&&|\|\||!=|<=|>=|[{}()\[\];,.*/|^+\-!=<>?&]",
    "unknown": r".",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A piece of a query.

    Attributes:
        kind: `"word"` for keywords, functions, `a`, `true`; `"name"` for `wd:Q42`; `"label"` for
            `wd:/Douglas Adams/`; `"unknown"` for a character that begins nothing.
        text: as it stands there.
    """

    kind: Kind
    text: str

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these words, which are written in capitals here."""
        return self.kind == "word" and self.text.upper() in words


@cache
def _pattern(labels: bool) -> re.Pattern[str]:
    forms = [f"(?P<{kind}>{form})" for kind, form in _FORMS.items() if labels or kind != "label"]
    return re.compile("|".join(forms), re.DOTALL)


def tokenise(text: str, *, labels: bool = False) -> list[Token]:
    """The tokens of a query.

    Args:
        text: any text.
        labels: read `wd:/…/` as a label, which in plain SPARQL would begin a property path.
    """
    found: list[Token] = []
    for match in _pattern(labels).finditer(text):
        kind: Kind = match.lastgroup  # type: ignore[assignment] - groups are named by kind
        found.append(Token(kind=kind, text=match[0]))
    return found


def code(tokens: Iterable[Token]) -> list[Token]:
    """Those that mean something: neither white space nor comments."""
    return [token for token in tokens if token.kind not in ("space", "comment")]


def join(tokens: Sequence[Token]) -> str:
    """The text again."""
    return "".join(token.text for token in tokens)


def one_line(query: str, *, labels: bool = False) -> str:
    """The query without comments, and one space where there was any white space.

    Args:
        query: SPARQL.
        labels: it is in label form.
    """
    written: list[str] = []
    for token in tokenise(query, labels=labels):
        if token.kind not in ("space", "comment"):
            written.append(token.text)
        elif written and written[-1] != " ":
            written.append(" ")
    return "".join(written).strip()
