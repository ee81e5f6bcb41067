"""Namespaces: a view of the machine in which there is nothing but the interpreter.

Made once, by the zygote; its children live in them. Among themselves they are held apart by
seccomp and Landlock, and there is nothing in there to share: no file can be written, no network.
"""

from __future__ import annotations

import os
from pathlib import Path

from xgen_eval.execution.inside.syscalls import NUMBERS, call, mount, umount, unshare
from xgen_eval.execution.inside.tree import Tree

__all__ = ["change_root", "leave"]

_NEW_NS, _NEW_USER = 0x00020000, 0x10000000
_NEW_OTHERS = 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000  # pid, net, ipc, uts
_READ_ONLY, _NO_SUID, _NO_DEV, _NO_EXEC = 1, 2, 4, 8
_REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 32, 4096, 16384, 1 << 18
_DETACH = 2


def leave() -> str:
    """Leave the machine's processes, network and System V objects; the next fork is process 1.

    Root needs no user namespace, and keeps the power to change its children's user; where root has
    no such power (a container), and for everybody else, a user namespace gives it.

    Returns:
        what was left, for people to read.

    Raises:
        OSError: the kernel or its policy forbids it.
    """
    if os.geteuid() == 0:
        try:
            unshare(_NEW_OTHERS)
        except PermissionError:
            pass
        else:
            return "mount, process, network, ipc"
    user, group = os.geteuid(), os.getegid()
    unshare(_NEW_USER | _NEW_OTHERS)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return "user, mount, process, network, ipc"


def change_root(at: str, tree: Tree) -> None:
    """Make a root directory of the files named, at their own paths and read-only.

    Args:
        at: an empty directory; what is mounted there is seen by this process and its children only.
        tree: what is to be seen.

    Raises:
        OSError: the kernel or its policy forbids it.
    """
    sealed = _REMOUNT | _BIND | _READ_ONLY | _NO_SUID | _NO_DEV | _NO_EXEC
    unshare(_NEW_NS)
    mount("", "/", "", _RECURSIVE | _PRIVATE)
    mount("tmpfs", at, "tmpfs", _NO_SUID | _NO_DEV | _NO_EXEC, "mode=755,size=64k")
    for path in tree.library:
        _bind(path, at + path, _READ_ONLY | _NO_DEV)
    for path in tree.hidden:
        mount("tmpfs", at + path, "tmpfs", _NO_SUID | _NO_DEV | _NO_EXEC, "mode=755,size=4k")
    for path in tree.modules:
        _bind(path, at + path, _READ_ONLY | _NO_DEV)
    for path in tree.devices:
        _bind(path, at + path, _NO_EXEC)
    for path in tree.hidden:
        mount("", at + path, "", sealed)
    mount("", at, "", sealed)
    os.chdir(at)
    call("pivot_root", NUMBERS.get("pivot_root"), b".", b".")
    umount(".", _DETACH)
    os.chdir("/")


def _bind(source: str, target: str, flags: int) -> None:
    place = Path(target)
    if place.exists() or not Path(source).exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if Path(source).is_dir():
        place.mkdir()
    else:
        place.touch()
    mount(source, target, "", _BIND | _RECURSIVE)
    kept = os.statvfs(source).f_flag & (_NO_SUID | _NO_DEV | _NO_EXEC)  # locked in a user namespace
    mount("", target, "", _REMOUNT | _BIND | _NO_SUID | kept | flags)
