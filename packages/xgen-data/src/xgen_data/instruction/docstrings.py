"""Questions and answers from the standard library's docstrings.

They are on every machine that can run this, so examples and tests need no download: what a function
does is asked by its qualified name and signature, and answered by the first paragraph of its
docstring. The task of an example is its module, so that whole modules can be held out.
"""

from __future__ import annotations

import ast
import inspect
import warnings
from collections.abc import Iterator
from pathlib import Path

from xgen_core import Example, Message
from xgen_data.sources.python import library_modules

__all__ = ["docstring_examples"]

_SHORTEST, _LONGEST = 15, 300
"""Characters of an answer; shorter ones say nothing, longer ones are rarely one thing."""


def docstring_examples() -> Iterator[Example]:
    """One example for each public function and method, in the order of modules and lines."""
    for path, name in library_modules():
        module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if any(part.startswith("_") for part in module.split(".")):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)  # about code that is not ours
                tree = ast.parse(Path(path).read_bytes())
        except SyntaxError:
            continue  # a module kept for its fault, as lib2to3's
        for owner, function in _functions(tree, module):
            answer = inspect.cleandoc(ast.get_docstring(function) or "").split("\n\n")[0]
            answer = " ".join(answer.split())
            if _SHORTEST <= len(answer) <= _LONGEST:
                yield _example(module, owner, function, answer)


def _example(module: str, owner: str, function: ast.FunctionDef, answer: str) -> Example:
    call = f"{owner}.{function.name}({ast.unparse(function.args)})"
    return Example(
        id=f"{owner}.{function.name}:{function.lineno}",
        messages=(
            Message(role="user", content=f"What does {call} do?"),
            Message(role="assistant", content=answer, trained=True),
        ),
        task=module,
    )


def _functions(
    node: ast.Module | ast.ClassDef, owner: str
) -> Iterator[tuple[str, ast.FunctionDef]]:
    for child in node.body:
        if isinstance(child, ast.FunctionDef) and not child.name.startswith("_"):
            yield owner, child
        elif isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield from _functions(child, f"{owner}.{child.name}")
