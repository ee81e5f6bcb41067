"""From `Preference` lines to ids and masks."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from xgen_core import ChatTemplate, Example, InputError, Message, Preference, Tokenizer
from xgen_core.codec import CodecError
from xgen_core.files import read_jsonl
from xgen_core.progress import track
from xgen_data import Drop, Encoded
from xgen_data.instruction import encode_example

__all__ = ["EncodedPair", "Pairs", "encode_pairs", "read_pairs"]


class EncodedPair(NamedTuple):
    """A prompt with either answer; the masks are on the answers, their ends included."""

    chosen: Encoded
    rejected: Encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """All pairs of a run.

    Attributes:
        trained, held_out: pairs in the order of the file.
        dropped: how many are in neither, by reason.
    """

    trained: Sequence[EncodedPair]
    held_out: Sequence[EncodedPair]
    dropped: Mapping[str, int]

    @property
    def longest(self) -> int:
        """Ids of the longest side."""
        return max(len(side.ids) for pair in (*self.trained, *self.held_out) for side in pair)

    @property
    def fingerprint(self) -> str:
        """Hex sha256 over all ids and masks, in order."""
        digest = hashlib.sha256(f"{len(self.trained)} {len(self.held_out)}".encode())
        for pair in (*self.trained, *self.held_out):
            for ids, mask in pair:
                digest.update(len(ids).to_bytes(8, "little"))
                digest.update(np.ascontiguousarray(ids, "<u4").data)
                digest.update(np.ascontiguousarray(mask, np.uint8).data)
        return digest.hexdigest()


def read_pairs(path: Path | str) -> list[Preference]:
    """The pairs of a JSONL file.

    Raises:
        InputError: no such file, no pairs in it, or a line that is no pair of answers to a prompt;
            names file and line.
    """
    found = list(read_jsonl(path, _parse))
    if not found:
        raise InputError(f"{path}: there are no pairs in it")
    return found


def _parse(value: object) -> Preference:
    pair = Preference.from_json(value)
    if not pair.prompt:
        raise CodecError(f"pair {pair.id!r} has no prompt")
    if pair.prompt[-1].role == "assistant":
        raise CodecError(f"the prompt of pair {pair.id!r} ends with an answer, not a question")
    for name, answer in (("chosen", pair.chosen), ("rejected", pair.rejected)):
        if not answer.strip():
            raise CodecError(f"pair {pair.id!r}: the {name} answer is empty")
    return pair


def encode_pairs(
    pairs: Iterable[Preference],
    template: ChatTemplate,
    tokenizer: Tokenizer,
    *,
    max_tokens: int,
    hold_out: float = 0.0,
) -> Pairs:
    """Render and encode both sides of each pair.

    Args:
        pairs: with answers that are not empty.
        template: how conversations become text.
        tokenizer: for the ids.
        max_tokens: the most ids of a side; a pair with a longer one is dropped.
        hold_out: share of the prompts to hold out. By hash, so that it does not depend on the other
            pairs, and all pairs of a prompt lie on one side.

    Raises:
        InputError: the template has no form for a role, or nothing is left to train on.
    """
    trained: list[EncodedPair] = []
    held_out: list[EncodedPair] = []
    dropped: Counter[str] = Counter()
    for pair in track(pairs, "encoding pairs", unit="pairs"):
        chosen, rejected = (
            encode_example(_example(pair, answer), template, tokenizer, max_tokens=max_tokens)
            for answer in (pair.chosen, pair.rejected)
        )
        if isinstance(chosen, Drop) or isinstance(rejected, Drop):
            dropped[f"a side is longer than {max_tokens} tokens"] += 1
        elif np.array_equal(chosen.encoded.ids, rejected.encoded.ids):
            dropped["chosen and rejected are the same"] += 1
        else:
            kept = held_out if _is_held_out(pair, hold_out) else trained
            kept.append(EncodedPair(chosen.encoded, rejected.encoded))
    if not trained:
        why = "; ".join(f"{count} dropped: {name}" for name, count in dropped.items())
        raise InputError(f"no pair is left to train on ({why or 'all are held out'})")
    return Pairs(trained=tuple(trained), held_out=tuple(held_out), dropped=dict(dropped))


def _example(pair: Preference, answer: str) -> Example:
    asked = tuple(Message(role=m.role, content=m.content) for m in pair.prompt)
    told = Message(role="assistant", content=answer, trained=True)
    return Example(id=pair.id, messages=(*asked, told))


def _is_held_out(pair: Preference, share: float) -> bool:
    text = json.dumps([[m.role, m.content] for m in pair.prompt], ensure_ascii=True)
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64
