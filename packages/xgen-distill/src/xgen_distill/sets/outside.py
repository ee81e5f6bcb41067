"""What stands beside a function in a program, and what of it the function needs."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from xgen_distill.sets.unfit import Unfit
from xgen_eval.execution.formats.source import syntax_tree

__all__ = ["Part", "indented", "outside_parts"]

_PURE = {
    "abs",
    "bool",
    "chr",
    "dict",
    "float",
    "frozenset",
    "int",
    "len",
    "list",
    "max",
    "min",
    "ord",
}
_PURE |= {"range", "round", "set", "sorted", "str", "sum", "tuple"}
"""Functions that a constant may call."""
_VALUES = (
    ast.Constant,
    ast.Name,
    ast.Attribute,
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.List,
    ast.Tuple,
    ast.Dict,
    ast.Set,
    ast.Subscript,
    ast.Slice,
    ast.Starred,
    ast.operator,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
    ast.expr_context,
)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A statement at the top level of a program.

    Attributes:
        names: that it defines.
        kind: what it is.
        source: its text, decorators included.
    """

    names: tuple[str, ...]
    kind: str
    source: str


def outside_parts(tree: ast.Module, source: str, name: str) -> tuple[list[Part], list[str]]:
    """Everything but one function.

    Args:
        tree: of the program.
        source: of the program.
        name: of the function.

    Returns:
        Imports, helpers and constants, in their order; and what is left out without being looked
        at again: what does nothing for the function, and code after it that uses it.

    Raises:
        Unfit: something that cannot be moved into the function.
    """
    parts: list[Part] = []
    left_out: list[str] = []
    seen = False
    for statement in tree.body:
        if isinstance(statement, _Function) and statement.name == name:
            if seen:
                raise Unfit("several functions", f"{name} is defined twice")
            seen = True
            if statement.decorator_list:
                raise Unfit("decorated", f"@{ast.unparse(statement.decorator_list[0])}")
        elif name in _assigned(statement):
            raise Unfit("several functions", f"{name} is defined twice")
        elif _is_idle(statement):
            left_out.append(_idle(statement))
        elif (part := _part(statement, source)) is not None:
            parts.append(part)
        elif seen:  # examples, mostly
            left_out.append("code after the function")
        else:
            raise Unfit("module-level code", f"line {statement.lineno}")
    return parts, list(dict.fromkeys(left_out))


def indented(source: str, indent: str) -> str:
    """A program set further in; lines that begin inside a string stay as they are.

    Args:
        source: of the program; `return` may stand in it.
        indent: white space.

    Raises:
        CodecError: it does not parse.
    """
    inside: set[int] = set()
    for node in ast.walk(syntax_tree(source, "program")):
        if isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
        ):
            inside.update(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
    lines = source.split("\n")
    return "\n".join(
        line if number in inside or not line.strip() else indent + line
        for number, line in enumerate(lines, 1)
    )


def _assigned(statement: ast.stmt) -> set[str]:
    if not isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return set()
    nodes = ast.walk(statement)
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _is_idle(statement: ast.stmt) -> bool:
    """Whether a statement does nothing where the program is loaded, and defines nothing."""
    if isinstance(statement, ast.ImportFrom):
        return statement.module == "__future__"
    if isinstance(statement, ast.If):
        return ast.unparse(statement.test) == "__name__ == '__main__'" and not statement.orelse
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return constant or isinstance(statement, ast.Pass)


def _idle(statement: ast.stmt) -> str:
    if isinstance(statement, ast.ImportFrom):
        return ast.unparse(statement)
    return "what runs as a script" if isinstance(statement, ast.If) else "text beside the function"


def _part(statement: ast.stmt, source: str) -> Part | None:
    """A statement that may be moved; None for one that does something."""
    if isinstance(statement, ast.ClassDef):
        raise Unfit("class definition", statement.name)
    if isinstance(statement, _Function):
        first = min([statement, *statement.decorator_list], key=lambda node: node.lineno).lineno
        lines = source.split("\n")[first - 1 : statement.end_lineno]
        return Part(names=(statement.name,), kind="helper", source="\n".join(lines))
    text = ast.get_source_segment(source, statement) or ""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        if any(alias.name == "*" for alias in statement.names):
            raise Unfit("import of everything", ast.unparse(statement))
        names = (alias.asname or alias.name.partition(".")[0] for alias in statement.names)
        return Part(names=tuple(names), kind="import", source=text)
    targets: Sequence[ast.expr] = ()
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets = (statement.target,)
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    value = getattr(statement, "value", None)
    if not names or len(names) < len(targets):
        return None
    if not isinstance(value, ast.expr) or not _is_constant(value):
        return None
    return Part(names=tuple(names), kind="constant", source=text)


def _is_constant(value: ast.expr) -> bool:
    return all(
        isinstance(node, _VALUES)
        or (isinstance(node, ast.Call) and ast.unparse(node.func) in _PURE and not node.keywords)
        for node in ast.walk(value)
    )
