"""A teacher's own solution of a task that it made up: one function, whichever name it has."""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass

from xgen_core.records import Record
from xgen_distill.program import find_definition, parse_program
from xgen_distill.task import Task
from xgen_distill.teacher.reading import Reading, find_code, read_reply

__all__ = ["Solution", "read_solution"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_PYTHON = {"", "python", "python3", "py"}
_FENCE = re.compile(r"^[ \t]*```[ \t]*(\w[\w+#-]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution(Record):
    """What was found in a reply.

    Attributes:
        entry_point: the function that is asked for; empty where there is none.
        header: of it, with its line end.
        prelude: imports that the header needs, of a type say; whoever solves the task has them.
        program: with imports and helpers that it uses, and no examples.
        reason: why there is none; empty where there is one.
    """

    entry_point: str = ""
    header: str = ""
    prelude: str = ""
    program: str = ""
    reason: str = ""


def read_solution(reply: str) -> Solution:
    """The one function of a reply that no other function of it uses.

    Returns:
        The solution, or why there is none: `"no function"` (no `def` anywhere), `"other language"`,
        `"no code"`, `"does not compile"`, `"several functions"`, `"not a plain function"` (it is
        asynchronous, a generator, or takes no parameters), `"the header needs more than imports"`.
    """
    tags = {tag.lower() for tag in _FENCE.findall(reply)}
    if tags and not tags & _PYTHON:
        return Solution(reason="other language")
    if not re.search(r"\bdef\s+\w", reply):
        return Solution(reason="no function")
    whole = parse_program(reply.strip()) is not None  # code alone, without a fence
    code = Reading(program=reply.strip()) if whole else find_code(reply)
    if not code.program:
        return Solution(reason=code.reason)
    tree = parse_program(code.program)
    if tree is None:
        return Solution(reason="does not compile")
    names = _roots(tree)
    if len(names) != 1:
        return Solution(reason="several functions" if names else "no function")
    return _cleaned(code.program, names[0])


def _cleaned(program: str, name: str) -> Solution:
    """The function as a teacher's repair would be read: without what runs behind it."""
    definition = find_definition(program, name)
    assert definition is not None  # the tree has it
    if not definition.parameters or not definition.header.startswith("def "):
        return Solution(reason="not a plain function")
    header = f"{definition.header.rstrip()}\n"
    wanted = Task(id=name, instruction=name, entry_point=name, header=header)
    reading = read_reply(f"```python\n{program}\n```\n", wanted)
    found = find_definition(reading.program, name)
    if found is None:
        return Solution(reason=reading.reason or "does not compile")
    if _yields(found.header + found.body):
        return Solution(reason="not a plain function")
    prelude = _prelude(reading.program, header)
    if prelude is None:
        return Solution(reason="the header needs more than imports")
    return Solution(entry_point=name, header=header, prelude=prelude, program=reading.program)


def _prelude(program: str, header: str) -> str | None:
    """The imports of a program that a header needs; None where it needs something else of it."""
    needed = {
        node.id
        for node in ast.walk(ast.parse(f"{header}    pass\n"))
        if isinstance(node, ast.Name) and not hasattr(builtins, node.id)
    }
    found: list[str] = []
    for node in ast.parse(program).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.asname or alias.name.partition(".")[0] for alias in node.names}
            found += [ast.unparse(node)] if names & needed else []
            needed -= names
    return None if needed else "".join(f"{line}\n" for line in found)


def _roots(tree: ast.Module) -> list[str]:
    """Names of functions at the top level that no other definition there uses."""
    defined = {node.name: node for node in tree.body if isinstance(node, _Function | ast.ClassDef)}
    used = {
        part.id
        for node in defined.values()
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and part.id != node.name
    }
    return [
        name for name, node in defined.items() if name not in used and isinstance(node, _Function)
    ]


def _yields(function: str) -> bool:
    return any(
        isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(ast.parse(function))
    )
