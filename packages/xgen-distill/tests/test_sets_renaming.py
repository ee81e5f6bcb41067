"""Renamed functions do what they did, whatever names they use inside."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgen_distill.sets import Unfit
from xgen_distill.sets.renaming import rename_parameters

NAMES = ["a", "b", "c", "n", "sum", "inner"]
STATEMENTS = [
    "{0} = {1} + {2}",
    "{0} = sum([{1} for {1} in range({2} % 5)])",
    "{0} = [{2} for {1} in range(3) if {1} < {2}]",
    "{0} = (lambda {1}: {1} + {2})({0})",
    "{0} = (lambda {1}={2}: {1})()",
    "def inner({1}, {3}=1):\n        return {1} + {2}\n    {0} = inner({1}={2})",
    "def inner():\n        nonlocal {0}\n        {0} += 1\n        return {1}\n    {2} = inner()",
    "{0} = len(f'{{{1}}}{{{2}!r:>{{abs({1}) % 9}}}}')",
    "{0} = [({1} := {2} + i) for i in range(2)][0]",
    "if {0} > {1}:\n        return f({0} - 1, {2}) if {0} < 3 else {0}",
    "{0} = {{{1!r}: {1}}}[{1!r}]",
    "class C:\n        {0} = {1}\n    {2} = C.{0}",
    "for {0} in range(2):\n        {1} = {0}",
]


@st.composite
def functions(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """A function of two parameters, and other names for them."""
    name = st.sampled_from(NAMES)
    first, second = draw(st.lists(name, min_size=2, max_size=2, unique=True))
    lines = [
        draw(st.sampled_from(STATEMENTS)).format(*(draw(name) for _ in range(4)))
        for _ in range(draw(st.integers(1, 4)))
    ]
    others = [other for other in NAMES[:4] if other not in (first, second)]
    lines = [
        f"{other} = {number}" for number, other in enumerate(others) if draw(st.booleans())
    ] + lines
    source = f"def f({first}, {second}):\n    " + "\n    ".join([*lines, f"return {first}"]) + "\n"
    new = draw(st.lists(name, min_size=2, max_size=2, unique=True))
    pairs = zip((first, second), new, strict=True)
    return source, {old: other for old, other in pairs if old != other}


def outcome(source: str) -> object:
    """What a call gives, or which exception it raises."""
    spaces: dict[str, Any] = {}
    exec(source, spaces)
    try:
        value = spaces["f"](2, 7)
        return value if isinstance(value, int | list) else type(value).__name__
    except RecursionError:
        return "RecursionError"
    except Exception as error:  # noqa: BLE001 - what is compared
        return type(error).__name__


@settings(max_examples=300, deadline=None)
@given(functions())
def test_a_renamed_function_does_the_same(case: tuple[str, dict[str, str]]) -> None:
    source, names = case
    try:
        compile(source, "f", "exec")
    except SyntaxError:
        return  # the names drawn make no function
    try:
        renamed = rename_parameters(source, names)
    except Unfit:
        return  # see the next test for what may not be refused
    assert outcome(renamed) == outcome(source)
    before, after = (ast.parse(text).body[0] for text in (source, renamed))
    assert isinstance(before, ast.FunctionDef)
    assert isinstance(after, ast.FunctionDef)
    wanted = [names.get(argument.arg, argument.arg) for argument in before.args.args]
    assert [argument.arg for argument in after.args.args] == wanted


@settings(max_examples=100, deadline=None)
@given(functions())
def test_names_of_no_other_meaning_are_never_refused(case: tuple[str, dict[str, str]]) -> None:
    source, names = case
    try:
        tree = compile(source, "f", "exec", ast.PyCF_ONLY_AST)
        compile(source, "f", "exec")
    except SyntaxError:
        return
    if any(isinstance(n, ast.FunctionDef) and n.name in names for n in ast.walk(tree)):
        return  # a parameter that is bound by a definition too
    fresh = {old: f"{old}_given" for old in names}
    renamed = rename_parameters(source, fresh)
    assert outcome(renamed) == outcome(source)


def test_only_a_function_can_be_renamed() -> None:
    with pytest.raises(ValueError, match="one function"):
        rename_parameters("x = 1\n", {"x": "y"})
