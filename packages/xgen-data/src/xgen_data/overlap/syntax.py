"""Python functions that are the same but for names, comments, docstrings, annotations and layout.

A function is compared whole. Where it parses, its shape is its syntax tree, with every name bound
inside it (parameters, variables, itself) replaced by a number in order of appearance; names from
outside (`len`, `math`), attributes and constants stay. Where it does not (another Python, a text
cut short), it is the sequence of its tokens, treated likewise as far as tokens allow.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import keyword
import re
import textwrap
import warnings
from collections.abc import Container, Iterator
from typing import NamedTuple

__all__ = ["MINIMUM", "Function", "Outline", "find_functions", "index_functions"]

MINIMUM = 30
"""Nodes of the syntax tree, or tokens, that a function must have: below lie the one-liners that
any library has, such as a sum of two arguments."""
_SHORTEST = 40  # characters that so many nodes take at least
_LONGEST = 200  # lines of a function in a text that does not parse; bounds what nesting can cost
_Definition = ast.FunctionDef | ast.AsyncFunctionDef
_SKIPPED = frozenset({"annotation", "returns", "type_comment", "type_params", "ctx", "kind"})
_NAMED = frozenset({"id", "arg", "name", "asname", "names", "rest"})
_DEFINITION = re.compile(r"^([ \t]*)(?:async[ \t]+)?def[ \t]+(\w+)[ \t]*\(", re.MULTILINE)
_TOKEN = re.compile(
    r"(?P<skip>\#[^\n]*|[rbuf]{0,2}(?:\"\"\".*?\"\"\"|'''.*?''')|\s+|\\\n)"
    r"|(?P<string>[rbufRBUF]{0,2}(?:\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'))"
    r"|(?P<attribute>\.\s*[^\W\d]\w*)"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<other>[\d.]+\w*|[-+*/%&|^<>=!@:]+|.)",
    re.DOTALL,
)
_KEPT = frozenset(keyword.kwlist) | frozenset(dir(builtins))


class Function(NamedTuple):
    """One function found in a text.

    Attributes:
        name: as it is called there.
        line: where it begins, from 1.
        shapes: what it is compared by: of its tree, or of its tokens, or of both.
        outline: what all functions of the same tree have in common and is found quickly: kinds of
            statements, number of parameters. None where there is no tree.
    """

    name: str
    line: int
    shapes: tuple[str, ...]
    outline: Outline | None


Outline = tuple[int | str, ...]


def index_functions(text: str) -> list[Function]:
    """The functions of `MINIMUM` nodes or more in a program that others are to be compared with.

    They have all shapes by which `find_functions` may meet them.
    """
    found: list[Function] = []
    for name, line, block in _blocks(text):
        node = _definition(block)
        outline = None if node is None else _outline(node)
        shapes = (None if node is None else _tree_shape(node), _token_shape(block))
        if present := tuple(shape for shape in shapes if shape):
            found.append(Function(name, line, present, outline))
    return found


def find_functions(text: str, outlines: Container[Outline] | None = None) -> Iterator[Function]:
    """Yield the functions of `MINIMUM` nodes or more in a program, or in prose that quotes one.

    Args:
        text: a module, a piece of one, or any text.
        outlines: functions that parse and have another outline are passed over, which saves most of
            the work; None for none.
    """
    if "def " not in text and "def\t" not in text:
        return
    tree = _parse(text)
    if tree is not None:
        found = ((node, node.lineno) for node in _definitions(tree))
    else:
        found = ((_definition(block) or block, line) for _, line, block in _blocks(text))
    for item, line in found:
        if isinstance(item, str):
            name, outline, shape = (
                item.partition("def")[2].partition("(")[0],
                None,
                _token_shape(item),
            )
        else:
            name, outline = item.name, _outline(item)
            if outlines is not None and outline not in outlines:
                continue
            shape = _tree_shape(item)
        if shape:
            yield Function(name.strip(), line, (shape,), outline)


def _definition(block: str) -> _Definition | None:
    tree = _parse(block)
    first = tree.body[0] if tree is not None and tree.body else None
    return first if isinstance(first, _Definition) else None


def _definitions(tree: ast.Module) -> Iterator[_Definition]:
    """All functions, wherever statements may stand; cheaper than a walk through expressions."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _Definition):
            yield node
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, field, None)
            if isinstance(inner, list):  # a lambda's body is an expression
                waiting.extend(reversed(inner))


def _outline(node: _Definition) -> Outline:
    kinds: list[str] = []
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign):
            if statement.value is not None:
                kinds.append("Assign")
        elif not _is_text(statement):
            kinds.append(type(statement).__name__)
    return (len(node.args.args), *kinds)


def _parse(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about code that is not ours
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # it is not Python of today
        return None


def _blocks(text: str) -> Iterator[tuple[str, int, str]]:
    """Name, line and text of all that begins like a function, up to where it is outdented."""
    lines = text.split("\n")
    line = position = 0
    for match in _DEFINITION.finditer(text):
        line += text.count("\n", position, match.start())
        position = match.start()
        indent = len(match.group(1).expandtabs())
        end = line + 1
        for following in range(line + 1, min(line + _LONGEST + 1, len(lines))):
            content = lines[following].lstrip()
            if not content:
                continue
            space = lines[following][: len(lines[following]) - len(content)]
            if len(space.expandtabs()) <= indent and content[0] not in ")]}":
                break
            end = following + 1
        block = "\n".join(lines[line:end])
        if len(block) > _SHORTEST and end - line <= _LONGEST:
            yield match.group(2), line + 1, textwrap.dedent(block)


def _digest(parts: list[str]) -> str | None:
    if len(parts) < MINIMUM:
        return None
    data = "\x1f".join(parts).encode("utf-8", "replace")
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _tree_shape(function: _Definition) -> str | None:
    bound = {function.name}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, _Definition | ast.ClassDef | ast.ExceptHandler) and node.name:
            bound.add(node.name)
    parts: list[str] = []
    try:
        _describe(function, bound, {}, parts)
    except RecursionError:  # a tree that the parser took and a walk cannot
        return None
    nodes = sum(part[0] == "<" for part in parts)
    return _digest(parts) if nodes >= MINIMUM else None


def _describe(node: ast.AST, bound: set[str], numbers: dict[str, int], parts: list[str]) -> None:
    if isinstance(node, ast.AnnAssign):  # `x: int = 1` is `x = 1`, and `x: int` is nothing
        if node.value is None:
            return
        node = ast.Assign(targets=[node.target], value=node.value)
    parts.append("<" + type(node).__name__)
    for field, value in ast.iter_fields(node):
        if field in _SKIPPED:
            continue
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, ast.AST):
                if not _is_text(item):
                    _describe(item, bound, numbers, parts)
            elif field in _NAMED and item in bound and not isinstance(node, ast.keyword):
                parts.append(f"={numbers.setdefault(item, len(numbers))}")
            else:
                parts.append(f"={item!r}")
    parts.append(">")


def _is_text(node: ast.AST) -> bool:
    """Whether a statement is but a string: a docstring, or a comment in its guise."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _token_shape(block: str) -> str | None:
    numbers: dict[str, int] = {}
    parts: list[str] = []
    for match in _TOKEN.finditer(block):
        token = match.group()
        if match.lastgroup == "skip":
            continue
        if match.lastgroup == "string":
            token = repr(token.lstrip("rbufRBUF")[1:-1])
        elif match.lastgroup == "name" and token not in _KEPT:
            token = f"={numbers.setdefault(token, len(numbers))}"
        parts.append(token)
    return _digest(parts)
