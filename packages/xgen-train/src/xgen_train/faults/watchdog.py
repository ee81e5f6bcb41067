"""Ends a process that makes no progress, so that a scheduler can start it again.

One process of several that is alive but stuck makes all others wait for ever (jax issue 38503).
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["EXIT_CODE", "Watchdog"]

EXIT_CODE = 75
"""EX_TEMPFAIL of sysexits.h: try again."""

_GRACE_SECONDS = 1800.0


class Watchdog:
    """Watches inside `with`; a thread, so it sees a main thread that waits for others.

    Args:
        seconds: that may pass without a `beat`; 0 for any time.
        stacks: the file that all threads' stacks are added to, besides standard error.
    """

    def __init__(self, seconds: float, stacks: Path) -> None:
        self._seconds, self._stacks = seconds, stacks
        self._what = "the start"
        self._deadline = time.monotonic() + seconds + _GRACE_SECONDS
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def beat(self, what: str, *, patient: bool = False) -> None:
        """Begin to count anew.

        Args:
            what: has been done.
            patient: half an hour more: what comes next may compile, read or write much.
        """
        self._what = what
        self._deadline = time.monotonic() + self._seconds + _GRACE_SECONDS * patient

    def _watch(self) -> None:
        while not self._over.wait(min(1.0, self._seconds / 4)):
            if time.monotonic() > self._deadline:
                self._end()

    def _end(self) -> None:
        sys.stderr.write(
            f"xgen: error: nothing has happened for {self._seconds:g} s since {self._what}; this "
            f"process ends with code {EXIT_CODE}, the stacks of its threads are in {self._stacks}\n"
        )
        sys.stderr.flush()
        faulthandler.dump_traceback(sys.__stderr__ or 2, all_threads=True)
        with self._stacks.open("a") as handle:
            faulthandler.dump_traceback(handle, all_threads=True)
            os.fsync(handle.fileno())
        os._exit(EXIT_CODE)

    def __enter__(self) -> Self:
        if self._seconds:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
