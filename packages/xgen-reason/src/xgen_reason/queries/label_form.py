r"""Queries in label form: `wd:/Douglas Adams/ wdt:/notable work/ ?work`, which a model can write.

A label stands between slashes after a prefix of Wikidata; `\/` and `\\` are a slash and a
backslash in it. Everything else is SPARQL, its strings, IRIs and property paths included, so both
directions go by tokens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from xgen_reason.knowledge.labels import EntryKind
from xgen_reason.knowledge.linking import Mention, term
from xgen_reason.knowledge.sparql_tokens import (
    ENTITY_PREFIX,
    PROPERTY_PREFIXES,
    Token,
    join,
    tokenise,
)

__all__ = ["mentions", "stand_ins", "to_ids", "to_labels"]

_CODES = {"\\": "\\\\", "/": "\\/", "\n": "\\n", "\r": "\\r"}
_CHARACTERS = {written[1]: char for char, written in _CODES.items()}


def to_labels(query: str, names: Mapping[str, str]) -> str:
    """A query with ids in label form.

    Args:
        query: SPARQL.
        names: labels by id (`"Q42"`, `"P50"`); what has none keeps its id.
    """
    tokens = tokenise(query)
    written: list[Token] = []
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        prefix, _, local = token.text.partition(":")
        known = _kind_of(prefix) if token.kind == "name" else None
        letter = {"entity": "Q", "property": "P"}.get(known or "", "")
        if known and re.fullmatch(rf"{letter}\d+", local) and names.get(local):
            written.append(Token(kind="label", text=f"{prefix}:/{_escaped(names[local])}/"))
        elif known and not local and after is not None and after.text == "/":
            written += [token, Token(kind="space", text=" ")]  # a path, which would read as a label
        else:
            written.append(token)
    return join(written)


def to_ids(query: str, ids: Mapping[Mention, str]) -> str:
    """A query in label form with ids; mentions that are not in `ids` stay as they are."""
    written: list[str] = []
    for token in tokenise(query, labels=True):
        prefix, mention = _read(token)
        if mention is None or mention not in ids:
            written.append(token.text)
        else:
            written.append(term(prefix, ids[mention]))
            written.append(" " if ids[mention].startswith("http") else "")
    return "".join(written)


def mentions(query: str) -> tuple[Mention, ...]:
    """What a query in label form names, each once, in order."""
    found = [_read(token)[1] for token in tokenise(query, labels=True)]
    return tuple(dict.fromkeys(mention for mention in found if mention is not None))


def stand_ins(query: str) -> str:
    """The query with an id in the place of every label, for a parser to look at."""
    named = mentions(query)
    letters = {"entity": "Q", "property": "P"}
    return to_ids(query, {m: f"{letters[m.kind]}{i}" for i, m in enumerate(named, 1)})


def _read(token: Token) -> tuple[str, Mention | None]:
    if token.kind != "label":
        return "", None
    prefix, _, label = token.text.partition(":/")
    text = re.sub(
        r"\\(.)", lambda found: _CHARACTERS.get(found[1], found[1]), label[:-1], flags=re.DOTALL
    )
    return prefix, Mention(label=text, kind=_kind_of(prefix) or "entity")


def _kind_of(prefix: str) -> EntryKind | None:
    if prefix == ENTITY_PREFIX:
        return "entity"
    return "property" if prefix in PROPERTY_PREFIXES else None


def _escaped(label: str) -> str:
    return "".join(_CODES.get(char, char) for char in label)
