"""Wrong queries beside a correct one: each is spoilt in one way that models know well."""

from __future__ import annotations

import random
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace

from xgen_core.records import Record
from xgen_reason.knowledge.sparql_tokens import Token, join, tokenise
from xgen_reason.knowledge.triple_patterns import rewrite, triple_patterns

__all__ = ["FAULTS", "WrongQuery", "wrong_queries"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongQuery(Record):
    """A query that is not what was asked for.

    Attributes:
        fault: one of `FAULTS`.
        text: in label form.
    """

    fault: str
    text: str


def wrong_queries(
    query: str, chance: random.Random, *, labels: Container[str] = (), count: int = 4
) -> tuple[WrongQuery, ...]:
    """Up to `count` wrong queries, each with another fault, in an order that chance chooses.

    Args:
        query: correct, in label form.
        chance: the source of all choices.
        labels: known ones; a misspelt label is none of them.
        count: how many. Short queries cannot have every fault, so there may be fewer.
    """
    names = list(FAULTS)
    chance.shuffle(names)
    found: list[WrongQuery] = []
    texts = {query}
    for name in names:
        text = FAULTS[name](query, chance, labels)
        if len(found) < count and text not in texts:
            texts.add(text)
            found.append(WrongQuery(fault=name, text=text))
    return tuple(found)


def _without_prefix(query: str, chance: random.Random, labels: Container[str]) -> str:
    del labels
    tokens = tokenise(query, labels=True)
    return _changed(tokens, _places(tokens), chance, lambda text: text.partition(":")[2])


def _without_where(query: str, chance: random.Random, labels: Container[str]) -> str:
    """Without what opens the pattern: SPARQL can do without the word, but not without the brace."""
    del chance, labels
    tokens = tokenise(query, labels=True)
    for place, token in enumerate(tokens):
        if token.text == "{":
            return " ".join(
                part.strip()
                for part in (
                    join([t for t in tokens[:place] if not t.is_word("WHERE")]),
                    join(tokens[place + 1 :]),
                )
            )
    return query


def _misspelt(query: str, chance: random.Random, labels: Container[str]) -> str:
    tokens = tokenise(query, labels=True)
    places = [place for place in _places(tokens) if tokens[place].text.startswith("wd:")]

    def misspell(text: str) -> str:
        prefix, _, label = text.partition(":/")
        label = label[:-1]
        letters = [i for i, char in enumerate(label) if char.isalpha()]
        if len(letters) < 3:
            return text
        at = chance.choice(letters[1:])
        spellings = [label[:at] + label[at + 1 :], label[:at] + label[at] + label[at:]]
        wrong = chance.choice(spellings)
        return text if wrong in labels else f"{prefix}:/{wrong}/"

    return _changed(tokens, places, chance, misspell)


def _swapped(query: str, chance: random.Random, labels: Container[str]) -> str:
    """Two labels change places: of a property and a thing, or of two properties."""
    del labels
    tokens = tokenise(query, labels=True)
    texts = [tokens[place].text.partition(":")[2] for place in _places(tokens)]
    pairs = [
        (one, other)
        for one, first in enumerate(texts)
        for other, second in enumerate(texts)
        if one < other and first != second
    ]
    if not pairs:
        return query
    one, other = chance.choice(pairs)
    places = _places(tokens)
    for place, label in ((places[one], texts[other]), (places[other], texts[one])):
        prefix = tokens[place].text.partition(":")[0]
        tokens[place] = Token(kind="label", text=f"{prefix}:{label}")
    return join(tokens)


def _reordered(query: str, chance: random.Random, labels: Container[str]) -> str:
    """One pattern the other way round."""
    del labels
    patterns = [t for t in triple_patterns(query, labels=True) if t.value[:1] not in "\"'"]
    if not patterns:
        return query
    chosen = chance.choice(patterns)
    turned = replace(chosen, subject=chosen.value, value=chosen.subject)
    return rewrite(query, lambda t: (turned,) if t == chosen else (t,), labels=True)


def _missing(query: str, chance: random.Random, labels: Container[str]) -> str:
    """One pattern of several left out."""
    del labels
    patterns = triple_patterns(query, labels=True)
    if len(set(patterns)) < 2:
        return query
    chosen = chance.choice(patterns)
    return rewrite(query, lambda t: () if t == chosen else (t,), labels=True)


FAULTS: dict[str, Callable[[str, random.Random, Container[str]], str]] = {
    "no prefix": _without_prefix,
    "no WHERE": _without_where,
    "misspelt entity": _misspelt,
    "swapped labels": _swapped,
    "reversed triple": _reordered,
    "missing triple": _missing,
}
"""What can be wrong, and what makes it so; each gives the query back where it cannot."""


def _places(tokens: Sequence[Token]) -> list[int]:
    return [place for place, token in enumerate(tokens) if token.kind == "label"]


def _changed(
    tokens: list[Token],
    places: Sequence[int],
    chance: random.Random,
    change: Callable[[str], str],
) -> str:
    if places:
        place = chance.choice(places)
        tokens[place] = Token(kind="unknown", text=change(tokens[place].text))
    return join(tokens)
