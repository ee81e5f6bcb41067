"""Makes faults on purpose: in a process, in a checkpoint, or in the gradient of a step."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from xgen_core.files import append_jsonl, read_jsonl
from xgen_model import Params
from xgen_train.faults.fault import Fault
from xgen_train.objective import Objective, Rows, Sums

__all__ = ["Injector", "Poisoned", "PoisonedObjective"]

_SLOW_SECONDS = 2.0


class Poisoned(NamedTuple):
    """A batch, and what its rows add to the factor that their loss has: 0 or NaN, `[b]`."""

    batch: Any
    poison: Any


class PoisonedObjective:
    """An objective over `Poisoned` batches; where nothing is poisoned it is the inner one."""

    def __init__(self, inner: Objective) -> None:
        self._inner = inner

    def weight(self, batch: Poisoned) -> Float[Array, ""]:
        """The inner objective's."""
        return self._inner.weight(batch.batch)

    def sums(self, params: Params, batch: Poisoned) -> Sums:
        """The inner objective's; total and gradient are NaN where a row is poisoned."""
        found = self._inner.sums(params, batch.batch)
        return Sums(found.total * (1.0 + jnp.sum(batch.poison)), found.rows)

    def values(self, rows: Rows) -> dict[str, float]:
        """The inner objective's."""
        return self._inner.values(rows)


class Injector:
    """Fires each fault before its step, once in a run; `nan` belongs to its step every time.

    Args:
        faults: of all processes.
        process: this one.
        directory: of the run, where `faults.jsonl` remembers what has been done.
    """

    def __init__(self, faults: Iterable[Fault], process: int, directory: Path) -> None:
        self._log = directory / "faults.jsonl"
        done: set[str] = set()
        if self._log.exists():
            done = {str(row["fault"]) for row in read_jsonl(self._log)}
        faults = list(faults)
        self._poisons = any(f.kind == "nan" for f in faults)
        mine = [f for f in faults if f.process == process]
        self._nan = {f.step for f in mine if f.kind == "nan"}
        self._waiting = [f for f in mine if f.kind != "nan" and str(f) not in done]

    def objective(self, inner: Objective) -> Objective:
        """The objective, made for what `batches` gives."""
        return PoisonedObjective(inner) if self._poisons else inner

    def batches(self, inner: Iterable[Any], start: int) -> Iterator[Any]:
        """The batches of the steps behind `start`, poisoned where that is wanted."""
        for step, batch in enumerate(inner, start + 1):
            if not self._poisons:
                yield batch
                continue
            rows = len(jax.tree.leaves(batch)[0])
            poison = np.nan if step in self._nan else 0.0
            yield Poisoned(batch, np.full(rows, poison, np.float32))

    def before(self, step: int, newest: Callable[[], Path | None]) -> None:
        """Do what is due before a step.

        Args:
            step: 1 for the first.
            newest: gives the newest checkpoint, when it is on disk.
        """
        for fault in [f for f in self._waiting if f.step == step]:
            self._waiting.remove(fault)
            append_jsonl(self._log, [{"fault": str(fault)}])
            if fault.kind == "corrupt-checkpoint":
                if (checkpoint := newest()) is not None:
                    flip_bit(checkpoint)
            elif fault.kind == "slow":
                time.sleep(_SLOW_SECONDS)
            elif fault.kind == "hang":
                threading.Event().wait()
            else:
                number = {"kill": "SIGKILL", "term": "SIGTERM", "freeze": "SIGSTOP"}[fault.kind]
                os.kill(os.getpid(), signal.Signals[number])


def flip_bit(checkpoint: Path) -> None:
    """Damage the largest file of a step."""
    files = sorted(p for p in checkpoint.rglob("*") if p.is_file())
    victim = max(files, key=lambda p: p.stat().st_size)
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
