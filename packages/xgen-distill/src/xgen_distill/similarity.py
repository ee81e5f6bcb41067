"""How much of one program another one keeps, from 0 to 1, by several measures."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast, get_args

from xgen_distill.program import parse_program

__all__ = ["MEASURES", "Measure", "similarity"]

Measure = Literal["text", "tokens", "tree"]
"""`text`: difflib's ratio over characters without white space. `tokens`: one less the edit distance
of the tokens over the longer program's number of them. `tree`: difflib's ratio over the nodes of
the syntax trees, names and constants included."""

MEASURES: tuple[Measure, ...] = get_args(Measure)

_TOKENS = re.compile(r"\w+|\S")
_HEADER = re.compile(r"^(?:async )?def .*:[ \t]*$", re.MULTILINE)
_Documented = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def similarity(one: str, other: str) -> Mapping[str, float]:
    """Compare two programs, docstrings, comments and layout left out, and headers.

    A task gives its header to all who solve it, so that it says nothing of who follows whom: the
    bodies of functions are compared, as where PERsD's released attempts and solutions were.

    Args:
        one: a program; what does not compile is compared as it is written.
        other: likewise.

    Returns:
        By measure, rounded to six digits; `tree` only where both compile.
    """
    a, b = _form(one), _form(other)
    found = {"text": _ratio(a.text, b.text), "tokens": _kept(a.tokens, b.tokens)}
    if a.nodes and b.nodes:
        found["tree"] = _ratio(a.nodes, b.nodes)
    return {measure: round(value, 6) for measure, value in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """What is compared of a program.

    Attributes:
        text: without white space.
        tokens: words and signs.
        nodes: of the tree in the order of the text, each with the name or value that it has itself;
            none where the program does not compile.
    """

    text: str
    tokens: tuple[str, ...]
    nodes: tuple[str, ...]


@lru_cache(maxsize=4096)
def _form(program: str) -> _Form:
    """Kept, because an attempt is compared with each of its refinements and the direct solution."""
    tree = parse_program(program)
    nodes: list[str] = []
    text = _HEADER.sub("", program, count=1)
    if tree is not None:
        try:
            for part in _parts(tree):
                _visit(part, nodes)
            text = "\n".join(ast.unparse(part) for part in _parts(tree))
        except RecursionError:  # a sum of thousands, say: compared as it is written
            nodes.clear()
    return _Form(
        text="".join(text.split()), tokens=tuple(_TOKENS.findall(text)), nodes=tuple(nodes)
    )


def _parts(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements of a program, of its functions those inside; no docstrings of either."""
    _drop_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            _drop_docstring(node)
            yield from node.body
        else:
            yield node


def _drop_docstring(node: _Documented) -> None:
    if ast.get_docstring(node, clean=False) is not None:
        node.body = node.body[1:] or [ast.Pass()]


def _visit(node: ast.AST, nodes: list[str]) -> None:
    """Add a node and all below it, and take docstrings out of the tree."""
    if isinstance(node, _Documented):
        _drop_docstring(node)
    own = [type(node).__name__]
    below: list[ast.AST] = []
    for _, value in ast.iter_fields(node):
        values = cast("list[object]", value) if isinstance(value, list) else [value]
        for part in values:
            if isinstance(part, ast.AST):
                below.append(part)
            elif part is not None:
                own.append(repr(part))
    nodes.append(" ".join(own))
    for child in below:
        if not isinstance(child, ast.expr_context):
            _visit(child, nodes)


def _ratio(a: Sequence[Hashable], b: Sequence[Hashable]) -> float:
    if a == b:
        return 1.0
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()


def _kept(a: Sequence[str], b: Sequence[str]) -> float:
    longest = max(len(a), len(b))
    return 1 - _distance(a, b) / longest if longest else 1.0


def _distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Levenshtein's: insertions, deletions and replacements, one each."""
    first, end = 0, 0  # of what both begin and end with nothing changes
    shortest = min(len(a), len(b))
    while first < shortest and a[first] == b[first]:
        first += 1
    while end < shortest - first and a[-1 - end] == b[-1 - end]:
        end += 1
    a, b = a[first : len(a) - end], b[first : len(b) - end]
    last = list(range(len(b) + 1))
    for row, left in enumerate(a, 1):
        now = [row]
        for column, right in enumerate(b, 1):
            swap = last[column - 1] + (left != right)
            now.append(min(swap, last[column] + 1, now[column - 1] + 1))
        last = now
    return last[-1]
