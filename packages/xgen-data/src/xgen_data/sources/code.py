"""`code:DIR`: source files by extension, each with its language."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xgen_core import InputError
from xgen_data.sources.tree import read_file, walk
from xgen_data.steps import Item

__all__ = ["LANGUAGES", "read_code"]

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


def read_code(path: str, source: str) -> Iterator[Item]:
    """Yield one document a source file, its language in `code.language`.

    Raises:
        InputError: no such directory.
    """
    root = Path(path)
    if not path or not root.is_dir():
        raise InputError(f"code:{path}: no such directory")
    for file in walk(root, frozenset(LANGUAGES)):
        yield read_file(
            file,
            name=file.relative_to(root).as_posix(),
            source=source,
            metadata={"code.language": LANGUAGES[file.suffix.lower()]},
        )
