"""What a query may be: one that only reads, here, and is answered by a table or by yes or no.

A query is written by a model, and its text may have been shaped by evidence. So it is judged by its
tokens before anything runs it: what is in strings, comments and IRIs is nothing to worry about, and
every keyword is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from xgen_reason.knowledge.sparql_tokens import Token, code, join, tokenise

__all__ = [
    "LONGEST_QUERY",
    "PREFIXES",
    "parse_problem",
    "refusal",
    "with_prefixes",
    "without_label_service",
]

_LONGEST_EXPECTATION = 60
LONGEST_QUERY = 20_000
"""Characters. The longest of QALD-10 has under 2,000."""

_WIKIDATA = "http://www.wikidata.org/"
PREFIXES: Mapping[str, str] = {
    "wd": f"{_WIKIDATA}entity/",
    "wds": f"{_WIKIDATA}entity/statement/",
    "wdv": f"{_WIKIDATA}value/",
    "wdref": f"{_WIKIDATA}reference/",
    "wdt": f"{_WIKIDATA}prop/direct/",
    "wdtn": f"{_WIKIDATA}prop/direct-normalized/",
    "wdno": f"{_WIKIDATA}prop/novalue/",
    "p": f"{_WIKIDATA}prop/",
    "ps": f"{_WIKIDATA}prop/statement/",
    "psv": f"{_WIKIDATA}prop/statement/value/",
    "psn": f"{_WIKIDATA}prop/statement/value-normalized/",
    "pq": f"{_WIKIDATA}prop/qualifier/",
    "pqv": f"{_WIKIDATA}prop/qualifier/value/",
    "pqn": f"{_WIKIDATA}prop/qualifier/value-normalized/",
    "pr": f"{_WIKIDATA}prop/reference/",
    "prv": f"{_WIKIDATA}prop/reference/value/",
    "prn": f"{_WIKIDATA}prop/reference/value-normalized/",
    "wikibase": "http://wikiba.se/ontology#",
    "bd": "http://www.bigdata.com/rdf#",
    "dct": "http://purl.org/dc/terms/",
    "geo": "http://www.opengis.net/ont/geosparql#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "prov": "http://www.w3.org/ns/prov#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "schema": "http://schema.org/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
"""What Wikidata's endpoint knows without being told."""

_UPDATES = ("INSERT", "DELETE", "LOAD", "CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY", "WITH")
_REFUSED: Mapping[str, str] = {
    "SERVICE": "SERVICE asks another server, and queries stay here",
    "FROM": "FROM names other graphs than the source's own",
    **{word: f"{word} changes data, and queries only read" for word in _UPDATES},
    **{word: f"{word} gives a graph: SELECT or ASK" for word in ("CONSTRUCT", "DESCRIBE")},
}
"""Keywords that no query has, wherever they stand, and why."""

_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
_SERVICE_VARIABLES = {
    "Label": "rdfs:label",
    "Description": "schema:description",
    "AltLabel": "skos:altLabel",
}


def refusal(query: str) -> str:
    """Why a query is not run, in one line; empty where it may be.

    What is refused: all but one SELECT or ASK, SERVICE (a call to another server) wherever it
    stands, FROM (other graphs than the source's own), and characters that are written so that they
    read as something else. That a query is well-formed is for the parser to say.
    """
    if reason := _unreadable(query):
        return reason
    tokens = code(tokenise(query))
    for token in tokens:
        if token.kind == "unknown":
            return f"{token.text!r} begins nothing that SPARQL knows"
        if reason := _refused(token):
            return reason
    body = tokens[_prologue(tokens) :]
    if not body:
        return "there is no query"
    if not body[0].is_word("SELECT", "ASK"):
        return f"a query begins with SELECT or ASK, not with {body[0].text!r:.40}"
    return ""


def _refused(token: Token) -> str:
    """Why a token stands in no query.

    pyoxigraph needs no space around keywords: `SERVICEa:b` calls `a:b`, and `trueSERVICE` has one.
    So SERVICE and FROM are looked for in whole words and in prefixes of names.
    """
    if token.kind not in ("word", "name"):
        return ""
    word, colon, _ = token.text.upper().partition(":")
    for inside in ("SERVICE", "FROM"):
        if inside in word:
            return _REFUSED[inside]
    return "" if colon else _REFUSED.get(word, "")


def parse_problem(query: str, message: str) -> str:
    """What a parser says, for a model to read: without all that could have stood there instead."""
    found = re.match(r"error at (\d+):(\d+): ", message)
    if found is None:
        return message
    line, column = int(found[1]), int(found[2])
    before = "\n".join(query.split("\n")[:line])
    before = before[: len(before) - len(before.rpartition("\n")[2]) + column - 1]
    expected = message[found.end() :]
    if len(expected) > _LONGEST_EXPECTATION:
        expected = f"{expected[:_LONGEST_EXPECTATION].rpartition(',')[0]} …"
    return f"error after {' '.join(before.split())[-40:]!r}: {expected}"


def _unreadable(query: str) -> str:
    if len(query) > LONGEST_QUERY:
        return f"the query has {len(query):,} characters; {LONGEST_QUERY:,} are allowed"
    if "\x00" in query or any("\ud800" <= char <= "\udfff" for char in query):
        return "the query has characters that are none: NUL, or half of a surrogate pair"
    for escape in _ESCAPE.finditer(query):
        point = int(escape[1] or escape[2], 16)
        if point < 0x80 or 0xD800 <= point <= 0xDFFF or point > 0x10FFFF:
            return f"{escape[0]} stands for an ASCII character, or for none: write it out"
    return ""


def with_prefixes(query: str) -> str:
    """The query with those of `PREFIXES` declared that it uses and does not declare."""
    tokens = code(tokenise(query))
    head = _prologue(tokens)
    declared = {
        token.text[:-1] for before, token in pairwise(tokens[:head]) if before.is_word("PREFIX")
    }
    used = {token.text.partition(":")[0] for token in tokens[head:] if token.kind == "name"}
    missing = [name for name in PREFIXES if name in used - declared]
    return "".join(f"PREFIX {name}: <{PREFIXES[name]}>\n" for name in missing) + query


def _prologue(tokens: Sequence[Token]) -> int:
    """How many of the tokens declare prefixes and the base."""
    place = 0
    while place < len(tokens) and tokens[place].is_word("PREFIX", "BASE"):
        place += 3 if tokens[place].is_word("PREFIX") else 2
    return min(place, len(tokens))


def without_label_service(query: str) -> str:
    """The query with Wikidata's label service, a SERVICE by its spelling only, as patterns.

    `?xLabel`, `?xDescription` and `?xAltLabel` become OPTIONAL patterns of `?x`.
    """
    tokens = tokenise(query)
    while (found := _label_service(tokens)) is not None:
        first, end = found
        names = {t.text[1:] for t in tokens if t.kind == "variable"}
        languages = _languages(tokens[first:end])
        parts: list[str] = []
        for name in sorted(names):
            for suffix, predicate in _SERVICE_VARIABLES.items():
                base = name.removesuffix(suffix)
                if base != name and base in names:
                    parts.append(
                        f"OPTIONAL {{ ?{base} {predicate} ?{name} . "
                        f"FILTER(LANG(?{name}) IN ({languages})) }}"
                    )
        tokens = tokenise(join(tokens[:first]) + " ".join(parts) + join(tokens[end:]))
    return join(tokens)


def _label_service(tokens: Sequence[Token]) -> tuple[int, int] | None:
    """Where `SERVICE wikibase:label { … }` stands: its first token, and the one after its last."""
    meaning = [i for i, token in enumerate(tokens) if token.kind not in ("space", "comment")]
    for number, place in enumerate(meaning[:-2]):
        if not tokens[place].is_word("SERVICE"):
            continue
        after = number + 1
        if tokens[meaning[after]].is_word("SILENT"):
            after += 1
        if after + 1 >= len(meaning) or tokens[meaning[after]].text != "wikibase:label":
            continue
        depth = 0
        for end in meaning[after + 1 :]:
            depth += {"{": 1, "}": -1}.get(tokens[end].text, 0)
            if depth == 0:
                return place, end + 1
    return None


def _languages(tokens: Sequence[Token]) -> str:
    """The languages that the service was asked for, as a list of literals; labels without one too.

    The one of the reader, which only their browser knows, is English here.
    """
    asked: list[str] = []
    for token in tokens:
        if token.kind == "string":
            asked += [part.strip() for part in token.text.strip("\"'").split(",")]
    named = [part for part in asked if re.fullmatch(r"[A-Za-z]+(-[A-Za-z0-9]+)*", part)]
    return ", ".join(f'"{name}"' for name in dict.fromkeys([*(named or ["en"]), ""]))
