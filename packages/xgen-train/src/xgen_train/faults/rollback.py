"""Back to a checkpoint and past the batches behind it, when updates are refused in a row.

PaLM's remedy (Chowdhery et al. 2022, §5.1): go back to a checkpoint from before the spike and leave
out some hundred batches. What has been decided is written down before anything follows from it, so
a run that is killed at any moment afterwards goes on in the same way.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from xgen_core import XgenError
from xgen_train.events import EventLog
from xgen_train.recipe import GuardRecipe

__all__ = ["DivergedError", "Rollback", "Rollbacks"]


class DivergedError(XgenError):
    """Loss or gradients stay not finite, or far above what was usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """One return.

    Attributes:
        checkpoint: the step that the run went back to.
        until: the last step whose batch is passed over; the first is `checkpoint + 1`.
    """

    checkpoint: int
    until: int


class Rollbacks:
    """All returns of a run, as its events tell them.

    Args:
        recipe: when to go back, and how far to pass over.
        events: of the run.
    """

    def __init__(self, recipe: GuardRecipe, events: EventLog) -> None:
        self._recipe, self._events = recipe, events
        self._made = [
            Rollback(checkpoint=row["checkpoint"], until=row["until"])
            for row in events.rows("rollback")
        ]

    def __len__(self) -> int:
        return len(self._made)

    def passing_over(self, step: int) -> int:
        """The number of the latest return that leaves out the batch of a step; 0 for none."""
        found = (n for n, r in enumerate(self._made, 1) if r.checkpoint < step <= r.until)
        return max(found, default=0)

    def holds(self, step: int, made: int) -> bool:
        """Whether a checkpoint still belongs to the run.

        Args:
            step: of the checkpoint.
            made: returns that had been made when it was saved.
        """
        return all(step <= r.checkpoint for r in self._made[made:])

    def go_back(
        self, refused: range, checkpoints: Collection[int], end: int, figures: dict[str, Any]
    ) -> Rollback:
        """Decide on a return, and write it down.

        Args:
            refused: the steps whose updates were refused.
            checkpoints: the steps that there are.
            end: of the run.
            figures: of the last refused step.

        Raises:
            DivergedError: there have been enough, or nothing would be left to train on.
        """
        checkpoint = max((s for s in checkpoints if s < refused.start), default=0)
        until = max(checkpoint + self._recipe.skip_batches, refused.stop - 1)
        advice = (
            "lower optimizer.learning_rate or lengthen optimizer.warmup_steps, in a new --output "
            f"(the last checkpoint before is step {checkpoint})"
        )
        found = (
            f"step {refused.stop - 1}: loss {figures['loss']}, gradient norm "
            f"{figures['gradient_norm']}, and {len(refused)} updates in a row refused"
        )
        if len(self) >= self._recipe.rollbacks:
            raise DivergedError(f"{found}, after {len(self)} returns to a checkpoint; {advice}")
        if until >= end:
            raise DivergedError(
                f"{found}; passing over {until - checkpoint} batches would leave nothing of the "
                f"run's {end}: {advice}, or lower guard.skip_batches"
            )
        rollback = Rollback(checkpoint=checkpoint, until=until)
        values = {"number": len(self) + 1, "checkpoint": checkpoint, "until": until}
        values |= {"first_refused": refused.start, "last_refused": refused.stop - 1, **figures}
        self._events.append("rollback", values)
        self._made.append(rollback)
        return rollback
