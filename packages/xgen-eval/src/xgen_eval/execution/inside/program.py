"""The zygote: `python -P -s -S program.py DESCRIPTOR`, started by the harness, forks every child.

The harness sends its settings as a first frame over the descriptor, a Unix socket. The process that
it started stays outside as a guard, which tidies up when the zygote has ended; the zygote is its
child, the first process of the new namespaces where there are any.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import socket
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

_PRELOADED = (
    "abc array ast base64 binascii bisect builtins bz2 calendar cmath codecs collections "
    "collections.abc contextlib copy ctypes dataclasses datetime decimal enum errno fractions "
    "functools gc hashlib heapq io itertools json keyword lzma math numbers operator os os.path "
    "pathlib random re reprlib signal statistics string struct sys textwrap time traceback types "
    "typing unicodedata warnings weakref zlib"
)
"""What a program is likely to import, and what needs libraries of the system. Not more: each page
of memory costs every child."""


def _adopt_packages(execution: Path) -> ModuleType:
    """Make `xgen_eval.execution` importable without running either package's own `__init__`."""
    outer, package = ModuleType("xgen_eval"), ModuleType("xgen_eval.execution")
    outer.__path__, package.__path__ = [], [str(execution)]
    sys.modules["xgen_eval"], sys.modules["xgen_eval.execution"] = outer, package
    return package


def _forget_forks() -> None:
    """Have modules that are loaded from now on do nothing after a fork.

    `random` would draw a new seed and `threading` make its locks anew, which costs each child as
    much as its fork; the zygote has one thread, and holds no lock when it forks.
    """
    os.register_at_fork = lambda **_: None


def _guard(zygote: int, directory: str) -> NoReturn:
    """Wait for the zygote, however it ends, and remove the directory that it was given."""
    os.waitpid(zygote, 0)
    with contextlib.suppress(OSError):
        Path(directory).rmdir()
    os._exit(0)


def _load(settings: dict[str, Any], package: ModuleType) -> dict[str, ModuleType]:
    """Import the roles, and what programs are likely to import; then close our own door."""
    _forget_forks()
    roles = {
        name: importlib.import_module(f"xgen_eval.execution.roles.{name}")
        for name in settings["roles"]
    }
    for name in _PRELOADED.split():
        importlib.import_module(name)
    sys.modules["random"].seed(0)  # every child draws the same numbers, at every run
    sys.path += settings["search"]
    for name in settings["modules"]:
        importlib.import_module(name)
    del sys.path[len(sys.path) - len(settings["search"]) :]
    package.__path__ = []
    os.environ.clear()
    return roles


def _serve(control: socket.socket, settings: dict[str, Any], package: ModuleType) -> None:
    """Become the zygote, and serve until the harness hangs up."""
    from xgen_eval.execution.inside.confinement import (
        MOST_OPEN,
        Confinement,
        LayerMissingError,
        layer,
    )
    from xgen_eval.execution.inside.namespaces import change_root
    from xgen_eval.execution.inside.probe import faults
    from xgen_eval.execution.inside.server import Server
    from xgen_eval.execution.inside.tree import interpreter_tree

    layers: list[str] = settings["layers"]
    tree = interpreter_tree(settings["visible"])
    roles = _load(settings, package)
    resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_OPEN, MOST_OPEN))
    if "namespaces" in layers:
        with layer("namespaces"):
            change_root(settings["directory"], tree)
    else:
        os.chdir(settings["directory"])
    confinement = Confinement(layers, tree, own_root="namespaces" in layers)
    gc.collect()
    gc.freeze()  # a child's collector leaves these pages alone, and so they stay shared
    server = Server(control, confinement, roles, settings["slots"])
    for name, why in faults(confinement, layers, settings["limits"]).items():
        raise LayerMissingError(name, why)
    server.tell({"details": settings["details"] | confinement.details})
    server.serve()


def main() -> None:
    """Read the settings, leave the machine's namespaces, fork the zygote, guard it."""
    package = _adopt_packages(Path(__file__).resolve().parent.parent)
    from xgen_eval.execution.channel import Channel, pack
    from xgen_eval.execution.inside.confinement import LayerMissingError, layer
    from xgen_eval.execution.inside.namespaces import leave

    control = socket.socket(fileno=int(sys.argv[1]))
    answer: dict[str, str]
    try:
        settings = json.loads(Channel(control.fileno()).receive() or b"{}")
        settings["details"] = {}
        if "namespaces" in settings["layers"]:
            with layer("namespaces"):
                settings["details"]["namespaces"] = leave()
        zygote = os.fork()
        if zygote:
            control.close()
            _guard(zygote, settings["directory"])
        _serve(control, settings, package)
        os._exit(0)
    except LayerMissingError as error:
        answer = {"missing": error.layer, "why": error.why}
    except BaseException:  # noqa: BLE001 - the harness is told, whatever it was
        answer = {"broken": traceback.format_exc()}
    with contextlib.suppress(OSError):  # the harness may be gone already
        control.sendall(pack(json.dumps(answer).encode()))
    os._exit(1)


if __name__ == "__main__":
    main()
