"""A function in a program, taken apart and put together by its syntax tree.

Nothing here looks for a colon: `def f(x: int) -> dict[str, int]:` has three, and a default value
may hold one in a string. The tree says where the header ends and the body begins.
"""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from dataclasses import dataclass

from xgen_core.records import Record

__all__ = ["Definition", "find_definition", "parse_program"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition(Record):
    r"""One function at the top level of a program.

    `before + header + body + after` is the program, character for character.

    Attributes:
        name: of the function.
        parameters: names of its parameters, in order, `*` and `**` left out.
        before: the program up to the function (imports, helpers, its decorators).
        header: `def …:` up to the end of its line, with the line end; for a body on the same line,
            up to the colon and the spaces after it.
        body: the rest of the function, with its line end; begins with its docstring where it has
            one.
        after: the rest of the program.
        docstring: as Python reads it; None where there is none.
    """

    name: str
    parameters: tuple[str, ...]
    before: str
    header: str
    body: str
    after: str
    docstring: str | None = None


def parse_program(source: str) -> ast.Module | None:
    """The syntax tree; None where the program does not compile."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about code that is not ours
            tree = ast.parse(source)
            compile(source, "program", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree


def find_definition(source: str, name: str) -> Definition | None:
    """The last function of this name at a program's top level, which is the one that a call gets.

    Args:
        source: of the program.
        name: of the function.

    Returns:
        None where the program does not compile or defines no such function.
    """
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    source += "\n" if source and not source.endswith("\n") else ""
    tree = parse_program(source)
    if tree is None:
        return None
    nodes = [node for node in tree.body if isinstance(node, _Function) and node.name == name]
    if not nodes:
        return None
    node = nodes[-1]
    data, starts = source.encode(), _line_starts(source)
    first = node.body[0]
    colon = _colon_line(source, node)
    body = starts[colon]
    if first.lineno == colon:  # on the header's own line
        body = starts[colon - 1] + first.col_offset
    begin, end = starts[node.lineno - 1], starts[node.end_lineno or node.lineno]
    return Definition(
        name=name,
        parameters=_parameters(node.args),
        before=data[:begin].decode(),
        header=data[begin:body].decode(),
        body=data[body:end].decode(),
        after=data[end:].decode(),
        docstring=ast.get_docstring(node),
    )


def _line_starts(source: str) -> list[int]:
    """Where each line begins, in bytes as the tree counts them, and where the last one ends."""
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def _colon_line(source: str, node: _Function) -> int:
    """The number, from 1, of the line with the colon that ends the header.

    It is the last colon outside brackets before the first statement: between them there are
    comments and white space alone.
    """
    first = min([node.body[0], *getattr(node.body[0], "decorator_list", ())], key=_place)
    line = source.split("\n")[first.lineno - 1]
    start = (first.lineno, len(line.encode()[: first.col_offset].decode()))
    depth, found = 0, node.lineno
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.start >= start:
            break
        if token.start[0] < node.lineno or token.type != tokenize.OP:
            continue
        text = token.string
        depth += (text in "([{") - (text in ")]}")
        if text == ":" and not depth:
            found = token.start[0]
    return found


def _place(node: ast.stmt | ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _parameters(arguments: ast.arguments) -> tuple[str, ...]:
    named = [*arguments.posonlyargs, *arguments.args]
    named += [arguments.vararg] if arguments.vararg else []
    named += arguments.kwonlyargs
    named += [arguments.kwarg] if arguments.kwarg else []
    return tuple(argument.arg for argument in named)
