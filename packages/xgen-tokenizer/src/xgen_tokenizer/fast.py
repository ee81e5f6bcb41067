"""The fast backend: gigatoken, some twenty times as fast as tiktoken, and never trusted unchecked.

gigatoken is young (0.10, one author), so it is used inside narrow bounds, all of them tested:

- It reads the vocabulary as a `tokenizer.json` without special tokens: with them it would turn
  their names in a text into control ids. XGen's runs of whitespace come along as merges.
- Only for vocabularies cut by GPT-2's pattern.
- Texts with characters that Unicode releases class differently go to the reference (`unsettled`).
- It spends 10 to 25 microseconds on each call or document, so documents are encoded end to end in
  chunks, with a separator of two characters between them that no piece can cross, and cut apart
  by the lengths of their tokens in bytes.
- Before it is chosen it must agree with the reference on `selfcheck_texts`.
"""

from __future__ import annotations

import json
import os
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from xgen_tokenizer.selfcheck import first_difference, selfcheck_texts
from xgen_tokenizer.tokenizer_json import tokenizer_json
from xgen_tokenizer.unsettled import has_unsettled
from xgen_tokenizer.vocabulary import GPT2_PATTERN, Vocabulary

if TYPE_CHECKING:
    import numpy.typing as npt

    Ids = npt.NDArray[np.uint32]

__all__ = ["EXTRA", "Backend", "FastEncoder", "choose_backend"]

EXTRA = "xgen-tokenizer[fast]"

_CHUNK_BYTES = 1 << 18
_THREADS_FROM_BYTES = 1 << 22
"""From here on gigatoken's threads pay for the array library that its batches come in."""

_THREADS_FROM_CORES = 4
"""Its threads take some 1.7 times the CPU time of its plain call: on two cores nothing is won."""

_BEFORE_WORD = b"\n!"
_BEFORE_MARK = b"\na"


@dataclass(frozen=True, slots=True)
class Backend:
    """What encodes batches, and why.

    Attributes:
        name: `"fast"` (gigatoken) or `"tiktoken"`.
        reason: one line for people.
        encoder: the fast one, or None for tiktoken.
    """

    name: Literal["fast", "tiktoken"]
    reason: str
    encoder: FastEncoder | None = None


class FastEncoder:
    """Encodes batches of texts with gigatoken.

    Args:
        vocabulary: cut by `GPT2_PATTERN`.
        reference: ids of one text, for the texts that are not gigatoken's.
        threads: encode large batches on gigatoken's threads; None for where there are cores enough.

    Raises:
        ImportError: gigatoken is not installed.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        reference: Callable[[str], Ids],
        *,
        threads: bool | None = None,
    ) -> None:
        import gigatoken

        content = json.dumps(tokenizer_json(vocabulary, specials=False))
        self._tokenizer: Any = gigatoken.Tokenizer.from_json(content)
        self._encode: Callable[[bytes], Ids] = self._tokenizer.backend.encode
        self._reference = reference
        enough = (os.cpu_count() or 1) >= _THREADS_FROM_CORES
        self._threads = enough if threads is None else threads
        self._lengths = np.zeros(vocabulary.size, dtype=np.int32)
        for token, rank in vocabulary.ranks.items():
            self._lengths[rank] = len(token)

    def encode_batch(self, texts: Sequence[str]) -> tuple[Ids, npt.NDArray[np.uint64]]:
        """Ids of all texts end to end, and the offset of each with the end of the last.

        Raises:
            ValueError: a text has a lone surrogate.
        """
        chunks = _chunks(texts)
        encoded = iter(self._encode_all([chunk.data for chunk in chunks if chunk.data is not None]))
        ids: list[Ids] = []
        counts = np.zeros(len(texts) + 1, dtype=np.int64)
        for chunk in chunks:
            first, last = chunk.first, chunk.first + chunk.documents
            if chunk.data is None:
                ids.append(self._reference(texts[first]))
                counts[last] = len(ids[-1])
            else:
                parts, counts[first + 1 : last + 1] = self._apart(next(encoded), chunk)
                ids += parts
        joined = np.concatenate(ids) if ids else np.zeros(0, dtype=np.uint32)
        return joined, np.cumsum(counts).astype(np.uint64)

    def _encode_all(self, chunks: list[bytes]) -> Sequence[Ids]:
        if sum(map(len, chunks)) < _THREADS_FROM_BYTES or not self._threads:
            return [self._encode(chunk) for chunk in chunks]
        # its own threads; one thread where this process is a worker among others, or was forked
        layout = self._tokenizer.encode_batch(chunks).layout
        content = np.asarray(layout.content.data)
        offsets = np.asarray(layout.offsets.data)
        return np.split(content[: offsets[-1]], offsets[1:-1])

    def _apart(self, ids: Ids, chunk: _Chunk) -> tuple[list[Ids], npt.NDArray[np.int64]]:
        """The ids of each document of a chunk, separators left out, and how many they are."""
        if chunk.documents == 1:
            return [ids], np.array([len(ids)])
        # int32 is faster, but a chunk may end in a document of any size
        kind = np.int32 if len(chunk.data or b"") < 1 << 31 else np.int64
        ends = np.cumsum(np.take(self._lengths, ids), dtype=kind)
        # every document but the first begins after a separator, which is two tokens
        starts = np.searchsorted(ends, np.array(chunk.starts[1:], dtype=kind)) + 1
        bounds = np.concatenate(([0], starts, [len(ids) + 2]))
        edges = bounds.tolist()
        parts = [ids[begin : end - 2] for begin, end in pairwise(edges)]
        return parts, np.diff(bounds) - 2


@dataclass(slots=True)
class _Chunk:
    """Consecutive documents: encoded end to end, or a single one left to the reference.

    Attributes:
        first: index of the first document.
        documents: how many.
        data: their bytes with separators; None for the reference.
        starts: byte at which each begins.
    """

    first: int
    documents: int
    data: bytes | None
    starts: Sequence[int] = ()


def _chunks(texts: Sequence[str]) -> list[_Chunk]:
    chunks: list[_Chunk] = []
    parts: list[bytes] = []
    starts: list[int] = []
    size = 0

    def close(end: int) -> None:
        nonlocal parts, starts, size
        if starts:
            chunks.append(_Chunk(end - len(starts), len(starts), b"".join(parts), starts))
        parts, starts, size = [], [], 0

    for index, text in enumerate(texts):
        try:
            unsettled = has_unsettled(text)
        except UnicodeEncodeError:
            unsettled = True  # a lone surrogate: the reference says where
        if unsettled:
            close(index)
            chunks.append(_Chunk(index, 1, None))
            continue
        separator = _separator(text)
        if separator is None or size >= _CHUNK_BYTES:
            close(index)
        if parts and separator:
            parts.append(separator)
            size += len(separator)
        data = text.encode()
        starts.append(size)
        parts.append(data)
        size += len(data)
    close(len(texts))
    return chunks


def _separator(text: str) -> bytes | None:
    """What may stand before a document without changing a piece of it or of the one before.

    A line feed and a mark. The line feed is the last of the whitespace before the mark, so it
    is a piece of its own and the whitespace that ended the document before stays together; nothing
    else of that document can join with it. The mark is of another class than the character that
    follows, so that is a piece of its own too: both are one token each.

    Returns:
        None for a character whose class is not plain to see: the text must begin a chunk.
    """
    first = text[:1]
    if not first or first.isalpha() or first in "0123456789 \t\n\r":
        return _BEFORE_WORD
    return _BEFORE_MARK if first.isascii() and first.isprintable() else None


_chosen: dict[str, Backend] = {}
_choosing = threading.Lock()


def choose_backend(vocabulary: Vocabulary, reference: Callable[[str], Ids]) -> Backend:
    """The fast backend if it can be had and gives the reference's ids; decided once a process.

    Takes about a second for 50,000 tokens. Warns (once) if gigatoken is there but not right.
    """
    with _choosing:
        key = vocabulary.fingerprint()
        if key not in _chosen:
            _chosen[key] = _choose(vocabulary, reference)
        return _chosen[key]


def _choose(vocabulary: Vocabulary, reference: Callable[[str], Ids]) -> Backend:
    if vocabulary.pattern != GPT2_PATTERN:
        return Backend("tiktoken", "the fast backend knows GPT-2's pattern only")
    try:
        encoder = FastEncoder(vocabulary, reference)
    except ImportError:
        return Backend("tiktoken", f"gigatoken is not installed: pip install '{EXTRA}'")
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise  # Rust's panics are no Exceptions; what else is none is not ours
        return _refused(f"gigatoken cannot load this vocabulary: {error}")
    texts = selfcheck_texts(vocabulary.specials)
    difference = first_difference(texts, lambda text: reference(text).tolist(), _lists(encoder))
    if difference is not None:
        return _refused(f"gigatoken fails its self-check: {difference}")
    return Backend("fast", f"gigatoken, equal to tiktoken on {len(texts)} texts", encoder)


def _lists(encoder: FastEncoder) -> Callable[[Sequence[str]], list[list[int]]]:
    def encode(texts: Sequence[str]) -> list[list[int]]:
        ids, offsets = encoder.encode_batch(texts)
        return [part.tolist() for part in np.split(ids, offsets[1:-1].astype(np.int64))]

    return encode


def _refused(reason: str) -> Backend:
    warnings.warn(f"{reason}; using tiktoken", RuntimeWarning, stacklevel=4)
    return Backend("tiktoken", reason)
