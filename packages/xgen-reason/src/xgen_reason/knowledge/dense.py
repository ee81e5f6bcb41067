"""Texts ranked by the distance of sentence embeddings, as Verify-and-Edit does: extra `[dense]`.

The weights are a model's own and come from where sentence-transformers looks for them; a directory
may be given instead of a name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xgen_core import MissingExtraError

__all__ = ["PAPER_MODEL", "Dense", "Encoder"]

PAPER_MODEL = "sentence-transformers/paraphrase-MiniLM-L6-v2"
"""384 dimensions; what Verify-and-Edit ranks sentences with, by Euclidean distance."""

Encoder = Callable[[Sequence[str]], NDArray[np.floating]]
"""Texts to vectors `[n, d]`."""


class Dense:
    """Ranks by embeddings.

    Args:
        measure: `euclidean`, as in the paper, or `cosine`.
        model: a name or directory that sentence-transformers knows.
        encoder: used instead of a model.

    Raises:
        MissingExtraError: sentence-transformers is not installed, and no encoder is given.
    """

    def __init__(
        self,
        *,
        measure: Literal["euclidean", "cosine"] = "euclidean",
        model: str = PAPER_MODEL,
        encoder: Encoder | None = None,
    ) -> None:
        if measure not in ("euclidean", "cosine"):
            raise ValueError(f"measure is 'euclidean' or 'cosine', not {measure!r}")
        self._measure = measure
        self._encode = _load(model) if encoder is None else encoder

    @property
    def floor(self) -> float:
        """Every text has some distance: none is ruled out."""
        return -np.inf

    @property
    def titled(self) -> bool:
        """No: the paper embeds sentences alone."""
        return False

    def scores(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Minus the distance, or the cosine."""
        if not texts:
            return np.zeros(0)
        vectors = np.asarray(self._encode([query, *texts]), np.float64)
        asked, there = vectors[0], vectors[1:]
        if self._measure == "euclidean":
            return -np.linalg.norm(there - asked, axis=1)
        norms = np.linalg.norm(there, axis=1) * np.linalg.norm(asked)
        return there @ asked / np.where(norms > 0, norms, 1.0)


def _load(model: str) -> Encoder:
    try:
        from sentence_transformers import (  # pyright: ignore[reportMissingImports]
            SentenceTransformer,
        )
    except ImportError:
        raise MissingExtraError("dense ranking", "xgen-reason[dense]") from None
    loaded = SentenceTransformer(model)

    def encode(texts: Sequence[str]) -> NDArray[np.floating]:
        return loaded.encode(list(texts), convert_to_numpy=True, show_progress_bar=False)

    return encode
