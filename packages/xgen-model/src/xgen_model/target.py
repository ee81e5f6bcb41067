"""What must be so before something large is written: a free name, and room on the disk."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from xgen_core.errors import InputError

__all__ = ["require_new", "require_space"]


def require_new(target: Path) -> None:
    """Refuse a directory that holds something, before the work and not after it.

    Raises:
        InputError: `target` is there and not an empty directory.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target} exists already: choose another name or remove it first")


def require_space(directory: Path, needed: int, what: str) -> None:
    """Refuse what cannot fit before anything of it is written.

    Args:
        directory: where it will go; need not exist yet.
        needed: bytes.
        what: how the message calls it.

    Raises:
        OSError: ENOSPC, with both numbers.
    """
    there = next(p for p in (directory.absolute(), *directory.absolute().parents) if p.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        reason = f"{os.strerror(errno.ENOSPC)}: {what} takes {needed:,} bytes, {free:,} free"
        raise OSError(errno.ENOSPC, reason, str(directory))
