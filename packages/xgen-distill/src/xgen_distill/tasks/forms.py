"""One row of a file as a task, in each form that is read."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from typing import Literal, cast, get_args

from xgen_core import CodecError
from xgen_distill.program import Definition, find_definition, parse_program
from xgen_distill.task import Task
from xgen_distill.tasks.examples import find_examples
from xgen_distill.tasks.splitting import SHOWN, split_tests_of
from xgen_distill.unit_test import UnitTest
from xgen_eval.execution.formats.fields import text, texts
from xgen_eval.execution.formats.humaneval import humaneval_problem
from xgen_eval.execution.formats.mbpp import mbpp_problem

__all__ = ["FORMS", "Form", "form_of", "parse_row"]

Form = Literal["tasks", "humaneval", "mbpp", "alpaca", "plain"]
FORMS: tuple[Form, ...] = get_args(Form)


def form_of(row: Mapping[str, object]) -> Form:
    """Which form a row has, by the fields that only it has.

    Raises:
        CodecError: none that is known.
    """
    for field, form in (
        ("entry_point", "humaneval" if "canonical_solution" in row else "tasks"),
        ("test_list", "mbpp"),
        ("output", "alpaca"),
        ("instruction", "plain"),
    ):
        if field in row:
            return cast(Form, form)
    raise CodecError(
        f"neither a task of ours nor HumanEval, MBPP or Alpaca: its fields are "
        f"{', '.join(sorted(row))}"
    )


def parse_row(row: Mapping[str, object], form: Form, number: int) -> Task:
    """The task of one row.

    Args:
        row: of the file.
        form: of the file.
        number: of the row, from 1; the id of a task whose row has none.

    Raises:
        CodecError: a field is missing or of another type, or there is no such function in the code.
    """
    try:
        if form == "tasks":
            return Task.from_json(row)
        if form == "humaneval":
            return _humaneval(row)
        if form == "mbpp":
            return _mbpp(row)
        if form == "alpaca":
            return _alpaca(row, number)
        return _plain(row, number)
    except ValueError as error:
        raise CodecError(str(error)) from error


def _humaneval(row: Mapping[str, object]) -> Task:
    """HumanEval's: the docstring is the instruction, its examples are the tests that are shown."""
    problem = humaneval_problem(row)
    [name] = problem.entry_points
    definition = _definition(problem.reference, name)
    docstring, imports = _described(definition)
    return Task(
        id=problem.id,
        instruction=inspect.cleandoc(docstring),
        entry_point=name,
        header=_header(definition),
        shown=tuple(find_examples(docstring, name, definition.parameters)),
        hidden=(UnitTest(source=problem.tests[0].strip()),),
        complete=True,
        gold=f"{_header(definition)}{text(row, 'canonical_solution').strip(chr(10))}\n",
        setup=problem.setup,
        prelude=definition.before + imports,
        trusted=True,
        origin="humaneval",
    )


def _described(definition: Definition) -> tuple[str, str]:
    """The docstring, and imports before it (HumanEval/115 has one, so Python sees no docstring)."""
    if definition.docstring is not None:
        return definition.docstring, ""
    imports: list[str] = []
    for statement in _body(definition):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            imports.append(f"{ast.unparse(statement)}\n")
        elif (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
            and isinstance(statement.value.value, str)
        ):
            return statement.value.value, "".join(imports)
        else:
            break
    raise CodecError("prompt: no docstring in it, so nothing is asked")


def _body(definition: Definition) -> list[ast.stmt]:
    tree = parse_program(definition.header + definition.body)
    assert tree is not None  # it was taken out of a program that compiles
    node = tree.body[0]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    return node.body


def _mbpp(row: Mapping[str, object]) -> Task:
    """MBPP's, whole or sanitized: the first assert is shown, and all of them decide."""
    problem = mbpp_problem(row)
    name = _called_first(problem.tests[0], problem.reference)
    definition = _definition(problem.reference, name)
    tests = tuple(UnitTest.of(test) for test in problem.tests)
    return Task(
        id=f"mbpp/{problem.id}",
        instruction=problem.prompt.strip(),
        entry_point=name,
        header=_header(definition),
        shown=tests[:1],
        hidden=tests,
        complete=True,
        gold=problem.reference.replace("\r\n", "\n").strip() + "\n",
        setup=problem.setup,
        trusted=True,
        origin="mbpp",
    )


def _alpaca(row: Mapping[str, object], number: int) -> Task:
    """CodeAlpaca's: instruction, input, and an output with one function in it; no tests."""
    asked = [text(row, "instruction").strip()]
    if row.get("input"):
        asked.append(text(row, "input").strip())
    code = text(row, "output").replace("\r\n", "\n").strip() + "\n"
    if "def " not in code:
        raise CodecError("output: no function in it")
    definition = _only_definition(code, "output")
    return Task(
        id=_id(row, number),
        instruction="\n".join(asked),
        entry_point=definition.name,
        header=_header(definition),
        gold=code,
        origin="alpaca",
    )


def _plain(row: Mapping[str, object], number: int) -> Task:
    """A friendly form: `instruction`, `code` or `header`, and `tests`; `shown` says how many."""
    code = text(row, "code") if row.get("code") else ""
    if code:
        definition = _only_definition(code, "code")
    else:
        header = text(row, "header").strip()
        definition = _only_definition(f"{header}\n    pass\n", "header")
    tests = [UnitTest.of(test) for test in texts(row, "tests")] if row.get("tests") else []
    shown = row.get("shown", SHOWN)
    if not isinstance(shown, int) or shown < 1:
        raise CodecError(f"shown: expected how many tests are shown, got {shown!r:.40}")
    told, kept = split_tests_of(tests, shown) if tests else ((), ())
    return Task(
        id=_id(row, number),
        instruction=text(row, "instruction").strip(),
        entry_point=definition.name,
        header=_header(definition),
        shown=told,
        hidden=kept,
        gold=code.strip() + "\n" if code else "",
        trusted=True,
        origin="plain",
    )


def _id(row: Mapping[str, object], number: int) -> str:
    for field in ("id", "task_id"):
        if isinstance(row.get(field), str | int):
            return f"{row[field]}"
    return f"{number}"


def _header(definition: Definition) -> str:
    return f"{definition.header.rstrip()}\n"


def _definition(code: str, name: str) -> Definition:
    definition = find_definition(code, name)
    if definition is None:
        raise CodecError(f"its code does not compile, or defines no function {name}")
    return definition


def _only_definition(code: str, field: str) -> Definition:
    """The one function of a program; where there are more, the last, which uses the others."""
    tree = parse_program(code)
    if tree is None:
        raise CodecError(f"{field}: it does not compile")
    names = [n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    if not names:
        raise CodecError(f"{field}: no function in it")
    return _definition(code, names[-1])


def _called_first(test: str, code: str) -> str:
    """The function of the program that a test calls first."""
    tree, program = parse_program(test), parse_program(code)
    if tree is None or program is None:
        raise CodecError("its code or its tests do not compile")
    defined = {
        node.name
        for node in program.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    names = [
        (node.lineno, node.col_offset, node.id)
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id in defined
    ]
    if not names:
        raise CodecError("test_list: the first assert calls no function of the code")
    return min(names)[2]
