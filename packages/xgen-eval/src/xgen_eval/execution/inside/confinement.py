"""Shut a process in: what a child does to itself between its fork and the first foreign line."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import resource
import signal
import sys
from collections.abc import Collection, Generator, Mapping

from xgen_eval.execution.channel import CHANNEL
from xgen_eval.execution.inside import landlock, seccomp
from xgen_eval.execution.inside.endings import ERROR
from xgen_eval.execution.inside.syscalls import NUMBERS, call, prctl
from xgen_eval.execution.inside.tree import Tree, others_may_read

__all__ = ["MOST_OPEN", "Confinement", "LayerMissingError", "layer"]

MOST_OPEN = 256
"""Descriptors that a zygote may have open, so that a child knows how many there are to close."""

UNPRIVILEGED = 65534
"""The user and group that root's children become: nobody."""

_PDEATHSIG, _DUMPABLE, _NO_NEW_PRIVS = 1, 4, 38
_KILL, _SETUID = 1 << 5, 1 << 7  # capabilities

_LIMITED = {
    resource.RLIMIT_CPU: "cpu_seconds",
    resource.RLIMIT_FSIZE: "file_bytes",
    resource.RLIMIT_NOFILE: "open_files",
} | ({resource.RLIMIT_AS: "memory_bytes"} if sys.platform == "linux" else {})
"""Limits of the kernel, and the fields of `Limits` that they take."""


class LayerMissingError(Exception):
    """This machine does not give a layer.

    Attributes:
        layer: which.
        why: what the kernel said.
    """

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.layer = name
        self.why = why


@contextlib.contextmanager
def layer(name: str) -> Generator[None]:
    """Say of an `OSError` inside which layer it leaves us without."""
    try:
        yield
    except OSError as error:
        raise LayerMissingError(name, error.strerror or str(error)) from error


class Confinement:
    """The layers that a child puts on, prepared once by the zygote."""

    def __init__(self, layers: Collection[str], tree: Tree, *, own_root: bool) -> None:
        """Prepare the layers, and have the zygote give up what neither it nor a child needs.

        Args:
            layers: some of limits, landlock, seccomp, namespaces.
            tree: what may be read.
            own_root: files that only this user may reach can be reached by everybody, because the
                root directory is made of them.

        Raises:
            LayerMissingError: this machine has not what a layer needs.
        """
        self._layers = frozenset(layers)
        self._zygote = os.getpid()
        self._user: int | None = None
        self.details: dict[str, str] = {}
        if "landlock" in layers:
            with layer("landlock"):
                rules = landlock.make_ruleset(tree.files(), tree.devices)
                self._rules = fcntl.fcntl(rules, fcntl.F_DUPFD_CLOEXEC, CHANNEL + 1)
                os.close(rules)
                self._quiet = landlock.quiet()
                self.details["landlock"] = _landlock_detail(landlock.version())
        if "seccomp" in layers:
            with layer("seccomp"):
                self._filter = seccomp.Filter()
                self.details["seccomp"] = f"{self._filter.allowed} calls allowed"
        if "limits" in layers:
            with layer("limits"):
                self._choose_user(tree, own_root)
                self._settle()

    def _choose_user(self, tree: Tree, own_root: bool) -> None:
        if os.geteuid() != 0:
            self.details["limits"] = f"user {os.geteuid()}"
        elif not _may_become(UNPRIVILEGED):
            self.details["limits"] = "user 0 without capabilities"
        elif own_root or others_may_read([*tree.library[:1], *tree.modules]):
            self._user = UNPRIVILEGED
            self.details["limits"] = f"user {UNPRIVILEGED}"
        else:  # it could not import what is not loaded yet
            self.details["limits"] = f"user 0 without capabilities: {sys.prefix} is root's alone"

    def _settle(self) -> None:
        """What children inherit; and the zygote, out of their reach, dies with its guard.

        It keeps the power to end its children and to change their user. A process that is not
        dumpable cannot be traced, nor its memory read, by others of its user.
        """
        for what in (resource.RLIMIT_CORE, resource.RLIMIT_MEMLOCK):
            resource.setrlimit(what, (0, 0))
        if self._user is not None:
            os.setgroups([])
            os.setresgid(self._user, self._user, self._user)
        self._most = {what: _most(what) for what in _LIMITED}
        if sys.platform == "linux":
            _keep_capabilities(0 if self._user is None else _KILL | _SETUID)
            prctl(_NO_NEW_PRIVS, 1)
            prctl(_DUMPABLE, 0)
            prctl(_PDEATHSIG, signal.SIGKILL)

    def enter(self, limits: Mapping[str, float]) -> None:
        """Put all layers on. There is no way back.

        Raises:
            LayerMissingError: a layer could not be put on; nothing foreign may run.
        """
        if "limits" in self._layers:
            with layer("limits"):
                self._limit(limits)
        if "landlock" in self._layers:
            with layer("landlock"):
                landlock.restrict(self._rules, self._quiet)
        if "limits" in self._layers:  # only now: the rules were a descriptor
            os.closerange(CHANNEL + 1, MOST_OPEN)
        if "seccomp" in self._layers:
            with layer("seccomp"):
                seccomp.install(self._filter.for_process(os.getpid()))

    def _limit(self, limits: Mapping[str, float]) -> None:
        os.setsid()
        for what, name in _LIMITED.items():
            soft = min(int(limits[name]), self._most[what])
            spare = 1 if what == resource.RLIMIT_CPU else 0  # SIGXCPU; SIGKILL for who ignores it
            resource.setrlimit(what, (soft, min(soft + spare, self._most[what])))
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        if self._user is not None:
            os.setresuid(self._user, self._user, self._user)  # all capabilities go with it
        if sys.platform == "linux":
            prctl(_DUMPABLE, 0)
            prctl(_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != self._zygote:  # it died before we asked to die with it
                os._exit(ERROR)


def _most(what: int) -> int:
    hard = resource.getrlimit(what)[1]
    return 2**62 if hard == resource.RLIM_INFINITY else hard


def _keep_capabilities(kept: int) -> None:
    """Give up all capabilities but those in the mask."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)
    call("capset", NUMBERS.get("capset"), ctypes.byref(header), ctypes.byref(data))


def _may_become(user: int) -> bool:
    """Whether there is such a user in this user namespace, and we may become it."""
    process = os.fork()
    if process == 0:
        try:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(process, 0)[1] == 0


def _landlock_detail(version: int) -> str:
    held = ["files"] + ["TCP"] * (version >= 4) + ["signals", "abstract sockets"] * (version >= 6)
    return f"version {version}: {', '.join(held)}"
