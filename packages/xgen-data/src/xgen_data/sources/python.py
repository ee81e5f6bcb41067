"""`python:stdlib`: the running interpreter's standard library, as code and as documentation.

It is on every machine that can run this, so examples and tests need no download. A module's code
and its reference page quote the same docstrings, so both carry the module as their `split.group`:
what is held out as documentation was not trained on as code.
"""

from __future__ import annotations

import ast
import sysconfig
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from xgen_core import Document, InputError
from xgen_core.codec import unknown_name
from xgen_data.recipe import SourceConfig
from xgen_data.sources.files import list_files
from xgen_data.sources.reader import Part
from xgen_data.sources.tree import read_file
from xgen_data.steps import Drop, Item

__all__ = ["PythonReader", "library_modules", "module_reference"]

_LEFT_OUT = frozenset(
    {
        "site-packages",
        "dist-packages",
        "test",
        "tests",
        "idle_test",
        "lib2to3",
        "pydoc_data",  # a program text that holds the documentation's topics once more
        "__pycache__",
    }
)
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class PythonReader:
    """Reads `python:stdlib-code`, `python:stdlib-docs`, or `python:stdlib` for both.

    Tests, installed packages, lib2to3 (which holds code in Python 2) and the topics as a program
    are left out.
    """

    def plan(self, config: SourceConfig) -> tuple[Part, ...]:
        """One part each for code and documentation: `path` says which.

        Raises:
            InputError: another name.
        """
        kinds = {
            "stdlib-code": ("code",),
            "stdlib-docs": ("docs",),
            "stdlib": ("code", "docs"),
        }
        if config.rest not in kinds:
            known = [f"python:{kind}" for kind in kinds]
            raise InputError(unknown_name(f"python:{config.rest}", known, "source"))
        return tuple(Part(path=kind) for kind in kinds[config.rest])

    def read(self, part: Part, config: SourceConfig) -> Iterator[Item]:
        """Yield one document a module, and one a topic of the documentation."""
        root = Path(sysconfig.get_path("stdlib"))
        yield from (_code if part.path == "code" else _docs)(root, config.name)


def library_modules(root: Path | None = None) -> Iterator[tuple[str, str]]:
    """Path of each module, and its name below the root; the running interpreter's by default."""
    root = root or Path(sysconfig.get_path("stdlib"))
    for file in list_files(str(root), (".py",), what="standard library").files:
        if _LEFT_OUT.isdisjoint(PurePosixPath(file.name).parts):
            yield str(root / file.name), file.name


def _code(root: Path, source: str) -> Iterator[Item]:
    for path, name in library_modules(root):
        metadata = {"code.language": "python", "split.group": name}
        yield read_file(path, name=name, source=source, metadata=metadata)


def _docs(root: Path, source: str) -> Iterator[Item]:
    from pydoc_data.topics import topics

    for name in sorted(topics):
        yield Document(id=f"topics/{name}", text=topics[name], source=source)
    for path, name in library_modules(root):
        metadata = {"split.group": name}
        item = read_file(path, name=f"reference/{name}", source=source, metadata=metadata)
        yield item if isinstance(item, Drop) else _reference(item, name)


def _reference(document: Document, name: str) -> Item:
    module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # about code that is not ours
            page = module_reference(document.text, module)
    except SyntaxError:
        return Drop(reason="does not parse", example=document.id)
    if page is None:
        return Drop(reason="module without docstrings", example=document.id)
    return Document(id=document.id, text=page, source=document.source, metadata=document.metadata)


def module_reference(code: str, module: str) -> str | None:
    """A module's reference page from its source, which is parsed and not run.

    The module's docstring, then every public class, method and function that has a docstring, under
    its signature. None if there is no docstring at all.

    Raises:
        SyntaxError: `code` does not parse.
    """
    tree = ast.parse(code)
    head = ast.get_docstring(tree)
    entries = list(_entries(tree, ""))
    if not head and not entries:
        return None
    title = f"{module}\n{'=' * len(module)}"
    return "\n\n".join([title, *([head] if head else []), *entries]) + "\n"


def _entries(node: ast.Module | ast.ClassDef, indent: str) -> Iterator[str]:
    for child in node.body:
        if not isinstance(child, _Definition) or child.name.startswith("_"):
            continue
        doc = ast.get_docstring(child)
        members = list(_entries(child, indent + "    ")) if isinstance(child, ast.ClassDef) else []
        if doc:
            lines = [
                _signature(child),
                *(f"    {line}" if line else "" for line in doc.split("\n")),
            ]
            yield "\n".join(indent + line if line else "" for line in lines)
        elif members:
            yield indent + _signature(child)
        yield from members


def _signature(node: _Definition) -> str:
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        return f"class {node.name}({bases})" if bases else f"class {node.name}"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    prefix = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    return f"{prefix} {node.name}({ast.unparse(node.args)}){returns}"
