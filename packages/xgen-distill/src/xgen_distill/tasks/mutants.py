"""Programs with one small fault each: what tests are worth is how many of them they notice.

The operators are the classical ones (DeMillo, Lipton and Sayward 1978; Offutt et al. 1996):
comparisons and arithmetic exchanged, constants and bounds moved, conditions negated, statements
left out, values forgotten. A mutant may behave as the original does (an equivalent mutant); nobody
can tell in general, so a share of mutants below one is no proof of weak tests. None noticed is.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from xgen_core.records import Record
from xgen_distill.program import parse_program

__all__ = ["Mutant", "make_mutants"]

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_Change = Callable[[ast.AST], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant(Record):
    """A program with one fault.

    Attributes:
        program: all of it.
        fault: what was changed, and in which line of the original.
    """

    program: str
    fault: str


def make_mutants(program: str, most: int = 20) -> list[Mutant]:
    """Mutants of a program, all different from it and from each other, the same every time.

    Where there are more than `most`, they are taken evenly from the whole program.

    Args:
        program: that compiles.
        most: how many.

    Raises:
        ValueError: it does not compile.
    """
    tree = parse_program(program)
    if tree is None:
        raise ValueError("a program that does not compile has no mutants")
    seen = {ast.unparse(tree)}
    found: list[Mutant] = []
    for place, node in enumerate(ast.walk(tree)):
        for what, change in _changes(node):
            mutated = copy.deepcopy(tree)
            change(next(n for i, n in enumerate(ast.walk(mutated)) if i == place))
            source = ast.unparse(ast.fix_missing_locations(mutated))
            if source not in seen and parse_program(source) is not None:
                seen.add(source)
                line = getattr(node, "lineno", 0)
                found.append(Mutant(program=f"{source}\n", fault=f"line {line}: {what}"))
    if len(found) <= most:
        return found
    return [found[i * len(found) // most] for i in range(most)]


def _changes(node: ast.AST) -> Iterator[tuple[str, _Change]]:
    """Faults that one node can have, each as what it is and how it is made in a copy."""
    if isinstance(node, ast.Compare):
        for n, op in enumerate(node.ops):
            other = _COMPARISONS[type(op)]
            yield f"{type(op).__name__} is {other.__name__}", _set_comparison(n, other)
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _OPERATORS:
        other_op = _OPERATORS[type(node.op)]
        yield f"{type(node.op).__name__} is {other_op.__name__}", _set("op", other_op)
    elif isinstance(node, ast.BoolOp):
        other_bool = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{type(node.op).__name__} is {other_bool.__name__}", _set("op", other_bool)
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.If | ast.While | ast.IfExp):
        yield "its condition is negated", _negate
    elif isinstance(node, ast.Return) and node.value is not None:
        yield "it returns None", _forget
    elif isinstance(node, ast.Break):
        return
    if isinstance(node, ast.FunctionDef | ast.For | ast.While | ast.If):
        for n, statement in enumerate(node.body):
            if isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr | ast.If):
                yield f"statement {n + 1} of its body is left out", _leave_out(n)


def _constants(node: ast.Constant) -> Iterator[tuple[str, _Change]]:
    value = node.value
    if isinstance(value, bool):
        yield f"{value} is {not value}", _set_value(not value)
    elif isinstance(value, int | float):
        yield f"{value} is {value + 1}", _set_value(value + 1)
        yield f"{value} is {value - 1}", _set_value(value - 1)
    elif isinstance(value, str) and value:
        yield "a text is empty", _set_value("")


def _set(field: str, kind: type[ast.AST]) -> _Change:
    return lambda node: setattr(node, field, kind())


def _set_value(value: object) -> _Change:
    return lambda node: setattr(node, "value", value)


def _set_comparison(number: int, kind: type[ast.cmpop]) -> _Change:
    def change(node: ast.AST) -> None:
        assert isinstance(node, ast.Compare)
        node.ops[number] = kind()

    return change


def _negate(node: ast.AST) -> None:
    assert isinstance(node, ast.If | ast.While | ast.IfExp)
    node.test = ast.UnaryOp(op=ast.Not(), operand=node.test)


def _forget(node: ast.AST) -> None:
    assert isinstance(node, ast.Return)
    node.value = ast.Constant(value=None)


def _leave_out(number: int) -> _Change:
    def change(node: ast.AST) -> None:
        assert isinstance(node, ast.FunctionDef | ast.For | ast.While | ast.If)
        node.body[number] = ast.Pass()

    return change
