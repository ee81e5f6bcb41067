"""Try a confinement on a child before it is relied on: each layer must be seen to hold."""

from __future__ import annotations

import errno
import json
import os
import resource
import socket
from collections.abc import Callable, Mapping, Sequence

from xgen_eval.execution.channel import CHANNEL
from xgen_eval.execution.inside.confinement import Confinement, LayerMissingError

__all__ = ["faults"]


def faults(
    confinement: Confinement, layers: Sequence[str], limits: Mapping[str, float]
) -> dict[str, str]:
    """What was wrong, by layer; empty where all layers hold."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        found = _try(confinement, layers, limits, writing)
        os.write(CHANNEL, json.dumps(found).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        text = answer.read()
    _, status = os.waitpid(process, 0)
    if not text:  # the outermost of the layers asked for is the likeliest to be the cause
        return (
            {layers[-1]: f"tried on a child, it ended that with status {status}"} if layers else {}
        )
    return json.loads(text)


def _limits_hold() -> str:
    core = resource.getrlimit(resource.RLIMIT_CORE)
    return "" if core == (0, 0) and os.getsid(0) == os.getpid() else "they did not bind"


def _landlock_holds() -> str:
    try:
        os.listdir("/")  # noqa: PTH208 - iterdir does not look before it is asked
    except PermissionError:
        return ""
    return "the root directory could be listed"


def _seccomp_holds() -> str:
    try:
        socket.socket(socket.AF_UNIX).close()
    except PermissionError as error:
        return "" if error.errno == errno.EPERM else str(error)
    return "a socket could be made"


def _namespaces_hold() -> str:
    if os.getppid() != 1:
        return "the parent is not process 1"
    return "/proc can be seen" if os.path.exists("/proc/self") else ""  # noqa: PTH110


_TRIALS: dict[str, Callable[[], str]] = {
    "limits": _limits_hold,
    "landlock": _landlock_holds,
    "seccomp": _seccomp_holds,
    "namespaces": _namespaces_hold,
}


def _try(
    confinement: Confinement, layers: Sequence[str], limits: Mapping[str, float], writing: int
) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        os.dup2(writing, CHANNEL)
        confinement.enter(limits)
    except LayerMissingError as error:
        return {error.layer: error.why}
    for layer in layers:
        try:
            wrong = _TRIALS[layer]()
        except OSError as error:
            wrong = f"tried on a child, it failed with {error}"
        if wrong:
            found[layer] = wrong
    return found
