"""How surprising a text is to an n-gram model of bytes, and in which part of a crawl that puts it.

CCNet (Wenzek et al. 2020) trains a model on Wikipedia, ranks pages by perplexity and cuts them at
the 30th and 60th percentile into head, middle and tail; RedPajama keeps head and middle. CCNet's
model is over word pieces, ours over bytes: no tokenizer, any language, nothing out of vocabulary.
Interpolated modified Kneser-Ney (Chen and Goodman 1999); n-grams are exact, as eight bytes fit a
64-bit integer. Perplexities are per byte, so they compare with each other and not with CCNet's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from xgen_core import Document, InputError
from xgen_data.steps.arrays import QUANTILES, load_arrays, quantile_of, save_arrays
from xgen_data.steps.step import Drop

__all__ = ["Bucket", "ByteModel", "Perplexity", "load_byte_model", "train_byte_model"]

Bucket = Literal["head", "middle", "tail"]
_FORMAT, _VERSION = "xgen-byte-model", 1
_CHUNK = 2**24
_Keys = npt.NDArray[np.uint64]


def _windows(data: npt.NDArray[np.uint8], n: int) -> _Keys:
    """Every byte with the n - 1 before it, packed; `data` begins with n - 1 bytes of padding."""
    count = len(data) - n + 1
    keys = np.zeros(count, np.uint64)
    for i in range(n):
        keys <<= np.uint64(8)
        keys |= data[i : i + count]
    return keys


def _padded(text: str, order: int) -> npt.NDArray[np.uint8]:
    return np.frombuffer(b"\0" * (order - 1) + text.encode("utf-8"), np.uint8)


def _chunks(texts: Iterable[str], order: int) -> Iterator[_Keys]:
    held: list[_Keys] = []
    size = 0
    for text in texts:
        keys = _windows(_padded(text, order), order)
        held.append(keys)
        size += len(keys)
        if size >= _CHUNK:
            yield np.concatenate(held)
            held, size = [], 0
    if size:
        yield np.concatenate(held)


def _count(texts: Iterable[str], order: int) -> tuple[_Keys, npt.NDArray[np.int64]]:
    keys, counts = np.empty(0, np.uint64), np.empty(0, np.int64)
    for chunk in _chunks(texts, order):
        new, seen = np.unique(chunk, return_counts=True)
        keys, where = np.unique(np.concatenate([keys, new]), return_inverse=True)
        counts = np.bincount(where, np.concatenate([counts, seen])).astype(np.int64)
    return keys, counts


def _discounts(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """What to take off counts of 1, 2 and more: from counts of counts, as in the paper."""
    n1, n2, n3, n4 = (max(int((counts == i).sum()), 1) for i in (1, 2, 3, 4))
    base = n1 / (n1 + 2 * n2)
    raw = [1 - 2 * base * n2 / n1, 2 - 3 * base * n3 / n2, 3 - 4 * base * n4 / n3]
    return np.array([0.0, *(min(max(d, 0.1), i + 0.9) for i, d in enumerate(raw))])


@dataclass(frozen=True)
class ByteModel:
    """A trained model.

    Attributes:
        order: bytes of an n-gram, the last of them predicted.
        keys, shares: per n from 1 to `order`: sorted n-grams, and the probability of each that no
            shorter n-gram need supply.
        contexts, rests: per n: sorted contexts of n - 1 bytes, and the probability that is left to
            shorter n-grams there.
        quantiles: `[1001]` perplexities of the calibration documents, or empty.
        path: where it was loaded from, for messages.
    """

    order: int
    keys: tuple[_Keys, ...]
    shares: tuple[npt.NDArray[np.float32], ...]
    contexts: tuple[_Keys, ...]
    rests: tuple[npt.NDArray[np.float32], ...]
    quantiles: npt.NDArray[np.float64]
    path: str = "model"

    def probabilities(self, text: str) -> npt.NDArray[np.float64]:
        """`[bytes]`: of each byte of the text, given those before it."""
        data = _padded(text, self.order)
        windows = _windows(data, self.order)
        found = np.full(len(windows), 1 / 256)
        for n in range(1, self.order + 1):
            grams = windows & np.uint64(256**n - 1) if n < 8 else windows
            rest = _lookup(self.contexts[n - 1], self.rests[n - 1], grams >> np.uint64(8), 1.0)
            found = _lookup(self.keys[n - 1], self.shares[n - 1], grams, 0.0) + rest * found
        return found

    def perplexity(self, text: str) -> float:
        """Per byte, from 1 upwards; infinite for no text."""
        if not text:
            return float("inf")
        return float(np.exp(-np.log(self.probabilities(text)).mean()))


def _lookup(
    keys: _Keys, values: npt.NDArray[np.float32], wanted: _Keys, missing: float
) -> npt.NDArray[np.float64]:
    where = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[where] == wanted, values[where], missing)


def train_byte_model(
    texts: Iterable[str],
    path: Path | str,
    *,
    calibration: Iterable[str] = (),
    order: int = 5,
    min_count: int = 1,
) -> Path:
    """Count the n-grams of texts and write the model to `path`.

    Equal texts, in whatever order, give an equal file. Memory is about 40 bytes for every distinct
    n-gram and 8 for every byte of 16 MB of text.

    Args:
        texts: good text, of one language.
        path: a `.npz` file.
        calibration: texts of the kind that will be ranked; needed for buckets.
        order: bytes of an n-gram, 2 to 8.
        min_count: longest n-grams seen less often are left out, for a smaller file.

    Raises:
        InputError: no text.
    """
    if not 2 <= order <= 8 or min_count < 1:
        raise ValueError("order must lie in [2, 8] and min_count must be positive")
    keys, counts = _count(texts, order)
    if not len(keys):
        raise InputError("no text to train a byte model on")
    arrays: dict[str, npt.NDArray[np.uint64] | npt.NDArray[np.float32]] = {}
    for n in range(order, 0, -1):
        context = keys >> np.uint64(8)
        contexts, where = np.unique(context, return_inverse=True)
        totals = np.bincount(where, counts)
        shares = (counts - _discounts(counts)[np.minimum(counts, 3)]) / totals[where]
        shorter = keys & np.uint64(256 ** (n - 1) - 1)
        if n == order and min_count > 1:
            often = counts >= min_count
            left = keys[often]
            shares, where = shares[often], where[often]
        else:
            left = keys
        rests = 1 - np.bincount(where, shares, len(contexts))
        arrays |= {
            f"keys{n}": left,
            f"shares{n}": shares.astype(np.float32),
            f"contexts{n}": contexts,
            f"rests{n}": np.clip(rests, 0, 1).astype(np.float32),
        }
        # Kneser-Ney: a shorter n-gram counts by how many different bytes were seen before it.
        keys, counts = np.unique(shorter, return_counts=True)
    model = _model(order, arrays, np.empty(0), str(path))
    values = np.array([model.perplexity(text) for text in calibration if text])
    quantiles = np.quantile(values, QUANTILES) if len(values) else np.empty(0)
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "order": order,
        "min_count": min_count,
        "calibration": len(values),
    }
    return save_arrays(path, header, {**arrays, "quantiles": quantiles})


def _model(order: int, arrays: dict, quantiles: npt.NDArray[np.float64], path: str) -> ByteModel:
    keys, shares, contexts, rests = (
        tuple(arrays[f"{name}{n}"] for n in range(1, order + 1))
        for name in ("keys", "shares", "contexts", "rests")
    )
    return ByteModel(order, keys, shares, contexts, rests, quantiles, path)


@lru_cache(maxsize=4)
def _load(path: str, changed: int) -> ByteModel:
    header, arrays = load_arrays(path, name=_FORMAT, version=_VERSION)
    return _model(int(header["order"]), arrays, arrays["quantiles"], path)


def load_byte_model(path: Path | str) -> ByteModel:
    """Load what `train_byte_model` wrote; loaded once a process for as long as it does not change.

    Raises:
        InputError: no such file.
        FormatError: it is something else, or damaged.
    """
    file = Path(path)
    return _load(str(file), file.stat().st_mtime_ns if file.exists() else 0)


@dataclass(frozen=True, kw_only=True)
class Perplexity:
    """Write `perplexity.value` and, of a calibrated model, `perplexity.bucket`.

    Attributes:
        model: a file that `train_byte_model` wrote.
        keep: buckets to keep; all: tag only. RedPajama kept head and middle.
        head, middle: where the buckets end, as shares of the calibration documents (CCNet's).
    """

    model: Path
    kind: Literal["perplexity"] = "perplexity"
    keep: tuple[Bucket, ...] = ("head", "middle", "tail")
    head: float = 0.3
    middle: float = 0.6

    writes: ClassVar[tuple[str, ...]] = ("perplexity.value", "perplexity.bucket")

    def __post_init__(self) -> None:
        if not 0 < self.head <= self.middle <= 1:
            raise ValueError(
                f"0 < head <= middle <= 1 must hold, got head {self.head}, middle {self.middle}"
            )

    def apply(self, documents: Sequence[Document]) -> list[Document | Drop]:
        """The documents, tagged, or that their bucket is not kept."""
        model = load_byte_model(self.model)
        ranked = len(model.quantiles) > 0 or len(set(self.keep)) < 3
        shares = (self.head, self.middle) if ranked else ()
        cuts = [quantile_of(model.quantiles, share, model.path) for share in shares]
        results: list[Document | Drop] = []
        for document in documents:
            if not document.text:
                results.append(Drop(reason="no text"))
                continue
            value = model.perplexity(document.text)
            tags: dict[str, str | float] = {"perplexity.value": round(value, 4)}
            if ranked:
                bucket: Bucket = "tail"
                if value <= cuts[1]:
                    bucket = "head" if value <= cuts[0] else "middle"
                if bucket not in self.keep:
                    results.append(Drop(reason=f"{bucket} of the perplexities"))
                    continue
                tags["perplexity.bucket"] = bucket
            results.append(replace(document, metadata={**document.metadata, **tags}))
        return results
