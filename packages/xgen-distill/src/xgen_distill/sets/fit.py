"""A program made into what follows a task's header, or why that cannot be done.

What the release of PERsD did by splitting at the first colon is done here by the tree: parameters
get the header's names, what stands beside the function and is needed goes into its body, a
docstring that says the task again goes. Nothing runs here; that is the builder's.
"""

from __future__ import annotations

import ast
import contextlib
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from xgen_core import CodecError
from xgen_core.records import Record
from xgen_distill.program import Definition, find_definition, parse_program
from xgen_distill.sets.names import (
    bound_names,
    defined_names,
    outside_names,
    undefined_names,
)
from xgen_distill.sets.outside import Part, indented, outside_parts
from xgen_distill.sets.renaming import rename_parameters
from xgen_distill.sets.unfit import Unfit
from xgen_distill.task import Task
from xgen_eval.execution.formats.source import syntax_tree
from xgen_eval.metrics.stemming import porter_stem

__all__ = ["RESTATED", "Fitted", "fit", "restated"]

RESTATED = 0.5
"""Share of a docstring's words that the task has too, from which on it says the task again."""
_WORD = re.compile(r"[^\W_]+")
_BLANK = re.compile(r"\A(?:[ \t]*\n)+")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted(Record):
    """A program as a row has it.

    Attributes:
        completion: what follows the header: a body, with its line end.
        repaired: what had to be changed, each `KIND` or `KIND: DETAIL`.
    """

    completion: str
    repaired: tuple[str, ...] = ()


def fit(task: Task, program: str) -> Fitted:
    """Make a program into a body under the task's header.

    Args:
        task: says header, name of the function, and what runs before.
        program: that solves it, or its body alone.

    Raises:
        Unfit: it cannot be done; says why.
    """
    try:
        return _fit(task, program)
    except RecursionError:
        raise Unfit("does not compile", "it is nested too deeply") from None


def restated(docstring: str, instruction: str) -> float:
    """How much of a docstring the task says already, 0 to 1.

    The share of the different words of its first paragraph, without their endings (Porter), that
    are in the instruction.
    """
    words, known = (
        {porter_stem(word) for word in _WORD.findall(text.casefold())}
        for text in (docstring.strip().split("\n\n")[0], instruction)
    )
    return len(words & known) / len(words) if words else 0.0


def _fit(task: Task, program: str) -> Fitted:
    repaired: list[str] = []
    program = program.replace("\r\n", "\n").replace("\r", "\n")
    if not program.strip():
        raise Unfit("empty")
    definition = find_definition(program, task.entry_point)
    if definition is None:
        definition = _attached(task, program)
        program = definition.header + definition.body
        repaired.append("header re-attached")
    tree = parse_program(program)
    assert tree is not None  # it has a definition
    parts, left_out = outside_parts(tree, program, task.entry_point)
    body = _under_header(task, definition, repaired)
    needed = _needed(task, body, parts)
    conflict = _hidden(task, body, needed)
    if conflict:
        raise Unfit("name conflict", f"{conflict} is bound in the function")
    for part in parts:
        if part not in needed and part.kind == "helper":
            raise Unfit("several functions", f"{part.names[0]} is not used by the solution")
        if part not in needed:
            left_out.append(part.source)
    repaired += [f"moved into the body: {part.kind} {', '.join(part.names)}" for part in needed]
    repaired += [f"left out: {' '.join(text.split())}" for text in left_out]
    body = _with_parts(task, body, needed)
    body = _without_restatement(task, body, repaired)
    _check(task, body)
    return Fitted(completion=body, repaired=tuple(repaired))


def _attached(task: Task, program: str) -> Definition:
    """The function of a program that is its body alone."""
    tree = parse_program(program)
    functions = [n.name for n in tree.body if isinstance(n, _Function)] if tree else []
    if functions:
        raise Unfit("no function", f"it defines {', '.join(functions)}")
    if tree and task.entry_point in defined_names(program):
        raise Unfit("no function", f"{task.entry_point} is not defined by `def`")
    for body in _bodies(program):
        source = f"{task.header}{body}\n"
        found = parse_program(source)
        if found is not None and len(found.body) == 1:
            definition = find_definition(source, task.entry_point)
            if definition is not None:
                return definition
    raise Unfit("no function" if tree else "does not compile")


def _bodies(program: str) -> Iterator[str]:
    """A program as a body: as it is, set in, or with the indentation that its first line lost."""
    yield program
    flat = textwrap.dedent(program)
    with contextlib.suppress(CodecError, RecursionError, MemoryError):
        yield indented(flat, "    ")
    yield "    " + program.lstrip()


def _under_header(task: Task, definition: Definition, repaired: list[str]) -> str:
    """The body, with the names that the task's header gives the parameters."""
    body = definition.body
    header = definition.header
    if not header.endswith("\n"):  # the body is on the header's line
        header, body = header.rstrip(" \t") + "\n", "    " + body
    wanted, own = (_function(text + "    pass\n") for text in (task.header, header))
    names = _matched(wanted, own)
    if names:
        source = rename_parameters(header + body, names)
        renamed = find_definition(source, task.entry_point)
        assert renamed is not None  # only names have changed
        body = renamed.body
        changes = ", ".join(f"{old} → {new}" for old, new in names.items())
        repaired.append(f"parameters renamed: {changes}")
    for what, change in (("hints", _hints), ("defaults", _defaults)):
        if change(wanted) != change(own):
            repaired.append(f"header's {what} for its own")
    return _BLANK.sub("", body).rstrip() + "\n"


def _function(source: str) -> _Function:
    node = syntax_tree(source, "function").body[0]
    assert isinstance(node, _Function)
    return node


def _matched(wanted: _Function, own: _Function) -> dict[str, str]:
    """New names of the parameters that have others, by the old ones."""
    pairs: list[tuple[str, str]] = []
    sides = [(node.args.posonlyargs + node.args.args) for node in (own, wanted)]
    keyword_only = [[argument.arg for argument in node.args.kwonlyargs] for node in (own, wanted)]
    rest = [(node.args.vararg, node.args.kwarg) for node in (own, wanted)]
    shapes = [
        (type(node), len(side), len(only), *(argument is not None for argument in more))
        for node, side, only, more in zip((own, wanted), sides, keyword_only, rest, strict=True)
    ]
    if shapes[0] != shapes[1]:
        raise Unfit(
            "other signature", f"({ast.unparse(own.args)}) instead of ({ast.unparse(wanted.args)})"
        )
    pairs += [(a.arg, b.arg) for a, b in zip(*sides, strict=True)]
    if set(keyword_only[0]) != set(keyword_only[1]):  # the same names may stand in another order
        pairs += zip(*keyword_only, strict=True)
    pairs += [(a.arg, b.arg) for a, b in zip(*rest, strict=True) if a is not None and b is not None]
    return {old: new for old, new in pairs if old != new}


def _hints(node: _Function) -> list[str]:
    named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    named += [a for a in (node.args.vararg, node.args.kwarg) if a is not None]
    hints = [argument.annotation for argument in named] + [node.returns]
    return [ast.unparse(hint) if hint is not None else "" for hint in hints]


def _defaults(node: _Function) -> list[str]:
    values = [*node.args.defaults, None, *node.args.kw_defaults]
    return [ast.unparse(value) if value is not None else "" for value in values]


def _needed(task: Task, body: str, parts: list[Part]) -> list[Part]:
    """Parts that the function uses, and parts that those use; imports first, else in order."""
    node = _function(task.header + body)
    for argument in (item for item in ast.walk(node.args) if isinstance(item, ast.arg)):
        argument.annotation = None  # what the header needs cannot come from the body
    node.returns, node.args.defaults = None, []
    node.args.kw_defaults = [None for _ in node.args.kwonlyargs]
    waiting = list(outside_names(ast.unparse(node)))
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for part in parts:
            if name in part.names:
                waiting += outside_names(part.source)
    needed = [part for part in parts if found & set(part.names)]
    return sorted(needed, key=lambda part: part.kind != "import")


def _hidden(task: Task, body: str, needed: list[Part]) -> str:
    """A name that would mean something else once the parts are in the function; empty for none."""
    bound = bound_names(task.header + body, task.entry_point)
    moved = {name for part in needed for name in part.names}
    read = {name for part in needed for name in outside_names(part.source)}
    return min(bound & (moved | read), default="")


def _with_parts(task: Task, body: str, needed: list[Part]) -> str:
    if not needed:
        return body
    node = _function(task.header + body)
    first = node.body[0]
    lines = (task.header + body).split("\n")
    indent = lines[first.lineno - 1][: first.col_offset]
    above = task.header.count("\n")
    if _is_docstring(first) and len(node.body) > 1:
        above = first.end_lineno or first.lineno
    moved = [indented(part.source, indent) for part in needed]
    return "\n".join([*lines[:above], *moved, *lines[above:]])[len(task.header) :]


def _without_restatement(task: Task, body: str, repaired: list[str]) -> str:
    node = _function(task.header + body)
    first = node.body[0]
    if not _is_docstring(first):
        return body
    if len(node.body) == 1:
        raise Unfit("no body")
    share = restated(ast.get_docstring(node) or "", task.instruction)
    if share < RESTATED:
        return body
    repaired.append("docstring left out")
    lines = (task.header + body).encode().split(b"\n")
    end = first.end_lineno or first.lineno
    if node.body[1].lineno == end:  # after a semicolon
        lines[end - 1] = (
            lines[first.lineno - 1][: first.col_offset]
            + (lines[end - 1][node.body[1].col_offset :])
        )
        end -= 1
    kept = [*lines[: first.lineno - 1], *lines[end:]]
    return b"\n".join(kept)[len(task.header.encode()) :].decode().lstrip("\n")


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _check(task: Task, body: str) -> None:
    program = task.header + body
    tree = parse_program(program)
    if tree is None or len(tree.body) != 1:
        raise Unfit("does not compile", "under the task's header")
    for table in ast.walk(tree):
        if isinstance(table, ast.Global):
            raise Unfit("global statement", ", ".join(table.names))
    if parse_program(task.prelude) is None:
        raise Unfit("not judged", "the task's prelude does not compile")
    if "import *" in task.prelude:
        return  # which names it defines is not told by its text; the tests will tell
    missing = sorted(undefined_names(program) - defined_names(task.prelude))
    if missing:
        raise Unfit("undefined name", ", ".join(missing))
