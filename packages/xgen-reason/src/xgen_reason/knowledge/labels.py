"""What the things of a graph are called: labels, aliases and what helps to tell namesakes apart."""

from __future__ import annotations

import math
import re
import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from xgen_core.records import Record

__all__ = [
    "Entry",
    "EntryKind",
    "LabelIndex",
    "Match",
    "identifier",
    "normal_form",
    "spoken",
    "word_overlap",
]

EntryKind = Literal["entity", "property"]

_WIKIDATA = re.compile(
    r"https?://www\.wikidata\.org/(?:entity/|prop/(?:[a-z-]+/)*)([QPL]\d+)", re.ASCII
)
_WORDS = re.compile(r"\w+")
_NEAREST = 60
_FLOOR = 0.55
"""Names that share less are not taken for each other; one letter of ten changed leaves 0.6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Record):
    """A thing or a property of a graph.

    Attributes:
        id: `"Q42"`, `"P50"`, or the whole IRI where it is not Wikidata's.
        kind: what it is.
        label: in the language of the index; from the IRI where the graph has none.
        aliases: other names, those in other languages included.
        about: a description, and the names of its types.
        degree: how many triples speak of it.
    """

    id: str
    kind: EntryKind
    label: str
    aliases: tuple[str, ...] = ()
    about: str = ""
    degree: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Match(Record):
    """How well a name fits an entry.

    Attributes:
        entry: which.
        lexical: 1 for its very label, 0.95 for an alias, less for names that are only alike.
        score: with context and popularity; higher is better.
    """

    entry: Entry
    lexical: float
    score: float


def identifier(iri: str) -> str:
    """`"Q42"` or `"P50"` for what is Wikidata's, whatever it stands for there; else the IRI."""
    found = _WIKIDATA.fullmatch(iri)
    return found[1] if found else iri


def spoken(iri: str) -> str:
    """A name made of an IRI's last part: `http://a/birthPlace` → `birth place`."""
    last = re.split(r"[/#:]", iri.rstrip("/#"))[-1]
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", last.replace("_", " ").replace("-", " "))
    return parts.lower() if last[:1].islower() else parts


def normal_form(name: str) -> str:
    """The name without case, width and surplus space."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


class LabelIndex:
    """Finds entries by name.

    Exact names are looked up, others found by the three-letter pieces they share. A score is the
    likeness of the names times up to a fifth off for a context that fits less (words shared with
    the description and types) and up to a fifth off for what the graph speaks of less.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Index them; of two with the same id and kind the first counts."""
        self._entries: dict[tuple[EntryKind, str], Entry] = {}
        self._most: dict[EntryKind, int] = {"entity": 1, "property": 1}
        self._names = sqlite3.connect(":memory:")
        self._names.executescript(
            "CREATE TABLE names (form TEXT, kind TEXT, id TEXT, name TEXT, own INTEGER);"
            "CREATE VIRTUAL TABLE pieces USING fts5(form, kind UNINDEXED, tokenize='trigram');"
        )
        rows: list[tuple[str, str, str, str, int]] = []
        for entry in entries:
            if (entry.kind, entry.id) in self._entries:
                continue
            self._entries[entry.kind, entry.id] = entry
            self._most[entry.kind] = max(self._most[entry.kind], entry.degree)
            for name in dict.fromkeys((entry.label, *entry.aliases)):
                if form := normal_form(name):
                    own = int(name == entry.label)
                    rows.append((form, entry.kind, entry.id, name, own))
        self._names.executemany("INSERT INTO names VALUES (?, ?, ?, ?, ?)", rows)
        self._names.execute("CREATE INDEX forms ON names (form, kind)")
        self._names.execute(
            "INSERT INTO pieces SELECT DISTINCT form, kind FROM names ORDER BY form, kind"
        )

    def __len__(self) -> int:
        return len(self._entries)

    def close(self) -> None:
        """Release it."""
        self._names.close()

    @classmethod
    def of_graph(cls, names: Mapping[str, Sequence[Sequence[Any]]]) -> LabelIndex:
        """The index of what `rdf_worker` says of a graph's names."""
        labels = {row[0]: row[1] for row in names["entities"]}
        entities: list[Entry] = []
        described: dict[str, Entry] = {}
        for iri, label, aliases, about, types, degree in names["entities"]:
            id = identifier(iri)
            kinds = [labels.get(kind) or spoken(kind) for kind in types]
            entry = Entry(
                id=id,
                kind="property" if re.fullmatch(r"P\d+", id) else "entity",
                label=label or spoken(iri),
                aliases=tuple(aliases),
                about=" ".join([about, *kinds]).strip(),
                degree=degree,
            )
            described[id] = entry
            entities.append(entry)
        counts: Counter[str] = Counter()
        iris: dict[str, str] = {}
        for row in names["properties"]:
            id = identifier(row[0])
            counts[id] += row[5]
            iris.setdefault(id, row[0])
        properties: list[Entry] = []
        for id, count in sorted(counts.items()):
            known = described.get(id)
            properties.append(
                Entry(
                    id=id,
                    kind="property",
                    label=known.label if known else spoken(iris[id]),
                    aliases=known.aliases if known else (),
                    about=known.about if known else "",
                    degree=count,
                )
            )
        return cls([*properties, *entities])

    def label(self, iri: str) -> str:
        """What a thing is called; empty where the graph does not say."""
        id = identifier(iri)
        for kind in ("property", "entity") if id.startswith("P") else ("entity", "property"):
            if (kind, id) in self._entries:
                return self._entries[kind, id].label
        return ""

    def match(
        self, name: str, kind: EntryKind, *, context: str = "", limit: int = 5
    ) -> list[Match]:
        """The entries that a name may mean, best first; none where nothing is alike.

        Args:
            name: as it was written.
            kind: of the entries looked for.
            context: text that the name stands in.
            limit: how many at most. Entries with exactly this label are all given, however many.
        """
        form = normal_form(name)
        alike: dict[str, float] = {}
        forms = {form: 1.0, **(self._near(form, kind) if form else {})}
        for known, likeness in forms.items():
            rows = self._names.execute(
                "SELECT id, name, own FROM names WHERE form = ? AND kind = ?", (known, kind)
            )
            for id, text, own in rows:
                worth = likeness * (1.0 if own else 0.95) * (1.0 if text == name else 0.98)
                alike[id] = max(alike.get(id, 0.0), worth)
        found: list[Match] = []
        for id, lexical in alike.items():
            entry = self._entries[kind, id]
            shared = word_overlap(context, entry.about)
            fame = math.log1p(entry.degree) / math.log1p(self._most[kind])
            score = lexical * (0.8 + 0.2 * shared) * (0.8 + 0.2 * fame)
            found.append(Match(entry=entry, lexical=lexical, score=score))
        found.sort(key=lambda match: (-match.score, len(match.entry.id), match.entry.id))
        exact = sum(match.lexical == 1.0 for match in found)
        if exact <= limit:
            return found[:limit]
        return [match for match in found if match.lexical == 1.0]

    def _near(self, form: str, kind: EntryKind) -> dict[str, float]:
        pieces = _pieces(form)
        wanted = [piece for piece in dict.fromkeys(pieces) if len(piece.strip()) == 3]
        if not wanted:
            return {}
        query = " OR ".join('"' + piece.replace('"', '""') + '"' for piece in wanted)
        rows = self._names.execute(
            "SELECT form FROM pieces WHERE pieces MATCH ? AND kind = ? ORDER BY rank, form LIMIT ?",
            (query, kind, _NEAREST),
        )
        near: dict[str, float] = {}
        for (known,) in rows:
            likeness = _likeness(Counter(pieces), Counter(_pieces(known)))
            if known != form and likeness >= _FLOOR:
                near[known] = 0.9 * likeness
        return near


def _pieces(form: str) -> list[str]:
    return [form[i : i + 3] for i in range(max(1, len(form) - 2))]


def _likeness(one: Counter[str], other: Counter[str]) -> float:
    """Dice's coefficient of the pieces: twice those shared, among those of both."""
    return 2 * (one & other).total() / (one.total() + other.total())


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in _WORDS.findall(text.casefold()) if len(word) > 2)


def word_overlap(context: str, about: str) -> float:
    """The share of a description's words that a context has, from 0 to 1; 0 without words."""
    words = _words(about)
    return len(_words(context) & words) / len(words) if words else 0.0
