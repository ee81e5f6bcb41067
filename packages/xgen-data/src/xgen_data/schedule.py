"""What a schedule is made of: how long the lines are, and the stages in which they are read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["LineSize", "Packing", "Stage"]

Packing = Literal["concat", "best_fit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSize:
    """How long a source's token line is, and in blocks of how many tokens it is shuffled."""

    tokens: int
    block_tokens: int

    def __post_init__(self) -> None:
        if self.tokens < 0 or self.block_tokens < 1:
            raise ValueError(f"a line has tokens >= 0 and block_tokens >= 1, got {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stretch of training with one sequence length, one batch size and one mixture.

    Attributes:
        sequence_length: T, in tokens.
        batch_size: rows in a step, over all hosts.
        steps: how many steps the stage lasts.
        weights: share of the *tokens* by source; scaled to sum to one. A source may weigh 0.
        packing: `"concat"`: windows are cut from the line as it stands, as XGen's authors did.
            `"best_fit"`: documents are put together so that few are cut (`xgen_data.packing`).
        planned_steps: how many steps it was to last when it began, if a change cut it short; 0 if
            none did. `Order.changed` sets it.
    """

    sequence_length: int
    batch_size: int
    steps: int
    weights: Mapping[str, float]
    packing: Packing = "concat"
    planned_steps: int = 0

    def __post_init__(self) -> None:
        if min(self.sequence_length, self.batch_size, self.steps) < 1:
            raise ValueError("a stage needs sequence_length, batch_size and steps of at least 1")
        if self.planned_steps and self.planned_steps < self.steps:
            raise ValueError(f"a stage of {self.planned_steps} steps cannot last {self.steps}")
        weights = list(self.weights.values())
        if not all(math.isfinite(w) and w >= 0 for w in weights) or not sum(weights) > 0:
            raise ValueError(
                f"weights must be finite, not negative and not all zero, got {dict(self.weights)}"
            )

    @property
    def tokens(self) -> int:
        """Input tokens of the whole stage."""
        return self.steps * self.batch_size * self.sequence_length
