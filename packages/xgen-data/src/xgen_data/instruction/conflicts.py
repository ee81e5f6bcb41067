"""Inputs that are asked twice and answered differently.

Two kinds of evidence must not be mixed up. Where the inputs are the *same* words, differing labels
contradict each other. Where they are *nearly* the same, the difference may be the point: "capital
of France" and "capital of Peru" share most words. So a near pair says which words changed, and only
if those are words of form (articles, courtesies) or slips of spelling is it a `"rewording"`;
otherwise it is `"near"`, to be looked at before anybody acts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from xgen_core import Example
from xgen_core.records import Record
from xgen_data.instruction.near import Blocking, near_pairs
from xgen_data.instruction.parts import answer_text, input_text, normalise, words

__all__ = ["Conflict", "answer_similarity", "find_conflicts"]

_OF_FORM = frozenset(
    words(
        "a an the this that these those please kindly could can would will you me i to of for in "
        "on at with is are be do does it its just here also given following below some provide "
        "give tell show"
    )
)
"""English words that rarely change what is asked; negations, tenses and numbers are not here."""
_LABEL_WORDS = 5
_SHORT_WORDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict(Record):
    """Two examples whose inputs agree and whose answers do not.

    Attributes:
        left, right: ids.
        kind: `"exact"`: the inputs are equal once normalised; `"rewording"` and `"near"`: above.
        similarity: Jaccard similarity of the inputs' shingles; 1 for `"exact"`.
        score: how far the answers disagree, `1 - answer_similarity`, in [0, 1].
        answers: `"label"` (at most 5 words each), `"short"` (at most 30) or `"open"`: long answers
            to an open question may differ and both be right.
        changed: words that only one of the inputs has.
        left_votes, right_votes: how many examples give this input this answer.
    """

    left: str
    right: str
    kind: Literal["exact", "rewording", "near"]
    similarity: float
    score: float
    answers: Literal["label", "short", "open"]
    left_input: str
    right_input: str
    left_answer: str
    right_answer: str
    changed: tuple[str, ...] = ()
    left_votes: int = 1
    right_votes: int = 1


@dataclass(slots=True)
class _Asked:
    """One input, however often it occurs: the examples by their normalised answers."""

    text: str
    answers: dict[str, list[int]] = field(default_factory=dict[str, list[int]])

    def by_votes(self) -> list[tuple[str, list[int]]]:
        """Answers with most examples first; first come first where equal."""
        return sorted(self.answers.items(), key=lambda item: -len(item[1]))


def answer_similarity(left: str, right: str) -> float:
    """F1 of the answers' words as multisets: 1 for the same words, 0 for none in common.

    Answers of the same words in another order are 1 unless they are labels, where order is meaning;
    answers without words are compared as they stand.
    """
    a, b = words(left), words(right)
    if not a or not b:
        return float(left.strip() == right.strip())
    if max(len(a), len(b)) <= _LABEL_WORDS:
        return float(a == b)
    shared = sum((Counter(a) & Counter(b)).values())
    return 2 * shared / (len(a) + len(b))


def find_conflicts(
    examples: Sequence[Example],
    *,
    threshold: float | None = 0.8,
    min_score: float = 0.5,
    labels: Mapping[str, str] | None = None,
    blocking: Blocking = near_pairs,
) -> list[Conflict]:
    """Find equal or nearly equal inputs with conflicting answers, the surest and worst first.

    Inputs of different tasks are not compared. An input that has several answers gives one conflict
    for each answer other than the one with most votes; between two near inputs the answers with
    most votes are compared.

    Args:
        examples: each with a trained message.
        threshold: least similarity of near inputs; None for equal inputs only.
        min_score: least disagreement that is a conflict; 0.5 means that less than half the words
            agree. Labels agree or do not.
        labels: what to compare instead of the answers, by example id.
        blocking: finds the near inputs.

    Returns:
        Ordered by kind (exact, rewording, near), form of the answers, and falling score.
    """
    conflicts: list[Conflict] = []
    tasks: dict[str, list[int]] = {}
    for index, example in enumerate(examples):
        tasks.setdefault(example.task, []).append(index)
    for members in tasks.values():
        asked: dict[str, _Asked] = {}
        for index in members:
            text = input_text(examples[index])
            answer = _answer(examples[index], labels)
            entry = asked.setdefault(normalise(text), _Asked(text))
            entry.answers.setdefault(normalise(answer), []).append(index)
        compare = _Comparison(examples, labels, min_score)
        for entry in asked.values():
            compare.within(entry)
        if threshold is not None:
            entries = list(asked.values())
            for pair in blocking([entry.text for entry in entries], threshold=threshold):
                compare.between(entries[pair.left], entries[pair.right], pair.similarity)
        conflicts += compare.found
    kinds, forms = ("exact", "rewording", "near"), ("label", "short", "open")
    conflicts.sort(key=lambda c: (kinds.index(c.kind), forms.index(c.answers), -c.score))
    return conflicts


def _answer(example: Example, labels: Mapping[str, str] | None) -> str:
    return answer_text(example) if labels is None else labels.get(example.id, answer_text(example))


@dataclass(slots=True)
class _Comparison:
    examples: Sequence[Example]
    labels: Mapping[str, str] | None
    min_score: float
    found: list[Conflict] = field(default_factory=list[Conflict])

    def within(self, entry: _Asked) -> None:
        (_, most), *others = entry.by_votes()
        for _, members in others:
            self._compare(most, members, "exact", 1.0, ())

    def between(self, left: _Asked, right: _Asked, similarity: float) -> None:
        a, b = words(left.text), words(right.text)
        changed = (Counter(a) - Counter(b)) + (Counter(b) - Counter(a))
        kind = "rewording" if _is_rewording(a, b) else "near"
        self._compare(
            left.by_votes()[0][1],
            right.by_votes()[0][1],
            kind,
            similarity,
            tuple(sorted(changed.elements())),
        )

    def _compare(
        self,
        left: list[int],
        right: list[int],
        kind: Literal["exact", "rewording", "near"],
        similarity: float,
        changed: tuple[str, ...],
    ) -> None:
        a, b = self.examples[left[0]], self.examples[right[0]]
        answers = _answer(a, self.labels), _answer(b, self.labels)
        score = 1 - answer_similarity(*answers)
        if score < self.min_score or not score:
            return
        longest = max(len(words(answer)) for answer in answers)
        form = "label" if longest <= _LABEL_WORDS else "short"
        self.found.append(
            Conflict(
                left=a.id,
                right=b.id,
                kind=kind,
                similarity=round(similarity, 4),
                score=round(score, 4),
                answers="open" if longest > _SHORT_WORDS else form,
                left_input=input_text(a),
                right_input=input_text(b),
                left_answer=answers[0],
                right_answer=answers[1],
                changed=changed,
                left_votes=len(left),
                right_votes=len(right),
            )
        )


def _is_rewording(left: Sequence[str], right: Sequence[str]) -> bool:
    """Whether, words of form and slips of spelling aside, the same words come in the same order."""
    a = [word for word in left if word not in _OF_FORM]
    b = [word for word in right if word not in _OF_FORM]
    return len(a) == len(b) and all(x == y or _is_slip(x, y) for x, y in zip(a, b, strict=True))


def _is_slip(left: str, right: str) -> bool:
    """Two spellings of a word of six letters or more: one letter more, less, other or swapped.

    Shorter words, and words with digits, are too easily other words.
    """
    if min(len(left), len(right)) < 6 or not (left.isalpha() and right.isalpha()):
        return False
    head = 0
    while head < min(len(left), len(right)) and left[head] == right[head]:
        head += 1
    tail = 0
    while tail < min(len(left), len(right)) - head and left[-1 - tail] == right[-1 - tail]:
        tail += 1
    a, b = left[head : len(left) - tail], right[head : len(right) - tail]
    return max(len(a), len(b)) <= 1 or (len(a) == 2 and a == b[::-1])
