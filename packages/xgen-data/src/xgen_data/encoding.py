"""Text to ids: the one place where segments and documents meet a tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xgen_core import Document, Segment, Tokenizer

__all__ = ["Encoded", "encode", "encode_document", "encode_many", "encode_texts"]


class Encoded(NamedTuple):
    """Ids and their loss mask.

    Attributes:
        ids: `[t]` uint32.
        mask: `[t]` uint8, 1 where the id is a target of the loss.
    """

    ids: npt.NDArray[np.uint32]
    mask: npt.NDArray[np.uint8]


def encode(segments: Sequence[Segment], tokenizer: Tokenizer) -> Encoded:
    """Encode segments end to end; no BOS or EOS is added.

    Neighbours of equal `trained` and `special` are joined first, so where a text was cut up does
    not change its ids. At other seams a token never spans two segments.

    Args:
        segments: in order; empty ones do nothing.
        tokenizer: special tokens are read in segments with `special` set, and only there.
    """
    joined = _joined(segments)
    parts = [tokenizer.encode(text, specials=special) for text, _, special in joined]
    ids = np.array([i for part in parts for i in part], np.uint32)
    trained = np.array([trained for _, trained, _ in joined], np.uint8)
    return Encoded(ids, np.repeat(trained, np.array([len(part) for part in parts], np.intp)))


def _joined(segments: Sequence[Segment]) -> list[tuple[str, bool, bool]]:
    """Text, trained, special; neighbours of equal status in one."""
    joined: list[tuple[list[str], bool, bool]] = []
    for segment in segments:
        if not segment.text:
            continue
        if joined and joined[-1][1:] == (segment.trained, segment.special):
            joined[-1][0].append(segment.text)
        else:
            joined.append(([segment.text], segment.trained, segment.special))
    return [("".join(texts), trained, special) for texts, trained, special in joined]


def encode_many(
    documents: Sequence[Sequence[Segment]], tokenizer: Tokenizer
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """`encode` for many documents at once, each between BOS, where there is one, and EOS.

    Returns:
        All ids end to end, their mask (BOS and EOS are trained), and `[documents + 1]` offsets.
    """
    pieces: list[tuple[str, bool, bool]] = []
    last: list[int] = []  # for each document, how many pieces there are up to its end
    begin = [] if tokenizer.bos_id is None else [(_name(tokenizer, tokenizer.bos_id), True, True)]
    end = (_name(tokenizer, tokenizer.eos_id), True, True)
    for segments in documents:
        pieces += [*begin, *_joined(segments), end]
        last.append(len(pieces))
    batch = tokenizer.encode_batch([text for text, _, special in pieces if not special])
    plain = np.frombuffer(batch.ids, np.uint32) if batch.ids.nbytes else np.empty(0, np.uint32)
    edges = np.frombuffer(batch.offsets, np.uint64).astype(np.int64)
    known = {
        text: np.array(tokenizer.encode(text, specials=True), np.uint32)
        for text in {text for text, _, special in pieces if special}
    }
    found: list[npt.NDArray[np.uint32]] = []
    number = 0
    for text, _, special in pieces:
        if special:
            found.append(known[text])
        else:
            found.append(plain[edges[number] : edges[number + 1]])
            number += 1
    sizes = np.array([len(ids) for ids in found], np.int64)
    mask = np.repeat(np.array([trained for _, trained, _ in pieces], np.uint8), sizes)
    total = np.concatenate([[0], np.cumsum(sizes)])
    ids = np.concatenate(found) if found else np.empty(0, np.uint32)
    return ids, mask, total[np.array([0, *last])]


def _name(tokenizer: Tokenizer, token_id: int) -> str:
    return next(name for name, known in tokenizer.special_ids.items() if known == token_id)


def encode_document(document: Document, tokenizer: Tokenizer) -> Encoded:
    """A document's ids between BOS, where the tokenizer has one, and EOS; all of them trained."""
    ids, _ = encode_texts([document.text], tokenizer)
    return Encoded(ids, np.ones(len(ids), np.uint8))


def encode_texts(
    texts: Sequence[str], tokenizer: Tokenizer
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """`encode_document` for many texts at once.

    Returns:
        All ids end to end, and `[len(texts) + 1]` offsets: text `i` is `ids[o[i]:o[i + 1]]`.
    """
    batch = tokenizer.encode_batch(texts)
    plain = np.frombuffer(batch.ids, np.uint32) if batch.ids.nbytes else np.empty(0, np.uint32)
    offsets = np.frombuffer(batch.offsets, np.uint64).astype(np.int64)
    framing = [i for i in (tokenizer.bos_id, tokenizer.eos_id) if i is not None]
    where = np.stack([offsets[:-1], offsets[1:]][-len(framing) :], axis=1)
    ids = np.insert(plain, where.reshape(-1), framing * len(texts))
    return ids, offsets + len(framing) * np.arange(len(offsets))
