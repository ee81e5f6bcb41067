"""How much of one program another one keeps, from 0 to 1, by several measures."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Literal, get_args

from xgen_distill.program import parse_program

__all__ = ["MEASURES", "Measure", "normal_source", "similarity"]

Measure = Literal["text", "tokens", "tree"]
"""`text`: difflib's ratio over characters without white space. `tokens`: one less the edit distance
of the tokens over the longer program's number of them. `tree`: difflib's ratio over the nodes of
the syntax trees, names and constants included."""

MEASURES: tuple[Measure, ...] = get_args(Measure)

_TOKENS = re.compile(r"\w+|\S")
_Documented = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def similarity(one: str, other: str) -> Mapping[str, float]:
    """Compare two programs, docstrings, comments and layout left out.

    Args:
        one: a program; what does not compile is compared as it is written.
        other: likewise.

    Returns:
        By measure, rounded to six digits; `tree` only where both compile.
    """
    a, b = normal_source(one), normal_source(other)
    found = {"text": _ratio("".join(a.split()), "".join(b.split())), "tokens": _kept(a, b)}
    trees = _nodes(one), _nodes(other)
    if trees[0] and trees[1]:
        found["tree"] = _ratio(trees[0], trees[1])
    return {measure: round(value, 6) for measure, value in found.items()}


def normal_source(program: str) -> str:
    """A program as its tree writes it, without docstrings; as it is where it does not compile."""
    tree = parse_program(program)
    return program if tree is None else ast.unparse(_without_docstrings(tree))


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, _Documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def _nodes(program: str) -> list[str]:
    """Every node in the order of the text: its kind, and the name or value that it has itself."""
    tree = parse_program(program)
    if tree is None:
        return []
    found: list[str] = []

    def visit(node: ast.AST) -> None:
        own = [v for _, v in ast.iter_fields(node) if isinstance(v, str | int | float | bytes)]
        found.append(f"{type(node).__name__} {own}")
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.expr_context):
                visit(child)

    visit(_without_docstrings(tree))
    return found


def _ratio(a: Sequence[Hashable], b: Sequence[Hashable]) -> float:
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()


def _kept(a: str, b: str) -> float:
    one, other = _TOKENS.findall(a), _TOKENS.findall(b)
    longest = max(len(one), len(other))
    return 1 - _distance(one, other) / longest if longest else 1.0


def _distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Levenshtein's: insertions, deletions and replacements, one each."""
    last = list(range(len(b) + 1))
    for row, left in enumerate(a, 1):
        now = [row]
        for column, right in enumerate(b, 1):
            swap = last[column - 1] + (left != right)
            now.append(min(swap, last[column] + 1, now[column - 1] + 1))
        last = now
    return last[-1]
