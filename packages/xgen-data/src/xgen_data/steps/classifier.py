"""A linear classifier of text quality that is trained, stored and run with numpy alone.

What it is for: C4 was filtered for XGen by "a linear Wikipedia-like classifier", keeping the best
fifth; RedPajama and GPT-3 did alike. Positive examples are text one wants more of (Wikipedia, or
pages that it cites), negative ones random pages. Words and pairs of words are hashed into a fixed
number of weights (Weinberger et al. 2009); logistic regression by Adagrad (Duchi et al. 2011).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from xgen_core import Document, InputError
from xgen_data.steps.arrays import QUANTILES, load_arrays, quantile_of, save_arrays
from xgen_data.steps.step import Drop
from xgen_data.steps.words import split_words

__all__ = [
    "Classifier",
    "LinearModel",
    "accuracy",
    "load_classifier",
    "quantile_threshold",
    "train_classifier",
]

_FORMAT, _VERSION = "xgen-text-classifier", 1
_MIX = np.uint64(0x9E3779B97F4A7C15)
_CHARACTERS = 20_000
_BATCH = 32


class _Hashes(dict[str, int]):
    """A word's hash, computed once; equal on every machine."""

    def __missing__(self, word: str) -> int:
        if len(self) > 2**20:
            self.clear()
        value = self[word] = zlib.crc32(word.encode("utf-8", "surrogatepass"))
        return value


_HASHES = _Hashes()


class _Features(NamedTuple):
    """One text: distinct indices of weights, and a value for each; the values have length 1."""

    indices: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]


def _features(text: str, bits: int, ngrams: int) -> _Features:
    words = split_words(text[:_CHARACTERS].lower())
    first = np.fromiter(map(_HASHES.__getitem__, words), np.uint64, len(words))
    parts: list[npt.NDArray[np.uint64]] = []
    hashes = first
    for n in range(1, ngrams + 1):
        if n > 1:
            hashes = hashes[: max(len(first) - n + 1, 0)] * _MIX + first[n - 1 :]
        parts.append((hashes + np.uint64(n)) * _MIX >> np.uint64(64 - bits))
    indices, counts = np.unique(np.concatenate(parts), return_counts=True)
    values = np.log1p(counts).astype(np.float32)
    if len(values):
        values /= np.float32(np.sqrt(values @ values))
    return _Features(indices.astype(np.int64), values)


@dataclass(frozen=True)
class LinearModel:
    """A trained classifier.

    Attributes:
        weights: `[2 ** bits]` float32.
        bias: of every text.
        bits: weights are this many bits of a hash.
        ngrams: longest n-gram of words.
        quantiles: `[1001]` scores of the calibration documents, or empty.
        path: where it was loaded from, for messages.
    """

    weights: npt.NDArray[np.float32]
    bias: float
    bits: int
    ngrams: int
    quantiles: npt.NDArray[np.float64]
    path: str = "model"

    def scores(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """`[len(texts)]`: the probability that each is a positive example."""
        logits = np.empty(len(texts))
        for i, text in enumerate(texts):
            indices, values = _features(text, self.bits, self.ngrams)
            logits[i] = float(self.weights[indices] @ values) + self.bias
        return 1 / (1 + np.exp(-logits))


def train_classifier(
    positive: Iterable[str],
    negative: Iterable[str],
    path: Path | str,
    *,
    calibration: Iterable[str] = (),
    bits: int = 18,
    ngrams: int = 2,
    epochs: int = 5,
    rate: float = 0.5,
    seed: int = 0,
) -> Path:
    """Train on texts of two kinds and write the model to `path`.

    Equal input and settings give an equal file. Each kind weighs the same, however many texts it
    has. All features are held in memory: about 12 bytes for every distinct word and pair in a text.

    Args:
        positive: texts one wants more of.
        negative: texts as they come.
        path: a `.npz` file.
        calibration: texts of the kind that will be filtered; needed for `keep_top`.
        bits: 2 ** bits weights of four bytes.
        ngrams: longest n-gram of words.
        epochs: how often all texts are seen.
        rate: Adagrad's step.
        seed: of the order in which texts are seen.

    Raises:
        InputError: one of the two kinds is empty.
    """
    if not 8 <= bits <= 26 or ngrams < 1 or epochs < 1:
        raise ValueError("bits must lie in [8, 26], ngrams and epochs must be positive")
    kinds = [[_features(text, bits, ngrams) for text in texts] for texts in (negative, positive)]
    if not all(kinds):
        empty = "positive" if not kinds[1] else "negative"
        raise InputError(f"no {empty} example to train a classifier on")
    texts = [*kinds[0], *kinds[1]]
    labels = np.repeat([0.0, 1.0], [len(kinds[0]), len(kinds[1])])
    share = len(texts) / 2 / np.where(labels == 1, len(kinds[1]), len(kinds[0]))
    weights = np.zeros(2**bits, np.float64)
    squares = np.full(2**bits, 1e-8)
    bias, bias_square = 0.0, 1e-8
    order = np.random.default_rng(seed)
    for _ in range(epochs):
        shuffled = order.permutation(len(texts))
        for start in range(0, len(texts), _BATCH):
            chosen = shuffled[start : start + _BATCH]
            batch = [texts[i] for i in chosen]
            rows = np.repeat(np.arange(len(batch)), [len(f.indices) for f in batch])
            indices = np.concatenate([f.indices for f in batch])
            values = np.concatenate([f.values for f in batch]).astype(np.float64)
            logits = np.bincount(rows, values * weights[indices], len(batch)) + bias
            errors = (1 / (1 + np.exp(-logits)) - labels[chosen]) * share[chosen] / len(batch)
            used, where = np.unique(indices, return_inverse=True)
            gradient = np.bincount(where, values * errors[rows], len(used))
            squares[used] += gradient**2
            weights[used] -= rate * gradient / np.sqrt(squares[used])
            bias_square += float(errors.sum()) ** 2
            bias -= rate * float(errors.sum()) / float(np.sqrt(bias_square))
    model = LinearModel(weights.astype(np.float32), bias, bits, ngrams, np.empty(0))
    scores = model.scores(list(calibration))
    quantiles = np.quantile(scores, QUANTILES) if len(scores) else np.empty(0)
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "bits": bits,
        "ngrams": ngrams,
        "bias": bias,
        "positive": len(kinds[1]),
        "negative": len(kinds[0]),
        "calibration": len(scores),
    }
    return save_arrays(path, header, {"weights": model.weights, "quantiles": quantiles})


@lru_cache(maxsize=8)
def _load(path: str, changed: int) -> LinearModel:
    header, arrays = load_arrays(path, name=_FORMAT, version=_VERSION)
    return LinearModel(
        weights=arrays["weights"],
        bias=float(header["bias"]),
        bits=int(header["bits"]),
        ngrams=int(header["ngrams"]),
        quantiles=arrays["quantiles"],
        path=path,
    )


def load_classifier(path: Path | str) -> LinearModel:
    """Load what `train_classifier` wrote; loaded once a process for as long as it does not change.

    Raises:
        InputError: no such file.
        FormatError: it is something else, or damaged.
    """
    file = Path(path)
    return _load(str(file), file.stat().st_mtime_ns if file.exists() else 0)


def quantile_threshold(texts: Iterable[str], model: Path | str, keep: float) -> float:
    """The score at or above which the best `keep` of some texts lie.

    Raises:
        InputError: there are no texts.
    """
    if not 0 < keep <= 1:
        raise ValueError(f"keep must lie in (0, 1], got {keep}")
    scores = load_classifier(model).scores(list(texts))
    if not len(scores):
        raise InputError(f"{model}: no texts to find a threshold with")
    return float(np.quantile(scores, 1 - keep))


def accuracy(model: Path | str, positive: Iterable[str], negative: Iterable[str]) -> float:
    """Mean of the two shares of held-out texts that are on their side of 0.5."""
    loaded = load_classifier(model)
    good, bad = loaded.scores(list(positive)), loaded.scores(list(negative))
    if not len(good) or not len(bad):
        raise InputError("accuracy needs held-out texts of both kinds")
    return float(((good >= 0.5).mean() + (bad < 0.5).mean()) / 2)


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """Score documents, and drop those below a threshold, or all but the best of their kind.

    Writes `classifier.score`.

    Attributes:
        model: a file that `train_classifier` wrote.
        threshold: keep scores from here on; RedPajama kept 0.25 and above.
        keep_top: keep what would be the best share of the model's calibration documents: 0.2 for
            the C4 of XGen. With neither, documents are only scored.
    """

    model: Path
    kind: Literal["classifier"] = "classifier"
    threshold: float | None = None
    keep_top: float | None = None

    writes: ClassVar[tuple[str, ...]] = ("classifier.score",)

    def __post_init__(self) -> None:
        if self.threshold is not None and self.keep_top is not None:
            raise ValueError("give a classifier threshold or keep_top, not both")
        if self.keep_top is not None and not 0 < self.keep_top <= 1:
            raise ValueError(f"keep_top must lie in (0, 1], got {self.keep_top}")

    def apply(self, documents: Sequence[Document]) -> list[Document | Drop]:
        """The documents with their scores, or that they score too low."""
        model = load_classifier(self.model)
        limit = -1.0 if self.threshold is None else self.threshold
        if self.keep_top is not None:
            limit = quantile_of(model.quantiles, 1 - self.keep_top, model.path)
        results: list[Document | Drop] = []
        scores = model.scores([document.text for document in documents]).tolist()
        for document, score in zip(documents, scores, strict=True):
            if score < limit:
                results.append(Drop(reason="low score"))
            else:
                tags = {"classifier.score": round(score, 4)}
                results.append(replace(document, metadata={**document.metadata, **tags}))
        return results
