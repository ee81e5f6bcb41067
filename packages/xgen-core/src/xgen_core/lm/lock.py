"""One writer at a time: a lock that a killed process loses, and a forked one does not inherit."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from xgen_core.errors import InputError

__all__ = ["WriterLock"]

_HELD: set[Path] = set()
"""What this process holds: the system would let it lock a file twice."""


class WriterLock:
    """The right to write one file, taken when made; it lies beside the file as `NAME-lock`.

    Args:
        path: of the file.

    Raises:
        InputError: another writer has it open, in this process or another.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve().with_name(f"{path.name}-lock")
        if self._path in _HELD:
            raise InputError(f"{path} is open for writing already, in this process: use that one")
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                os.close(descriptor)
                raise InputError(
                    f"{path} is being written by another process: wait for it, or stop it"
                ) from None
            if self._is_there(descriptor):
                break
            os.close(descriptor)  # its last holder removed it in the same moment
        self._descriptor = descriptor
        _HELD.add(self._path)

    def _is_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let others write."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        _HELD.discard(self._path)
