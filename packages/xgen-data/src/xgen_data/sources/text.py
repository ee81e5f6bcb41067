"""`text:PATH`: plain text, Markdown and reStructuredText."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xgen_core import InputError
from xgen_data.sources.tree import read_file, walk
from xgen_data.steps import Drop, Item

__all__ = ["SUFFIXES", "read_text"]

SUFFIXES = frozenset({".txt", ".md", ".rst"})


def read_text(path: str, source: str) -> Iterator[Item]:
    """Yield one document a file; a single file may have any name.

    Raises:
        InputError: no such path, or a single file that is not text.
    """
    root = Path(path)
    if root.is_file():
        item = read_file(root, name=root.name, source=source)
        if isinstance(item, Drop):
            raise InputError(f"{root}: {item.reason}; expected UTF-8 text")
        yield item
        return
    if not path or not root.exists():
        raise InputError(f"text:{path}: no such file or directory")
    for file in walk(root, SUFFIXES):
        yield read_file(file, name=file.relative_to(root).as_posix(), source=source)
