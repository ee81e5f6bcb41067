"""The program in a model's reply, found by fences and by the syntax tree."""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import dataclass

from xgen_core.records import Record
from xgen_distill.program import find_definition, parse_program
from xgen_distill.task import Task

__all__ = ["Reading", "find_code", "read_reply"]

_FENCED = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[^\n`]*\n(?P<code>.*?)(?:^[ \t]*(?P=fence)`*~*[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
_BEGINS = re.compile(r"(?:async\s+)?def\s+\w|class\s+\w|import\s+\w|from\s+[\w.]+\s+import\b|@\w")
_Defined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_KEPT = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
    *(ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Record):
    """What was found in a reply.

    Attributes:
        program: empty where there is none.
        reason: why there is none; empty where there is one.
    """

    program: str = ""
    reason: str = ""


def read_reply(reply: str, task: Task) -> Reading:
    """The task's function in a reply, with imports and helpers that it uses, and no examples.

    Of several fenced blocks the last that defines the function counts, else the last of all;
    without any, lines from the first that begins like code. A body alone gets the task's header.
    Parameters may go by other names, which `xgen_distill.sets` settles.

    Returns:
        The program, or why there is none: `"no code"`, `"prose"`, `"does not compile"`,
        `"no function"`, `"several functions"`, `"other signature"`.
    """
    code = find_code(reply, task.entry_point)
    return _function(code.program, task) if code.program else code


def find_code(reply: str, name: str = "") -> Reading:
    """The code in a reply, whatever it defines.

    Args:
        reply: of a model.
        name: of the function that is looked for; empty for any.

    Returns:
        The block or the lines, see `read_reply`; or the reason `"no code"` or `"prose"`.
    """
    if not reply.strip():
        return Reading(reason="no code")
    fenced = [match["code"] for match in _FENCED.finditer(reply)]
    blocks = [block for block in fenced if block.strip()]
    if fenced and not blocks:
        return Reading(reason="no code")
    named = rf"{re.escape(name)}\b" if name else ""
    code = _last_that_defines(blocks, named) if blocks else _code_lines(reply)
    if not code.strip():
        return Reading(reason="prose")
    return Reading(program=textwrap.dedent(code))


def _last_that_defines(blocks: list[str], named: str) -> str:
    defines = re.compile(rf"\bdef\s+{named}")
    return next((block for block in reversed(blocks) if defines.search(block)), blocks[-1])


def _code_lines(reply: str) -> str:
    """From the first line that begins like code to the next that is neither code nor indented."""
    lines = reply.splitlines(keepends=True)
    first = next((i for i, line in enumerate(lines) if _BEGINS.match(line)), None)
    if first is None:  # a body alone
        return "".join(line for line in lines if line[0].isspace())
    kept: list[str] = []
    for line in lines[first:]:
        if not line[0].isspace() and not _BEGINS.match(line) and line[0] not in ")]}#":
            break
        kept.append(line)
    return "".join(kept)


def _function(code: str, task: Task) -> Reading:
    tree = parse_program(code)
    defined = [node for node in tree.body if isinstance(node, _Defined)] if tree else []
    if tree is None or not defined:
        body = find_definition(
            task.header + textwrap.indent(code.strip("\n"), "    ") + "\n", task.entry_point
        )
        if tree is not None:  # statements, of which none returns anything
            return Reading(reason="no function")
        if body is None:
            return Reading(reason="does not compile")
        return Reading(program=f"{body.header}{body.body}")
    ours = [node for node in defined if node.name == task.entry_point]
    if not ours:
        return Reading(reason="several functions" if len(defined) > 1 else "other signature")
    if len(ours) > 1 or {node.name for node in defined} != _used(ours[0], defined):
        return Reading(reason="several functions")
    if _shape(ours[0]) != _shape(_wanted(task)):
        return Reading(reason="other signature")
    return Reading(program=_without_driver(code, tree, ours[0]))


def _used(node: _Defined, defined: list[_Defined]) -> set[str]:
    """Names of the definitions that a function needs, its own included."""
    others = {other.name: other for other in defined}
    found, left = {node.name}, [node]
    while left:
        for part in ast.walk(left.pop()):
            if isinstance(part, ast.Name) and part.id in others and part.id not in found:
                found.add(part.id)
                left.append(others[part.id])
    return found


def _without_driver(code: str, tree: ast.Module, function: _Defined) -> str:
    """The program without what runs behind its function: examples, prints, asserts."""
    lines = code.splitlines()
    kept: list[str] = lines[: function.end_lineno]
    for node in tree.body:
        if node.lineno > (function.end_lineno or 0) and isinstance(node, _KEPT):
            decorators = node.decorator_list if isinstance(node, _Defined) else []
            first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
            kept += ["", *lines[first - 1 : node.end_lineno]]
    return "\n".join(kept).strip("\n") + "\n"


def _wanted(task: Task) -> _Defined:
    (node,) = ast.parse(f"{task.header}    pass\n").body
    assert isinstance(node, _Defined)
    return node


def _shape(node: _Defined) -> tuple[object, ...]:
    """How a function can be called by position, and which keywords alone name."""
    if isinstance(node, ast.ClassDef):
        return ("class",)
    given = node.args
    return (
        type(node),
        len(given.posonlyargs) + len(given.args),
        len(given.defaults),
        given.vararg is None,
        sorted(argument.arg for argument in given.kwonlyargs),
        given.kwarg is None,
    )
