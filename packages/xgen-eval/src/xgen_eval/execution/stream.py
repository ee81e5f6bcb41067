"""The end of what a child writes on a standard stream; the rest is counted and forgotten."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

__all__ = ["Stream"]

_TAIL = 1 << 13
"""Bytes kept."""


class Stream:
    """The reading end of a pipe, emptied by the event loop as it fills."""

    def __init__(self, descriptor: int, count: Callable[[int], None]) -> None:
        self._descriptor = descriptor
        self._count = count
        self._tail = b""
        self._open = True
        asyncio.get_running_loop().add_reader(descriptor, self._read)

    @classmethod
    def open(cls, count: Callable[[int], None]) -> tuple[Stream, int]:
        """A stream, and the descriptor to write on, which the caller closes.

        Args:
            count: called with the length of each piece read.
        """
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        return cls(reading, count), writing

    def close(self) -> str:
        """Take what is left, stop listening; the end of the text."""
        while self._open and self._read():
            pass
        if self._open:  # somebody else still holds the other end
            self._stop()
        return self._tail.decode("utf-8", "replace")

    def _read(self) -> bool:
        """Take a piece; whether there may be more."""
        try:
            data = os.read(self._descriptor, 1 << 16)
        except BlockingIOError:
            return False
        if not data:
            self._stop()
            return False
        self._tail = (self._tail + data)[-_TAIL:]
        self._count(len(data))
        return True

    def _stop(self) -> None:
        self._open = False
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)
