"""The merges behind a rank file: which two tokens each token is made of.

A rank file says in which order tokens come to be, not from what. Hugging Face's `tokenizer.json`
wants the pairs, so they are found by running BPE on each token alone. That is enough for equal ids
on every text: when two neighbours become token *t* somewhere in a text, no merge has crossed the
edges of those bytes before, so inside them the merges were, one by one, those of *t* alone, and the
pair is the same pair. A token that BPE does not reach alone is for the same reason never reached in
a text; tiktoken emits it only where a whole piece equals it (`ignore_merges` in `tokenizer.json`).

It holds for XGen's runs of whitespace too, whose ids descend with their length: 31 spaces are made
of 30 and one, because the rank of every longer run is lower and a run grows from the left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Merges", "find_merges"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merges:
    """How the tokens of a vocabulary are made.

    Attributes:
        pairs: left and right half, in the order in which they merge: by id of what they make.
        unreached: tokens that no merge makes; they are emitted only for a piece that equals them.
    """

    pairs: tuple[tuple[bytes, bytes], ...]
    unreached: tuple[bytes, ...]


def find_merges(ranks: Mapping[bytes, int]) -> Merges:
    """Recover the merges from ranks; about half a second for 50,000 tokens.

    Args:
        ranks: id by token bytes, all 256 single bytes among them.
    """
    pairs: list[tuple[bytes, bytes]] = []
    unreached: list[bytes] = []
    for token in sorted((t for t in ranks if len(t) > 1), key=ranks.__getitem__):
        pair = _last_pair(token, ranks)
        if pair is None:
            unreached.append(token)
        else:
            pairs.append(pair)
    return Merges(pairs=tuple(pairs), unreached=tuple(unreached))


def _last_pair(token: bytes, ranks: Mapping[bytes, int]) -> tuple[bytes, bytes] | None:
    """The two tokens that BPE on these bytes alone ends with, if it ends with the token."""
    parts = [token[i : i + 1] for i in range(len(token))]
    none = len(ranks) + (1 << 32)
    costs = [ranks.get(token[i : i + 2], none) for i in range(len(token) - 1)]
    while len(parts) > 2:
        lowest = min(costs)
        if lowest == none:
            return None
        at = costs.index(lowest)  # the leftmost of equals, as in tiktoken
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
        del costs[at]
        if at:
            costs[at - 1] = ranks.get(parts[at - 1] + parts[at], none)
        if at < len(costs):
            costs[at] = ranks.get(parts[at] + parts[at + 1], none)
    return parts[0], parts[1]
