"""SIGTERM and SIGINT: the run ends after a step that all its processes agree on."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from xgen_model import Processes

__all__ = ["Termination"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_SAID = b"xgen: finishing the step and saving; the same signal again stops at once\n"
_AHEAD = 2
"""Steps that one process may have begun more than another; see `Termination.due`."""

_runs = itertools.count()


class Termination:
    """Hears the signals inside `with`; outside of a main thread there is nothing to hear.

    (`jax.experimental.multihost_utils.reached_preemption_sync_point` agrees on a step too, but
    knows SIGTERM alone, and nothing of a save that has failed.)

    Attributes:
        wanted: whether this process wants to end.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._run = next(_runs)
        self._agreed: dict[int, int] = {}
        self._before: dict[signal.Signals, Any] = {}

    def due(self, step: int, rollbacks: int) -> bool:
        """Whether the run ends behind `step`; every process asks before each step.

        Whoever wants to end names a step, the first one counts. No process has begun more than two
        steps that another has not: it reads the figures of step n before it begins step n + 2, and
        those need all processes. So all find the name before they would go beyond the step.

        Args:
            step: steps begun.
            rollbacks: made so far; what was named before one is void.
        """
        here = Processes.here()
        if here.count == 1:
            return self.wanted
        name = f"stop-{self._run}-{rollbacks}"
        if self.wanted and rollbacks not in self._agreed:
            here.claim(name, str(step + _AHEAD))
        if rollbacks not in self._agreed and (text := here.claimed(name)) is not None:
            self._agreed[rollbacks] = int(text)
        return step >= self._agreed.get(rollbacks, step + 1)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.wanted = True
        # not through sys.stderr, which may be in the middle of a write
        os.write(2, _SAID)
        # the system itself acts on a second one, whatever this process is doing then
        signal.signal(number, signal.SIG_DFL)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._hear) for number in _SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            # None is a handler of C code, which Python cannot put back
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
