"""`text:PATH`: plain text, Markdown and reStructuredText, one document a file.

PATH is a file of any name, a directory (its `.txt`, `.md` and `.rst` files) or a glob. A file is
one document, so a corpus that sits in a single file needs cutting first: as `jsonl:`, one row each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xgen_core import InputError
from xgen_data.recipe import SourceConfig
from xgen_data.sources.files import part_files
from xgen_data.sources.reader import Part
from xgen_data.sources.tree import plan_tree, read_file
from xgen_data.steps import Drop, Item

__all__ = ["SUFFIXES", "TextReader"]

SUFFIXES = frozenset({".txt", ".md", ".rst"})


@dataclass(frozen=True, slots=True)
class TextReader:
    """Reads `text:PATH`."""

    def plan(self, config: SourceConfig) -> tuple[Part, ...]:
        """Parts of up to a few hundred files.

        Raises:
            InputError: no such path.
        """
        return plan_tree("text", config.rest, SUFFIXES)

    def read(self, part: Part, config: SourceConfig) -> Iterator[Item]:
        """Yield one document a file.

        Raises:
            InputError: the source is one file, and that is not text.
        """
        for name, path in part_files(part):
            item = read_file(path, name=name, source=config.name)
            if isinstance(item, Drop) and not part.files:
                raise InputError(f"{path}: {item.reason}; expected UTF-8 text")
            yield item
