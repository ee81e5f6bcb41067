"""What every implementation of attention is given, and who sees whom.

Letters: b batch, t query time, s key time, k kv heads, g query heads of each, h head dim.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from jaxtyping import Array, Bool, Float, Int

__all__ = ["HIDDEN", "RESIDUAL", "Implementation", "Marks", "Shard", "seen"]

HIDDEN = -1e30
"""The score of a key that must not be seen; finite, so that no inf - inf can arise."""


RESIDUAL = "attention_residual"
"""Name, for `jax.checkpoint` policies, of what the backward pass needs besides its inputs: output
and normalisers."""


class Marks(NamedTuple):
    """Where queries and keys lie."""

    query_segments: Int[Array, "b t"]
    key_segments: Int[Array, "b s"]
    query_positions: Int[Array, "b t"]
    key_positions: Int[Array, "b s"]


class Shard(NamedTuple):
    """Which queries of the rows are here; keys are always all here, in the order of the row.

    Attributes:
        parts: how many the time axis of the queries is split into.
        number: which of them this is; known when it runs only.
        balanced: the rows were first put in the order of `xgen_model.balance`.
    """

    parts: int = 1
    number: Int[Array, ""] | int = 0
    balanced: bool = False


class Implementation(Protocol):
    """Scaled queries, keys, values and what may be seen → the weighted values.

    Called with what one device holds, or outside a mesh with everything. Queries are those of the
    same tokens as the keys, and no query sees a key that comes after it in the row.
    """

    def __call__(
        self,
        query: Float[Array, "b k g t h"],
        key: Float[Array, "b k s h"],
        value: Float[Array, "b k s h"],
        marks: Marks,
        slopes: Float[Array, "k g"] | None,
        shard: Shard,
    ) -> Float[Array, "b k g t h"]:
        """Attend."""
        ...


def seen(marks: Marks) -> Bool[Array, "b t s"]:
    """Whether a query sees a key: same segment, and not after it."""
    distance = marks.query_positions[:, :, None] - marks.key_positions[:, None, :]
    same = marks.query_segments[:, :, None] == marks.key_segments[:, None, :]
    return same & (distance >= 0)
