"""Progress on standard error for anything that takes more than two seconds.

On a terminal one line is redrawn; in a log file a line is written every ten seconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self, TextIO, TypeVar

__all__ = ["Progress", "track"]

T = TypeVar("T")
_QUIET_SECONDS = 2.0
_TERMINAL_INTERVAL = 0.2
_LOG_INTERVAL = 10.0


class Progress:
    """A counter that shows itself: `label 120/500 24% 31.2 docs/s 0:12 left  note`.

    Args:
        label: what is being done.
        total: how many units there are, or None if nobody knows.
        unit: the unit's name for the rate.
        start: units done before (a resumed run); they count for the bar, not for the rate.
        stream: where to show it; standard error by default.
    """

    def __init__(
        self,
        label: str,
        total: int | None = None,
        *,
        unit: str = "items",
        start: int = 0,
        stream: TextIO | None = None,
    ) -> None:
        self.label = label
        self.total = total
        self.unit = unit
        self.done = start
        self._first = start
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._begun = self._shown = time.monotonic()
        self._visible = False

    def advance(self, count: int = 1, note: str = "") -> None:
        """Count `count` more units, and show a note (the loss, say) behind the figures."""
        self.done += count
        now = time.monotonic()
        interval = _TERMINAL_INTERVAL if self._terminal else _LOG_INTERVAL
        if now - self._begun > _QUIET_SECONDS and (
            not self._visible or now - self._shown > interval
        ):
            self._show(now, note)

    def _show(self, now: float, note: str) -> None:
        self._shown, self._visible = now, True
        elapsed = now - self._begun
        rate = (self.done - self._first) / elapsed if elapsed > 0 else 0.0
        parts = [self.label, str(self.done)]
        if self.total:
            parts[-1] += f"/{self.total}"
            parts.append(f"{100 * self.done / self.total:.0f}%")
        parts.append(f"{rate:.3g} {self.unit}/s" if rate < 1000 else f"{rate:,.0f} {self.unit}/s")
        if self.total and rate > 0:
            parts.append(f"{clock((self.total - self.done) / rate)} left")
        line = " ".join(parts) + (f"  {note}" if note else "")
        self._stream.write(f"\r\x1b[K{line}" if self._terminal else line + "\n")
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._visible and self._terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def clock(seconds: float) -> str:
    """`75` → `1:15`, `3675` → `1:01:15`."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, last = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{last:02d}" if hours else f"{minutes}:{last:02d}"


def track(
    items: Iterable[T], label: str, total: int | None = None, *, unit: str = "items"
) -> Iterator[T]:
    """Yield the items, showing progress."""
    with Progress(label, total, unit=unit) as progress:
        for item in items:
            yield item
            progress.advance()
