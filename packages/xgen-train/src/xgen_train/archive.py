"""The checkpoints of a run: its state goes there in the background, and comes back from there."""

from __future__ import annotations

import sys
import time

import jax
import numpy as np

from xgen_core import FormatError, InputError
from xgen_core.recipe import fingerprint
from xgen_model import CheckpointStore, DamagedError, Processes, split, trained_mask
from xgen_model.saving import Saving
from xgen_train.events import EventLog
from xgen_train.faults.rollback import Rollbacks
from xgen_train.feed import Feed
from xgen_train.recipe import RunRecipe
from xgen_train.state import TrainState

__all__ = ["Archive"]


class Archive:
    """Saves and restores the state of one run; all its processes call the same methods.

    Args:
        recipe: of the run.
        feed: its data.
        store: where the checkpoints are.
        layout: of the state on the devices, as `abstract_state` gives it.
        events: what is told of saves and restores.
        rollbacks: they decide which checkpoints still count.

    Attributes:
        last: the step that was saved or restored last.
    """

    def __init__(
        self,
        recipe: RunRecipe,
        feed: Feed,
        store: CheckpointStore,
        layout: TrainState,
        *,
        events: EventLog,
        rollbacks: Rollbacks,
    ) -> None:
        self.store = store
        self._recipe, self._feed, self._layout = recipe, feed, layout
        self._events, self._rollbacks = events, rollbacks
        self._saving: Saving | None = None
        self._waited = 0.0
        self.last = 0

    @property
    def finished(self) -> bool:
        """Whether the last step's checkpoint is there and sound.

        Raises:
            InputError: it belongs to another recipe or other data.
        """
        last = self._feed.total_steps
        if self.store.latest() != last:
            return False
        try:
            self.store.check(last)
        except DamagedError:  # `newest` sets it aside
            return False
        return self._belongs(last)

    def newest(self) -> tuple[int, TrainState] | None:
        """The newest good checkpoint and its step; None where the run has not saved yet.

        Damaged ones are named, set aside as `damaged-STEP`, and passed over.

        Raises:
            InputError: it belongs to another recipe or other data.
            FormatError: all there are is damaged.
        """
        for step in reversed(self.store.numbered()):
            begun = time.monotonic()
            try:
                self.store.check(step)
            except DamagedError as error:
                self._set_aside(step, error)
                continue
            if not self._belongs(step):
                self.store.remove([step])
                continue
            state = self._read(step)
            self.last = step
            seconds = round(time.monotonic() - begun, 3)
            self._events.append("restore", {"step": step, "seconds": seconds})
            return step, state
        aside = sorted(p.name for p in self.store.directory.glob("damaged-*"))
        if aside:
            raise FormatError(
                f"{self.store.directory}: no good checkpoint is left, only {', '.join(aside)}; put "
                "one back from a copy, or remove these to train from the beginning"
            )
        return None

    def _set_aside(self, step: int, error: DamagedError) -> None:
        path = self.store.set_aside(step)
        self._events.append("damaged", {"step": step, "why": str(error), "now": path.name})
        if Processes.here().leads:
            sys.stderr.write(
                f"xgen: warning: {error}; this checkpoint is now {path.name}, and the one before "
                "it is used\n"
            )

    def _belongs(self, step: int) -> bool:
        """Whether the run still goes by this checkpoint, or has gone back behind it."""
        meta = self.store.meta(step)
        if (
            meta["recipe"] != fingerprint(self._recipe.until(step))
            or meta["data"] != self._feed.fingerprint
        ):
            raise InputError(
                f"{self.store.directory}: step {step} belongs to another recipe or store; "
                "give another --output"
            )
        return self._rollbacks.holds(step, meta["rollbacks"])

    def _read(self, step: int) -> TrainState:
        like = {"optimizer": self._layout.optimizer, "guard": self._layout.guard}
        params, rest, _ = self.store.restore(step, self._layout.params, like, verify=False)
        trained, frozen = split(params, trained_mask(params, self._recipe.trained))
        return TrainState(self.count(step), trained, frozen, rest["optimizer"], rest["guard"])

    def count(self, step: int) -> jax.Array:
        """A number of steps, as the state has it."""
        place = self._layout.step.sharding
        return jax.make_array_from_callback((), place, lambda _: np.int32(step))

    def save(self, step: int, state: TrainState) -> None:
        """Begin to write a checkpoint; waits for an earlier one, and for a copy of the state.

        Raises:
            OSError: as the file system gives it, to the earlier one too.
        """
        begun = time.monotonic()
        self.settle()
        meta = {
            "step": step,
            "tokens": self._feed.tokens_before(step),
            "recipe": fingerprint(self._recipe.until(step)),
            "data": self._feed.fingerprint,
            "rollbacks": len(self._rollbacks),
        }
        rest = {"optimizer": state.optimizer, "guard": state.guard}
        self._saving = self.store.begin_save(step, state.params, rest, meta)
        self._waited, self.last = time.monotonic() - begun, step

    @property
    def failed(self) -> bool:
        """Whether the write that was begun has ended badly; `settle` says how."""
        return self._saving is not None and self._saving.failed

    def settle(self, *, wait: bool = True) -> None:
        """Record the write that was begun, if it has ended.

        Args:
            wait: until it has.

        Raises:
            OSError: as the file system gave it; nothing of the checkpoint is left then.
        """
        saving = self._saving
        if saving is None or not (wait or (saving.done and not saving.failed)):
            return
        self._saving = None
        saving.wait()
        self._events.append(
            "save",
            {
                "step": saving.step,
                "bytes": saving.bytes,
                "waited": round(self._waited, 3),
                "seconds": round(saving.seconds, 3),
            },
        )
