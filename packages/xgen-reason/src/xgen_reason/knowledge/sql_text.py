"""The words of a SQL query, told apart from what only looks like them inside strings and names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Token", "grounded", "located", "tokens"]

_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<string>'(?:[^']|'')*')"
    r'|(?P<name>"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\])'
    r"|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*)"
    r"|(?P<sign><=|>=|<>|!=|==|\|\||\S)",
    re.DOTALL,
)
_AGGREGATES = frozenset(
    """avg count group_concat max min sum total""".split()  # noqa: SIM905 - words, not quotes
)
_JOINED = frozenset(
    """distinct except group having intersect join over union values window with""".split()  # noqa: SIM905 - words, not quotes
)
_CLOSE = 0.8
"""Likeness (difflib's ratio) from which a word of a query is taken for a misspelt value."""

_MOST = 5000
"""Values among which a misspelt one is looked for: a second's work."""

_PART = "\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A piece of a query: `kind` is string, name (in quotes), number, word or sign."""

    kind: str
    text: str
    start: int

    @property
    def lower(self) -> str:
        """The text in lower case, for words of SQL's own."""
        return self.text.lower()


def tokens(sql: str) -> list[Token]:
    """The pieces of a query in order, without comments."""
    return [
        Token(kind=found.lastgroup or "", text=found[0], start=found.start())
        for found in _TOKEN.finditer(sql)
        if found.lastgroup != "comment"
    ]


def located(sql: str) -> str | None:
    """The query with the number of each row before its result.

    Returns:
        None where a result is not one row of one table: joins, groups, aggregates and the like.
    """
    pieces = tokens(sql)
    words = [t.lower for t in pieces]
    if not words or words[0] != "select" or words.count("select") > 1 or words.count("from") != 1:
        return None
    calls = {w for w, after in pairwise(words) if after == "("}
    if _JOINED.intersection(words) or _AGGREGATES & calls:
        return None
    source = words[words.index("from") + 1 :]
    clauses = [i for i, w in enumerate(source) if w in ("where", "order", "limit")]
    if "," in source[: min(clauses, default=len(source))]:
        return None
    if "order" in words and any(t.kind == "number" for t in _ordering(pieces)):
        return None  # by place: another column before the result would move it
    after = pieces[0].start + len("select")
    return f"{sql[:after]} rowid,{sql[after:]}"


def grounded(sql: str, names: Sequence[str], values: Sequence[str]) -> str | None:
    """The query with its strings as the table writes them; None where nothing is to be changed.

    A string that no cell equals becomes, first come: the cell that differs in case alone; with
    `LIKE '%…%'` a part of cells that contain it; the longest cell that it contains; the cell that
    is spelt most like it. Only whole strings are replaced, never text inside names or strings.

    Args:
        sql: a query that finds nothing.
        names: of tables and columns, which a string in double quotes may be.
        values: of the cells, distinct.
    """
    known = {name.lower() for name in names}
    by_case = {_plain(value): value for value in reversed(values)}
    parts: list[str] = []
    end = 0
    before: Token | None = None
    for token in tokens(sql):
        if token.kind == "string" or (
            token.text[0] == '"' and token.text[1:-1].lower() not in known
        ):
            asked = token.text[1:-1].replace(token.text[0] * 2, token.text[0]).strip("%")
            found = None if asked in values else _nearest(_plain(asked), by_case)
            start, operator = token.start, ""
            if found == _PART:
                equals = before is not None and before.text in ("=", "==")
                found = f"%{asked}%" if equals else None
                if before is not None and equals:
                    start, operator = before.start, " LIKE "
            if found is not None:
                parts += [sql[end:start], operator, "'" + found.replace("'", "''") + "'"]
                end = token.start + len(token.text)
        before = token
    changed = "".join(parts) + sql[end:]
    return changed if changed != sql else None


def _nearest(asked: str, by_case: Mapping[str, str]) -> str | None:
    """The value that is meant; `_PART` where it is a part of one."""
    if not asked or asked in by_case:
        return by_case.get(asked)
    if len(asked) > 2 and any(asked in cell for cell in by_case):
        return _PART
    inside = [cell for cell in by_case if len(cell) > 3 and cell in asked]
    if inside:
        return by_case[max(inside, key=len)]
    if len(by_case) > _MOST:
        return None
    close = difflib.get_close_matches(asked, list(by_case), n=1, cutoff=_CLOSE)
    return by_case[close[0]] if close else None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _ordering(pieces: Sequence[Token]) -> Iterator[Token]:
    inside = False
    for token in pieces:
        inside = token.lower == "order" or (inside and token.lower != "limit")
        if inside:
            yield token
