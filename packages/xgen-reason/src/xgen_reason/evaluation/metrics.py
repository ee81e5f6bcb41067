"""How right an answer is, by the kind of its question."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from xgen_eval.metrics import exact_match, hotpot_f1, normalize_answer
from xgen_reason.answers import normal_form
from xgen_reason.question import AnswerKind, Question

__all__ = ["MAIN", "Score", "main_score", "score_answer", "value_scores"]

Score = Literal["em", "f1", "accuracy", "bleu", "precision", "recall"]

MAIN: Mapping[AnswerKind, Score] = {
    "short": "em",
    "label": "accuracy",
    "choice": "accuracy",
    "sentence": "bleu",
    "values": "f1",
}
"""The score that decides whether an answer became better or worse."""

_BETWEEN = re.compile(r"\n+|;\s*|,\s+(?:and\s+)?|\s+and\s+")
_ADDRESS = re.compile(r"^(?:https?://\S*/|wd:)")
_MIDNIGHT = re.compile(r"T00:00:00(?:\.0+)?Z?$")
_TRUTH = {"yes": "true", "no": "false"}


def score_answer(answer: str, question: Question) -> dict[Score, float]:
    """Scores by name; an empty answer, an abstention, has 0 in each.

    Short answers: `em` and `f1` as HotpotQA counts them (yes, no and noanswer are right or wrong as
    a whole). Of several golds the one with the best F1 counts, for both: an answer that equals a
    gold has F1 1 with it, so this is the best of each. Labels and options: `accuracy` in the
    question's own normal form. Sentences: `bleu`, 0 to 100, lower-cased. Values: `precision`,
    `recall` and `f1` of the set.

    Raises:
        ValueError: the question has no golds.
    """
    golds = question.golds
    if not golds:
        raise ValueError(f"question {question.id!r} has no golds: it cannot be scored")
    if question.kind == "short":
        return {"em": exact_match(answer, golds), "f1": hotpot_f1(answer, golds)}
    if question.kind == "sentence":
        # loads sacrebleu
        from xgen_eval.metrics.translation import sentence_bleu

        return {"bleu": sentence_bleu(answer, golds, lowercase=True)}
    if question.kind == "values":
        return value_scores(answer, golds)
    given = normal_form(answer, question)
    return {"accuracy": float(bool(given) and given in golds)}


def main_score(answer: str, question: Question) -> float:
    """The score of `MAIN`; see `score_answer`."""
    return score_answer(answer, question)[MAIN[question.kind]]


def value_scores(answer: str, golds: tuple[str, ...]) -> dict[Score, float]:
    """Precision, recall and F1 of a set of values (QALD's, for one question).

    The answer names values one a line, or with `;`, `, ` or `and` between. Numbers are compared as
    numbers, yes and no are true and false, midnight is no part of a date, of an address what
    follows its last `/` counts, and the rest is compared in SQuAD's normal form. Wordings that
    would be read as several values (a title with a comma) are first looked for as they are.

    Args:
        answer: as it was given.
        golds: the values; one with several wordings (an identifier, a label) has one a line.
    """
    wordings = {
        wording: number for number, gold in enumerate(golds) for wording in gold.splitlines()
    }
    rest, found = f"\n{answer}\n", set[str]()
    for wording in sorted(wordings, key=len, reverse=True):
        place = rest.lower().find(wording.lower())
        if place >= 0 and len(_BETWEEN.split(wording)) > 1:
            rest = f"{rest[:place]}\n{rest[place + len(wording) :]}"
            found.add(_value(wording))
    found |= {_value(part) for part in _BETWEEN.split(rest) if part.strip(" .")}
    numbers = {_value(wording): number for wording, number in wordings.items()}
    named = {numbers.get(value, value) for value in found}
    wanted = set(numbers.values())
    common = len(named & wanted)
    if not common:
        return {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    precision, recall = common / len(named), common / len(wanted)
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall),
    }


def _value(text: str) -> str:
    text = _MIDNIGHT.sub("", _ADDRESS.sub("", text.strip())).rstrip(".")
    try:
        return f"{float(text.replace(',', ''))}"
    except ValueError:
        plain = normalize_answer(text) or text
        return _TRUTH.get(plain, plain)
