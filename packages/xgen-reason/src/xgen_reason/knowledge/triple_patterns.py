"""The triple patterns of a query, found by its tokens, and a query with others in their place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xgen_core.records import Record
from xgen_reason.knowledge.sparql_tokens import Token, tokenise

__all__ = ["TriplePattern", "rewrite", "triple_patterns"]

_TERMS = ("iri", "label", "variable", "blank", "name", "number", "string")
_PATH = ("/", "|", "^", "*", "+", "?", "!")


@dataclass(frozen=True, slots=True, kw_only=True)
class TriplePattern(Record):
    """Subject, property (which may be a path) and value, each as the query writes it."""

    subject: str
    verb: str
    value: str

    def __str__(self) -> str:
        return f"{self.subject} {self.verb} {self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """Triples that stand together; `begin` and `end` are places among the tokens."""

    begin: int
    end: int
    triples: tuple[TriplePattern, ...]


def triple_patterns(query: str, *, labels: bool = False) -> tuple[TriplePattern, ...]:
    """All patterns, in order, `;` and `,` written out; those with blank-node lists are passed over.

    Args:
        query: SPARQL.
        labels: it is in label form.
    """
    tokens = tokenise(query, labels=labels)
    return tuple(triple for block in _blocks(tokens) for triple in block.triples)


def rewrite(
    query: str,
    change: Callable[[TriplePattern], Sequence[TriplePattern]],
    *,
    labels: bool = False,
) -> str:
    """The query with every pattern replaced by those that `change` gives for it.

    A block in which nothing changes stays as it was written, spaces included.
    """
    tokens = tokenise(query, labels=labels)
    written: list[str] = []
    place = 0
    for block in _blocks(tokens):
        changed = [new for triple in block.triples for new in change(triple)]
        written += [token.text for token in tokens[place : block.begin]]
        if changed == list(block.triples):
            written += [token.text for token in tokens[block.begin : block.end]]
        else:
            after = tokens[block.end].kind if block.end < len(tokens) else "space"
            end = " ." if after == "space" else " . "
            written.append(" . ".join(map(str, changed)) + (end if changed else ""))
        place = block.end
    written += [token.text for token in tokens[place:]]
    return "".join(written)


def _blocks(tokens: Sequence[Token]) -> list[_Block]:
    found: list[_Block] = []
    meaning = [i for i, token in enumerate(tokens) if token.kind not in ("space", "comment")]
    place = depth = 0
    while place < len(meaning):
        token = tokens[meaning[place]]
        depth += {"{": 1, "}": -1}.get(token.text, 0)
        before = tokens[meaning[place - 1]] if place else None
        opens = before is not None and (
            before.text in ("{", "}", ".") or (before.text == ")" and depth > 0)
        )
        if depth > 0 and opens and token.kind in _TERMS:
            block, place = _read_block(tokens, meaning, place)
            if block is not None:
                found.append(block)
                continue
        place += 1
    return found


def _read_block(
    tokens: Sequence[Token], meaning: Sequence[int], place: int
) -> tuple[_Block | None, int]:
    """The triples from here on, and the place after them; None where it is something else."""
    first = place
    triples: list[TriplePattern] = []
    end = first

    def text(at: int) -> str:
        return tokens[meaning[at]].text if at < len(meaning) else ""

    def value(at: int) -> int:
        """The place after the value that begins here; `at` itself where none does."""
        if at >= len(meaning):
            return at
        token = tokens[meaning[at]]
        if token.kind not in _TERMS and not token.is_word("TRUE", "FALSE"):
            return at
        at += 1
        if text(at) == "^^":
            return at + 2
        return at + (at < len(meaning) and tokens[meaning[at]].kind == "language")

    def written(begin: int, stop: int) -> str:
        return "".join(token.text for token in tokens[meaning[begin] : meaning[stop - 1] + 1])

    subject_end = value(place)
    subject = written(place, subject_end)
    place = subject_end
    while True:
        verb_end = _verb(tokens, meaning, place)
        if verb_end == place:
            break
        verb, place = written(place, verb_end), verb_end
        while (after := value(place)) > place:
            triples.append(TriplePattern(subject=subject, verb=verb, value=written(place, after)))
            place = end = after
            if text(place) != ",":
                break
            place += 1
        if text(place) != ";":
            break
        while text(place) == ";":
            place += 1
        end = place
    if not triples:
        return None, first
    if text(place) == "." and place == end:
        end = place = place + 1
    return (
        _Block(begin=meaning[first], end=meaning[end - 1] + 1, triples=tuple(triples)),
        max(place, end),
    )


def _verb(tokens: Sequence[Token], meaning: Sequence[int], place: int) -> int:
    """The place after the property or path that begins here; `place` itself where none does."""
    depth, wanted, at = 0, True, place
    while at < len(meaning):
        token = tokens[meaning[at]]
        if token.text == "(" and wanted:
            depth += 1
        elif token.text in ("^", "!") and wanted:
            pass
        elif wanted and (token.kind in ("iri", "label", "name", "variable") or token.text == "a"):
            wanted = False
        elif not wanted and token.text in ("/", "|"):
            wanted = True
        elif not wanted and token.text in ("*", "+", "?"):
            pass
        elif not wanted and token.text == ")" and depth:
            depth -= 1
        else:
            break
        at += 1
    return at if not wanted and depth == 0 else place
