"""From a judge's words to a rating, a winner or a preference; None where they say nothing of it."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping
from typing import Literal, cast

from xgen_core import Completion

__all__ = [
    "Verdict",
    "letter_preference",
    "logprob_preference",
    "ranking_preference",
    "read_rating",
    "read_verdict",
]

Verdict = Literal["A", "B", "tie"]
"""Which of the two answers shown is better: the first (A), the second (B), or neither."""

_RATINGS = (re.compile(r"\[\[(\d+\.?\d*)\]\]"), re.compile(r"\[(\d+\.?\d*)\]"))
_VERDICT = re.compile(r"\[\[([ABC])\]\]")
_VERDICTS: Mapping[str, Verdict] = {"A": "A", "B": "B", "C": "tie"}
_LONGEST_RANKING = 5000


def read_rating(
    text: str, *, lowest: float = 1, highest: float = 10, first: bool = False
) -> float | None:
    """The number in the last `[[n]]`, or in the last `[n]` if there is no `[[n]]`.

    Args:
        text: the judgment.
        lowest: a smaller number is no rating.
        highest: a larger number is no rating.
        first: as FastChat reads it: the first match, whatever its size.
    """
    for pattern in _RATINGS:
        found = [float(number) for number in pattern.findall(text)]
        if found and first:
            return found[0] if math.isfinite(found[0]) else None
        if found:
            return found[-1] if lowest <= found[-1] <= highest else None
    return None


def read_verdict(text: str, *, first: bool = False) -> Verdict | None:
    """The last of `[[A]]`, `[[B]]` and `[[C]]` (a tie).

    Args:
        text: the judgment.
        first: as FastChat reads it: A if `[[A]]` stands anywhere, else B if `[[B]]` does, else a
            tie. A judge that quotes `[[A]]` before it decides for B is then misread.
    """
    found: list[str] = _VERDICT.findall(text)
    if not found:
        return None
    return _VERDICTS[min(found) if first else found[-1]]


def ranking_preference(text: str) -> float | None:
    """AlpacaEval 1: the rank, 1 or 2, of `model_1` in a Python list of `{"model", "rank"}`.

    That is 1 where the answer shown first is better and 2 where the second is.
    """
    if len(text) > _LONGEST_RANKING:  # a parser that is fed without end brings the process down
        return None
    try:
        ranking = ast.literal_eval(text.strip())
        ranks = [entry["rank"] for entry in ranking if entry["model"] == "model_1"]
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        return None
    return float(ranks[0]) if ranks and ranks[0] in (1, 2) else None


def logprob_preference(completion: Completion) -> float | None:
    """AlpacaEval 2: 2 - P(m) / (P(m) + P(M)), by the log-probabilities of the first token.

    `m` names the answer shown first, so 1 says that it is surely better and 2 that the second is.
    A letter that is not among the reported tokens counts as impossible; None if neither is.
    """
    if not completion.logprobs:
        return None
    token = completion.logprobs[0]
    known = {**token.top, token.text: token.logprob}
    first, second = (math.exp(known[name]) if name in known else 0.0 for name in ("m", "M"))
    return 2 - first / (first + second) if first + second > 0 else None


def letter_preference(text: str) -> float | None:
    """The letter that was written: 1 for `m`, 2 for `M`, quotes and full stops aside."""
    letter = text.strip().strip("\"'`.").strip()
    return cast("float | None", {"m": 1.0, "M": 2.0}.get(letter))
