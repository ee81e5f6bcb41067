"""Become an ordinary user, though the interpreter may lie where only root may look."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from xgen_eval.execution.inside.syscalls import mount, prctl, unshare

_BIND, _RECURSIVE, _PRIVATE, _NEW_NS = 4096, 16384, 1 << 18, 0x20000


def become_ordinary(user: int) -> None:
    """Give up being root. Directories closed to others on the way to the interpreter are opened.

    That happens in this process's own view of the file system: an empty directory is mounted on the
    closed one, and what the interpreter needs is put back in it.
    """
    needed = [
        Path(p).resolve() for p in (sys.prefix, sys.base_prefix, *sys.path) if Path(p).is_dir()
    ]
    closed = {c for path in needed if (c := _closed(path)) is not None}
    if closed:
        unshare(_NEW_NS)
        mount("", "/", "", _RECURSIVE | _PRIVATE)
    for directory in closed:
        inside = sorted(
            {p for p in needed if p.is_relative_to(directory)}, key=lambda p: len(p.parts)
        )
        kept = [p for p in inside if not any(p != q and p.is_relative_to(q) for q in inside)]
        with tempfile.TemporaryDirectory() as aside:
            places = [Path(aside, str(i)) for i in range(len(kept))]
            for path, place in zip(kept, places, strict=True):
                place.mkdir()
                mount(str(path), str(place), "", _BIND)
            mount("tmpfs", str(directory), "tmpfs", 0, "mode=755")
            for path, place in zip(kept, places, strict=True):
                path.mkdir(parents=True)
                mount(str(place), str(path), "", _BIND)
                os.system(f"umount {place}")
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    prctl(4, 1)  # dumpable again, as a process that was never root is


def _closed(path: Path) -> Path | None:
    """The outermost directory on the way that others may not enter."""
    return next((p for p in [*reversed(path.parents), path] if not p.stat().st_mode & 0o001), None)
