"""The few system calls that Python has no function for."""

from __future__ import annotations

import ctypes
import errno
import os
import platform

__all__ = ["MACHINE", "NUMBERS", "call", "mount", "prctl", "umount", "unshare"]

MACHINE = {"arm64": "aarch64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())

NUMBERS: dict[str, int] = {
    "x86_64": {"pivot_root": 155, "capset": 126, "seccomp": 317},
    "aarch64": {"pivot_root": 41, "capset": 91, "seccomp": 277},
}.get(MACHINE, {})
"""Of this machine; empty where we have no table. Landlock's numbers are the same everywhere."""

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def call(name: str, number: int | None, *arguments: object) -> int:
    """Make a system call by number.

    Raises:
        OSError: it failed, or there is no number for this machine (ENOSYS).
    """
    if number is None:
        raise OSError(errno.ENOSYS, f"{name}: no number known for {MACHINE}")
    longs = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _checked(_libc.syscall(ctypes.c_long(number), *longs), name)


def prctl(option: int, argument: object = 0) -> int:
    """Change this process; the further arguments are 0."""
    value = ctypes.c_ulong(argument) if isinstance(argument, int) else argument
    zero = ctypes.c_ulong(0)
    return _checked(_libc.prctl(ctypes.c_int(option), value, zero, zero, zero), f"prctl {option}")


def unshare(flags: int) -> None:
    """Leave the namespaces that the flags name for new ones."""
    _checked(_libc.unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """Mount a file system, or bind or remount one, as the flags say."""
    encoded = [os.fsencode(text) if text else None for text in (source, target, kind)]
    result = _libc.mount(*encoded, ctypes.c_ulong(flags), os.fsencode(data) if data else None)
    _checked(result, f"mount {target}")


def umount(target: str, flags: int) -> None:
    """Take a file system away."""
    _checked(_libc.umount2(os.fsencode(target), ctypes.c_int(flags)), f"umount {target}")
