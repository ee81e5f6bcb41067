"""What a query found, as sentences that a model can read: `subject – property – value`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from xgen_core.records import Record
from xgen_reason.knowledge.labels import identifier, spoken
from xgen_reason.knowledge.sparql_guard import PREFIXES
from xgen_reason.knowledge.sparql_tokens import code, tokenise
from xgen_reason.knowledge.triple_patterns import TriplePattern, triple_patterns

__all__ = ["Answer", "Term", "verbalise", "written_value"]

MOST_VALUES = 20
"""Values that one sentence lists; more are counted."""
MOST_CONTEXT = 3
"""Patterns beside the one that is told."""

_XSD = PREFIXES["xsd"]
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DATE = re.compile(r"([+-]?)(\d{4,})(?:-(\d\d))?(?:-(\d\d))?(?:T(.*))?")
_VALUES = ("wikibase:quantityAmount", "wikibase:timeValue")
_HELPERS = ("wikibase:quantityUnit", "wikibase:timePrecision", "rdfs:label")
_COMPUTED = {"COUNT": "number", "SUM": "sum", "AVG": "mean", "MIN": "least", "MAX": "greatest"}
_YEAR, _MONTH = 9, 10
"""Precisions of Wikidata's times; 11 is a day, and 7 and 8 centuries and decades."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term(Record):
    """A value of an answer.

    Attributes:
        kind: what it is.
        text: an IRI, or a literal's text.
        datatype: IRI of a literal's.
        language: of a literal; may be empty.
    """

    kind: str
    text: str
    datatype: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Record):
    """What a query found.

    Attributes:
        columns: its variables.
        rows: a term for each variable, None where it is unbound.
        cut: whether there are more.
        boolean: what ASK found; None for SELECT.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Term | None, ...], ...] = ()
    cut: bool = False
    boolean: bool | None = None

    @classmethod
    def of_worker(cls, frame: Mapping[str, Any]) -> Answer:
        """From an answer of `rdf_worker`."""
        if "boolean" in frame:
            return cls(boolean=frame["boolean"])
        rows = tuple(
            tuple(None if t is None else Term(kind=t[0], text=t[1], **_typed(*t[2:])) for t in row)
            for row in frame["rows"]
        )
        return cls(columns=tuple(frame["columns"]), rows=rows, cut=frame["cut"])

    @classmethod
    def of_json(cls, value: Mapping[str, Any], *, most: int) -> Answer:
        """From the SPARQL 1.1 results format in JSON.

        Args:
            value: the document.
            most: rows to keep.

        Raises:
            KeyError, TypeError, AttributeError: it is not of the format.
        """
        if "boolean" in value:
            return cls(boolean=bool(value["boolean"]))
        columns = tuple(value["head"]["vars"])
        found = value["results"]["bindings"]
        kinds = {"uri": "iri", "bnode": "blank"}
        rows = tuple(
            tuple(
                Term(
                    kind=kinds.get(cell["type"], "literal"),
                    text=cell["value"],
                    datatype=cell.get("datatype", ""),
                    language=cell.get("xml:lang", ""),
                )
                if (cell := row.get(name)) is not None
                else None
                for name in columns
            )
            for row in found[:most]
        )
        return cls(columns=columns, rows=rows, cut=len(found) > most)

    @property
    def iris(self) -> tuple[str, ...]:
        """All IRIs in it, each once."""
        terms = (t for row in self.rows for t in row if t is not None)
        found = [t.text for t in terms if t.kind == "iri"]
        found += [t.datatype for row in self.rows for t in row if t is not None and t.datatype]
        return tuple(dict.fromkeys(found))


def _typed(datatype: str = "", language: str = "") -> dict[str, str]:
    return {"datatype": datatype, "language": language}


def verbalise(
    answer: Answer, query: str, label: Callable[[str], str], *, limit: int
) -> tuple[str, ...]:
    """Sentences for an answer, best first as the endpoint ordered its rows.

    A row says what its query's patterns say with its values in their place. Rows that differ in one
    place of one pattern share a sentence; what no pattern states (counts, computed values) follows
    by the name of its variable.

    Args:
        answer: of `query`.
        query: with ids.
        label: what an IRI is called; empty where nobody knows.
        limit: sentences at most; the last one says how many rows are left.
    """
    patterns = _Patterns(query, label)
    if answer.boolean is not None:
        told = "; ".join(patterns.open({})) or "the pattern asked for"
        return (f"{told}: {'true' if answer.boolean else 'false'}",)
    rows = [
        {name: t for name, t in zip(answer.columns, row, strict=True) if t is not None}
        for row in answer.rows
    ]
    rows = [row for row in rows if row]
    if not rows:
        return ()
    shared = patterns.shared(rows, cut=answer.cut)
    if shared:
        return (shared,)
    told = list(dict.fromkeys(patterns.row(row) for row in rows))
    if len(told) > limit or answer.cut:
        rest = f"{len(told) - limit} more rows" if len(told) > limit else "more rows"
        told = (
            [*told[: limit - 1], f"{told[limit - 1]} (and {rest})"] if len(told) >= limit else told
        )
    return tuple(told)


class _Patterns:
    """A query's patterns as sentences."""

    def __init__(self, query: str, label: Callable[[str], str]) -> None:
        self._label = label
        self._names = _computed(query)
        self._all = triple_patterns(query)
        self._units = _pairs(self._all, "quantityAmount", "quantityUnit")
        self._precisions = _pairs(self._all, "timeValue", "timePrecision")
        values = {t.subject: t.value for t in self._all if t.verb in _VALUES}
        self._told = [
            replace(t, value=values.get(t.value, t.value))
            for t in self._all
            if t.verb not in _HELPERS and (t.verb not in _VALUES or t.subject[:1] not in "?$_")
        ]

    def shared(self, rows: Sequence[Mapping[str, Term]], *, cut: bool) -> str:
        """One sentence for all rows, where one place of one pattern is all they differ in."""
        names = {name for row in rows for name in self._values_of(row)}
        if len(names) != 1:
            return ""
        (name,) = names
        having = [t for t in self._told if name in _variables(t)]
        if len(having) != 1 or (having[0].subject, having[0].value).count(f"?{name}") != 1:
            return ""
        values = list(dict.fromkeys(self._value(row, name) for row in rows if name in row))
        listed = ", ".join(values[:MOST_VALUES])
        if cut:
            listed += " and more"
        elif len(values) > MOST_VALUES:
            listed += f" and {len(values) - MOST_VALUES} more"
        (pattern,) = having
        places = (pattern.subject, pattern.verb, pattern.value)
        told = " – ".join(listed if text == f"?{name}" else self._text(text, {}) for text in places)
        return told + self._context(having, {})

    def row(self, row: Mapping[str, Term]) -> str:
        """One row's sentence."""
        names = self._values_of(row)
        stated = [t for t in self._told if _variables(t) & names]
        told = [self._open(t, row) for t in stated] or self.open(row)
        context = self._context(stated, row) if stated else ""
        left = [name for name in row if name in names and not _stands_in(stated, name)]
        values = [
            f"{self._names.get(name) or spoken(name)}: {self._value(row, name)}" for name in left
        ]
        return "; ".join([*told, *([", ".join(values)] if values else [])]) + context

    def _values_of(self, row: Mapping[str, Term]) -> set[str]:
        """Its variables without those that only help to say another: labels, units, precisions."""
        helpers = set(self._units.values()) | set(self._precisions.values())
        helpers |= {name for name in row if name.removesuffix("Label") in set(row) - {name}}
        return set(row) - helpers

    def _context(self, told: Sequence[TriplePattern], row: Mapping[str, Term]) -> str:
        others = [self._open(t, row) for t in self._told if t not in told]
        return f" (where {'; '.join(others[:MOST_CONTEXT])})" if others else ""

    def open(self, row: Mapping[str, Term]) -> list[str]:
        """All patterns, variables that have no value by their names."""
        return [self._open(t, row) for t in self._told]

    def _open(self, pattern: TriplePattern, row: Mapping[str, Term]) -> str:
        places = (pattern.subject, pattern.verb, pattern.value)
        return " – ".join(self._text(text, row, verb=n == 1) for n, text in enumerate(places))

    def _text(self, text: str, row: Mapping[str, Term], *, verb: bool = False) -> str:
        if text[:1] in "?$":
            name = text[1:]
            return self._value(row, name) if name in row else f"some {spoken(name)}"
        if text == "a":
            return "is a"
        if text[:1] in "\"'":
            body, _, type = text.rpartition("^^")
            return (body or type).split("@")[0].strip("\"'")
        parts = re.findall(r"<[^>]*>|[\w.-]*:[\w.%-]+|[/|^*+?()!]", text)
        if not parts:
            return text
        names = [self._name(part) for part in parts if not part.startswith("wikibase:")]
        steps = [name for name in names if name and name != "/"]
        if "|" in steps:
            return " ".join("or" if step == "|" else step for step in steps)
        return " / ".join(dict.fromkeys(steps)).replace("inverse / ", "inverse of ")

    def _name(self, part: str) -> str:
        if len(part) == 1:
            return "" if part in "*+?()" else "inverse" if part == "^" else part
        prefix, _, local = part.partition(":")
        iri = part.strip("<>") if part[0] == "<" else PREFIXES.get(prefix, f"{prefix}:") + local
        return self._label(iri) or spoken(identifier(iri))

    def _value(self, row: Mapping[str, Term], name: str) -> str:
        found = row[name]
        unit = row.get(self._units.get(name, ""))
        precision = row.get(self._precisions.get(name, ""))
        text = written_value(
            found,
            self._label,
            precision=int(precision.text) if precision and precision.text.isdigit() else None,
            wikidata=any(t.value == f"?{name}" and _is_wikidata(t.verb) for t in self._all),
        )
        if unit is None or unit.text.endswith("/Q199"):  # the unit of what has none
            return text
        return f"{text} {written_value(unit, self._label)}"


def written_value(
    term: Term,
    label: Callable[[str], str],
    *,
    precision: int | None = None,
    wikidata: bool = False,
) -> str:
    """A value in words.

    Args:
        term: the value.
        label: what an IRI is called.
        precision: of a time, as Wikidata numbers it; None where nobody says.
        wikidata: it is a value of Wikidata's, where 1 January may stand for a whole year.
    """
    if term.kind == "iri":
        return label(term.text) or spoken(identifier(term.text))
    if term.kind != "literal":
        return "something without a name"
    kind = term.datatype.removeprefix(_XSD)
    if kind in ("dateTime", "date", "gYear", "gYearMonth"):
        return _written_date(term.text, precision, wikidata)
    if kind in ("decimal", "double", "float", "integer"):
        return term.text.removeprefix("+")
    unit = term.datatype and not term.datatype.startswith(_XSD) and label(term.datatype)
    return f"{term.text} {unit}" if unit else term.text


def _written_date(text: str, precision: int | None, wikidata: bool) -> str:
    found = _DATE.fullmatch(text)
    if found is None:
        return text
    sign, digits, month, day, time = found.groups()
    year = f"{int(digits)} BC" if sign == "-" else f"{int(digits)}"
    months = _MONTHS[int(month) - 1] if month and 1 <= int(month) <= 12 else ""
    if precision is not None and precision < _YEAR:
        return f"about {year}"
    if not months or precision == _YEAR:
        return year
    if not day or precision == _MONTH or day == "00":
        return f"{months} {year}"
    whole = f"{int(day)} {months} {year}"
    if time and not re.match(r"00:00:00(\.0+)?(Z|[+-]00:00)?$", time):
        return f"{whole}, {time}"
    vague = wikidata and precision is None and (month, day) == ("01", "01")
    return f"{whole} (or {year}, the day unknown)" if vague else whole


def _variables(pattern: TriplePattern) -> set[str]:
    places = (pattern.subject, pattern.verb, pattern.value)
    return {text[1:] for text in places if text[:1] in "?$"}


def _stands_in(patterns: Sequence[TriplePattern], name: str) -> bool:
    return any(name in _variables(pattern) for pattern in patterns)


def _pairs(patterns: Sequence[TriplePattern], value: str, helper: str) -> dict[str, str]:
    """Variables of `wikibase:<value>`, each with the one of `wikibase:<helper>` of its node."""
    helpers = {t.subject: t.value[1:] for t in patterns if t.verb == f"wikibase:{helper}"}
    return {
        t.value[1:]: helpers[t.subject]
        for t in patterns
        if t.verb == f"wikibase:{value}" and t.subject in helpers
    }


def _computed(query: str) -> dict[str, str]:
    """Variables that hold `COUNT(?x)` and the like, with what that is in words."""
    tokens = code(tokenise(query))
    found: dict[str, str] = {}
    for place, token in enumerate(tokens):
        if not token.is_word(*_COMPUTED):
            continue
        texts = [t.text for t in tokens[place + 1 : place + 7] if not t.is_word("DISTINCT")]
        if len(texts) > 4 and texts[0] == "(" and texts[2] == ")" and texts[3].upper() == "AS":
            what = f" of {spoken(texts[1][1:])}" if texts[1][0] in "?$" else ""
            found[texts[4][1:]] = _COMPUTED[token.text.upper()] + what
    return found


def _is_wikidata(verb: str) -> bool:
    return verb.partition(":")[0] in ("wdt", "ps", "pq")
