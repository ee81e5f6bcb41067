"""Instruction pairs for a query generator, from questions whose queries are known."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from xgen_core.records import ChatTemplate, Example, Message, Record
from xgen_reason.knowledge.sparql_guard import PREFIXES, refusal
from xgen_reason.knowledge.sparql_tokens import Token, join, one_line, tokenise
from xgen_reason.prompts import Prompt
from xgen_reason.queries.contrast import wrong_queries
from xgen_reason.queries.label_form import mentions, to_labels
from xgen_reason.queries.questions import QueriedQuestion
from xgen_reason.queries.reply import write_reply

__all__ = ["TEMPLATE", "Built", "build_pairs", "compact"]

TEMPLATE = ChatTemplate(
    name="query",
    prefixes={"user": "", "assistant": " "},
    suffixes={"assistant": "\n\n"},
    stop=("\n\n",),
)
"""A pair as plain text: the prompt, a space, the reply, a blank line; so the generator is asked for
queries just as any model is."""

WRONG_QUERIES = 4
"""Beside a correct one, as the generator of Chain-of-Knowledge was trained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built(Record):
    """What came of the questions.

    Attributes:
        train, test: pairs. All wordings of a question, and all questions with the same query, are
            on one side.
        dropped: how many questions gave no pair, by reason.
        faults: how many wrong queries there are, by fault.
    """

    train: tuple[Example, ...] = ()
    test: tuple[Example, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict[str, int])
    faults: Mapping[str, int] = field(default_factory=dict[str, int])


def build_pairs(
    questions: Iterable[QueriedQuestion],
    labels: Mapping[str, str],
    prompt: Prompt,
    *,
    contrastive: bool = True,
    test: float = 0.2,
    seed: int = 0,
) -> Built:
    """Pairs of an instruction and its reply, the queries in label form.

    The loss falls on the reply. The same arguments give the same pairs, and which side a query is
    on depends on it and the seed alone, so that more questions move none.

    Args:
        questions: with SPARQL; queries that are no SELECT or ASK are dropped.
        labels: by id. A question whose query has an id without one is dropped: half in labels and
            half in ids would teach both.
        prompt: as the generator will be asked: the stage `sparql` of a set, without its examples.
        contrastive: the reply goes on with wrong queries.
        test: share of the queries that are held out.
        seed: of all choices.
    """
    if not 0 <= test < 1:
        raise ValueError(f"test is a share in [0, 1), got {test}")
    known = frozenset(labels.values())
    sides: tuple[list[Example], list[Example]] = ([], [])
    dropped: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    for question in questions:
        reason, query = _labelled(question, labels)
        if reason:
            dropped[reason] += 1
            continue
        new = [text for text in question.texts if (text.casefold(), query) not in seen]
        seen.update((text.casefold(), query) for text in new)
        if not new:
            dropped["asked before, with the same query"] += 1
            continue
        wrong = (
            wrong_queries(query, _chance(seed, query), labels=known, count=WRONG_QUERIES)
            if contrastive
            else ()
        )
        faults.update(one.fault for one in wrong)
        reply = write_reply(query, [one.text for one in wrong])
        side = sides[_chance(seed, f"side {query}").random() < test]
        for number, text in enumerate(new):
            asked = prompt.render({"question": text, "sentence": text}, shots=0)
            side.append(
                Example(
                    id=f"{question.id}-{number}" if number else question.id,
                    messages=(
                        Message(role="user", content=asked),
                        Message(role="assistant", content=reply, trained=True),
                    ),
                    task="sparql",
                )
            )
    return Built(
        train=tuple(sides[0]),
        test=tuple(sides[1]),
        dropped=dict(sorted(dropped.items())),
        faults=dict(sorted(faults.items())),
    )


def compact(query: str) -> str:
    """The query on one line, without comments and the declarations of Wikidata's own prefixes."""
    tokens = tokenise(query)
    meaning = [
        place for place, token in enumerate(tokens) if token.kind not in ("space", "comment")
    ]
    known: set[int] = set()
    for parts in zip(meaning, meaning[1:], meaning[2:], strict=False):
        word, name, iri = (tokens[place] for place in parts)
        if word.is_word("PREFIX") and PREFIXES.get(name.text[:-1]) == iri.text[1:-1]:
            known.update(parts)
    return one_line(join([token for place, token in enumerate(tokens) if place not in known]))


def _labelled(question: QueriedQuestion, labels: Mapping[str, str]) -> tuple[str, str]:
    """Why there is no pair, or the query in label form."""
    if not question.texts:
        return "no wording in the language", ""
    if reason := refusal(question.query):
        return f"its query is not run: {reason}", ""
    query = to_labels(compact(question.query), labels)
    if any(_has_id(token) for token in tokenise(query, labels=True)):
        return "an id without a label", ""
    if not mentions(query):
        return "its query names nothing", ""
    return "", query


def _has_id(token: Token) -> bool:
    prefix, _, local = token.text.partition(":")
    return (
        token.kind == "name" and prefix in PREFIXES and local[:1] in "QPL" and (local[1:].isdigit())
    )


def _chance(seed: int, text: str) -> random.Random:
    return random.Random(hashlib.sha256(f"{seed} {text}".encode()).digest())
