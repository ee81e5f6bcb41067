"""`code:DIR`: source files by extension, each with its language.

DIR is a directory or a glob. A file whose extension is not in `LANGUAGES` is not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from xgen_data.recipe import SourceConfig
from xgen_data.sources.files import identity_of, is_compressed, part_files
from xgen_data.sources.reader import Part
from xgen_data.sources.tree import plan_tree, read_file
from xgen_data.steps import Drop, Item

__all__ = ["LANGUAGES", "CodeReader"]

LANGUAGES = {
    ".c": "c",
    ".cc": "c++",
    ".cpp": "c++",
    ".cs": "c#",
    ".css": "css",
    ".cu": "cuda",
    ".cxx": "c++",
    ".ex": "elixir",
    ".go": "go",
    ".h": "c",
    ".hh": "c++",
    ".hpp": "c++",
    ".hs": "haskell",
    ".html": "html",
    ".java": "java",
    ".jl": "julia",
    ".js": "javascript",
    ".jsx": "javascript",
    ".kt": "kotlin",
    ".lua": "lua",
    ".m": "objective-c",
    ".ml": "ocaml",
    ".php": "php",
    ".pl": "perl",
    ".pm": "perl",
    ".py": "python",
    ".pyi": "python",
    ".r": "r",
    ".rb": "ruby",
    ".rs": "rust",
    ".scala": "scala",
    ".sh": "shell",
    ".sql": "sql",
    ".swift": "swift",
    ".ts": "typescript",
    ".tsx": "typescript",
    ".zig": "zig",
}
"""Language by file extension; `.h` counts as C, as it mostly is."""


@dataclass(frozen=True, slots=True)
class CodeReader:
    """Reads `code:DIR`; a document's language is in `code.language`."""

    def plan(self, config: SourceConfig) -> tuple[Part, ...]:
        """Parts of up to a few hundred files.

        Raises:
            InputError: no such directory.
        """
        return plan_tree("code", config.rest, LANGUAGES, directory=True)

    def read(self, part: Part, config: SourceConfig) -> Iterator[Item]:
        """Yield one document a source file."""
        for name, path in part_files(part):
            file = PurePosixPath(name.lower())
            suffix = PurePosixPath(file.stem).suffix if is_compressed(name) else file.suffix
            if suffix in LANGUAGES:  # a glob may match others
                metadata = {"code.language": LANGUAGES[suffix]}
                yield read_file(path, name=name, source=config.name, metadata=metadata)
            else:
                yield Drop(reason="no known language", example=identity_of(name))
