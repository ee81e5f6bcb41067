"""Queries that ask for a little less than one that found nothing, and what to list in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from xgen_reason.knowledge.linking import term
from xgen_reason.knowledge.triple_patterns import TriplePattern, rewrite, triple_patterns

__all__ = ["listings", "relaxations"]

_CLASSES = {
    "wdt:P31": "wdt:P31/wdt:P279*",
    "a": "a/rdfs:subClassOf*",
    "rdf:type": "rdf:type/rdfs:subClassOf*",
}
_BOOLEANS = ("true", "false")
_MOST_SWAPS = 4


def relaxations(query: str) -> Iterator[tuple[str, str]]:
    """The rungs below a query, each with what was changed; the mildest first.

    Classes are widened to their subclasses, then dropped; then single patterns are read the other
    way round, since models confuse `X author Y` with `Y author X`. A rung that changes nothing is
    left out.

    Args:
        query: SPARQL with ids.
    """
    seen = {query}
    for change, relaxed in _rungs(query):
        if relaxed not in seen:
            seen.add(relaxed)
            yield change, relaxed


def listings(id: str, *, limit: int = 50) -> tuple[str, ...]:
    """Queries for all that a graph says of an entity: as the subject, and as the value."""
    entity = term("wd", id)
    direct = (
        ' FILTER(STRSTARTS(STR(?property), "http://www.wikidata.org/prop/direct/"))'
        if entity.startswith("wd:")
        else ""
    )
    tail = f"{direct} }} LIMIT {limit}"
    return (
        f"SELECT ?property ?value WHERE {{ {entity} ?property ?value .{tail}",
        f"SELECT ?subject ?property WHERE {{ ?subject ?property {entity} .{tail}",
    )


def _rungs(query: str) -> Iterator[tuple[str, str]]:
    patterns = triple_patterns(query)
    yield (
        "with subclasses",
        rewrite(query, lambda t: (replace(t, verb=_CLASSES.get(t.verb, t.verb)),)),
    )
    others = [t for t in patterns if not _is_class(t)]
    if others:
        kept = " ".join(map(str, others)).split()
        yield (
            "without classes",
            rewrite(query, lambda t: () if _is_class(t) and t.subject in kept else (t,)),
        )
    for pattern in others[:_MOST_SWAPS]:
        if pattern.value[:1] not in "\"'0123456789+-" and pattern.value.lower() not in _BOOLEANS:
            yield f"with {pattern} the other way round", rewrite(query, _swap(pattern))


def _swap(pattern: TriplePattern) -> Callable[[TriplePattern], tuple[TriplePattern, ...]]:
    swapped = replace(pattern, subject=pattern.value, value=pattern.subject)
    return lambda t: (swapped,) if t == pattern else (t,)


def _is_class(pattern: TriplePattern) -> bool:
    first = pattern.verb.split("/")[0].strip()
    return first in _CLASSES and pattern.value[:1] not in "?$"
