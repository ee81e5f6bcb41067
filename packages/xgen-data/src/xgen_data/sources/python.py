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
from pathlib import Path

from xgen_core import Document, InputError
from xgen_core.codec import unknown_name
from xgen_data.sources.tree import read_file, walk
from xgen_data.steps import Drop, Item

__all__ = ["module_reference", "read_python"]

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


def read_python(part: str, source: str) -> Iterator[Item]:
    """Yield the documents of `stdlib-code`, `stdlib-docs`, or `stdlib` for both.

    Tests, installed packages, lib2to3 (which holds code in Python 2) and the topics as a program
    are left out.

    Raises:
        InputError: another part, or an installation without its standard library's sources.
    """
    parts = {
        "stdlib-code": (_code,),
        "stdlib-docs": (_docs,),
        "stdlib": (_code, _docs),
    }
    if part not in parts:
        raise InputError(unknown_name(f"python:{part}", [f"python:{p}" for p in parts], "source"))
    root = Path(sysconfig.get_path("stdlib"))
    for read in parts[part]:
        yield from read(root, source)


def _modules(root: Path) -> Iterator[tuple[Path, str]]:
    for path in walk(root, frozenset({".py"})):
        relative = path.relative_to(root)
        if _LEFT_OUT.isdisjoint(relative.parts):
            yield path, relative.as_posix()


def _code(root: Path, source: str) -> Iterator[Item]:
    for path, name in _modules(root):
        metadata = {"code.language": "python", "split.group": name}
        yield read_file(path, name=name, source=source, metadata=metadata)


def _docs(root: Path, source: str) -> Iterator[Item]:
    from pydoc_data.topics import topics

    for name in sorted(topics):
        yield Document(id=f"topics/{name}", text=topics[name], source=source)
    for path, name in _modules(root):
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
