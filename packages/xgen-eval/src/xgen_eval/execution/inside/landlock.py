"""Landlock: which files a process may open, whatever its user may (kernel 5.13 on).

Reading the interpreter is allowed, and nothing else: no other file, no writing, no TCP (from
version 4 of the interface on), no signals and no abstract sockets beyond itself (from 6 on).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import struct
from collections.abc import Iterable

from xgen_eval.execution.inside.syscalls import call

__all__ = ["make_ruleset", "quiet", "restrict", "version"]

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_READ_FILE, _READ_DIR, _WRITE_FILE = 1 << 2, 1 << 3, 1 << 1
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many rights over files a version knows, each a bit from 0; 16 from version 5 on."""


def version() -> int:
    """The version of Landlock's interface here.

    Raises:
        OSError: the kernel has none (ENOSYS), or it is switched off (EOPNOTSUPP).
    """
    return call("landlock_create_ruleset", _CREATE, None, 0, 1)


def make_ruleset(readable: Iterable[str], writable: Iterable[str] = ()) -> int:
    """A descriptor of rules: these files and directories may be read, all else is forbidden.

    Args:
        readable: files, and directories with all that is in them; those missing are left out.
        writable: device files that may be written too.
    """
    known = version()
    handled = struct.pack("=Q", (1 << _FILE_RIGHTS.get(known, 16)) - 1)
    if known >= 4:
        handled += struct.pack("=Q", 0b11)  # bind and connect of TCP
    if known >= 6:
        handled += struct.pack("=Q", 0b11)  # abstract sockets, signals
    ruleset = call("landlock_create_ruleset", _CREATE, ctypes.c_char_p(handled), len(handled), 0)
    for path in readable:
        _add(ruleset, path, _READ_FILE)
    for path in writable:
        _add(ruleset, path, _READ_FILE | _WRITE_FILE)
    return ruleset


def _add(ruleset: int, path: str, rights: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                rights |= _READ_DIR
            rule = ctypes.c_char_p(struct.pack("=Qi", rights, descriptor))
            call("landlock_add_rule", _ADD, ruleset, 1, rule, 0)
        finally:
            os.close(descriptor)


def restrict(ruleset: int, flags: int) -> None:
    """Put this process under the rules, for ever. It must not be able to gain privileges."""
    call("landlock_restrict_self", _RESTRICT, ruleset, flags)


def quiet() -> int:
    """The flag that keeps what is denied out of the kernel's log, which a program could fill."""
    return 1 if version() >= 7 else 0
