"""Which files a child may see: the standard library, the modules allowed, two devices."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Tree", "interpreter_tree", "others_may_read"]

_THIRD_PARTY = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Tree:
    """Paths, as Python's search path spells them.

    System libraries are not among them: those of the modules that the zygote loads beforehand are
    mapped already, and a child keeps them.

    Attributes:
        library: directories and archives of the standard library, time zones.
        hidden: directories below them that hold other packages.
        modules: directories of the third-party modules allowed.
        devices: may be written, too.
    """

    library: tuple[str, ...]
    hidden: tuple[str, ...]
    modules: tuple[str, ...]
    devices: tuple[str, ...] = ("/dev/null", "/dev/urandom")

    def files(self) -> list[str]:
        """`library` and `modules` with what is hidden left out: for rules that only allow."""
        found: list[str] = []
        for path in self.library:
            inside = [h for h in self.hidden if Path(h).parent == Path(path)]
            found += (
                [e.path for e in os.scandir(path) if e.path not in inside] if inside else [path]
            )
        return [*found, *self.modules]


def interpreter_tree(modules: Iterable[str]) -> Tree:
    """What this interpreter needs, as it was started: without `site`."""
    library = [p for p in sys.path if Path(p).exists()]
    hidden = [str(Path(p, name)) for p in library for name in _THIRD_PARTY]
    return Tree(
        library=(*library, "/usr/share/zoneinfo"),
        hidden=tuple(h for h in hidden if Path(h).is_dir()),
        modules=tuple(modules),
    )


def others_may_read(paths: Iterable[str]) -> bool:
    """Whether a user without any rights could reach all of them."""
    for path in map(Path, paths):
        if not path.exists():
            continue
        if not path.stat().st_mode & 0o004 or any(
            not parent.stat().st_mode & 0o001 for parent in path.absolute().parents
        ):
            return False
    return True
