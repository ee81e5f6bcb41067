"""More inputs than a benchmark's tests have, so that passing three asserts is no coincidence.

`assert is_odd(7)`, `assert not is_odd(12)`, `assert not is_odd(10)` are met by a test for primes;
on 15 and 21 the two part.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import cast

from xgen_distill.program import parse_program
from xgen_distill.task import Task
from xgen_eval.execution import Problem

__all__ = ["AGREE", "MOST", "probe_inputs", "probe_problem"]

MOST = 40
"""Inputs at most."""

AGREE = 0.9
"""Share of the inputs on which both solutions must give one value. Not all: what a solution does
with an empty list is often nobody's choice."""

_LARGE = 10**6
"""Beyond it numbers are not doubled, which could cost time."""

_JUDGE = """\
same = tried = 0
for make in (
{inputs}
):
    try:
        expected = _reference(*make())
    except Exception:
        continue
    tried += 1
    try:
        same += {name}(*make()) == expected
    except Exception:
        pass
assert same >= {agree} * tried
"""
"""Inputs are made twice, as a function may change what it is given."""


def probe_problem(problem: Problem, task: Task) -> Problem | None:
    """What judges whether a solution agrees with the benchmark's own beyond the tests.

    Args:
        problem: by the tests of the benchmark's task.
        task: that task, with its solution.

    Returns:
        None where there is no solution, or no call with plain values to begin from.
    """
    inputs = probe_inputs(task)
    if not task.gold or not inputs:
        return None
    gold = textwrap.indent(f"{task.prelude}\n{task.gold}".strip(), "    ")
    reference = f"def _reference(*given):\n{gold}\n    return {task.entry_point}(*given)\n"
    if parse_program(reference) is None:  # `from m import *`, which no function may hold
        return None
    made = "\n".join(f"    lambda: {text}," for text in inputs)
    test = _JUDGE.format(inputs=made, name=task.entry_point, agree=AGREE)
    # a judge in which a solution has run, though the benchmark's, judges nothing else
    return replace(problem, setup=f"{problem.setup}\n{reference}", tests=(test,), trusted=False)


def probe_inputs(task: Task) -> tuple[str, ...]:
    """Inputs near those of the tests, as sources of tuples of arguments; `MOST` of them.

    In each one argument is another than in a test: a number one more, one less, about doubled; a
    text or list turned round, shorter, longer; and the same of its first part.
    """
    found: dict[str, None] = {}
    given = list(_calls(task))
    known = {repr(arguments) for arguments in given}
    for row in zip_longest(*map(_variants, given)):  # some of every call
        for arguments in row:
            if arguments is not None and repr(arguments) not in known:
                found[repr(arguments)] = None
    return tuple(found)[:MOST]


def _calls(task: Task) -> Iterator[tuple[object, ...]]:
    """The arguments of all calls with plain values alone, in the order of the tests."""
    for test in task.tests:
        tree = parse_program(test.source)
        for node in ast.walk(tree) if tree is not None else ():
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in (task.entry_point, "candidate")
                and node.args
                and not node.keywords
            ):
                try:
                    yield tuple(ast.literal_eval(argument) for argument in node.args)
                except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                    continue


def _variants(arguments: tuple[object, ...]) -> Iterator[tuple[object, ...]]:
    for row in zip_longest(*map(_near, arguments)):
        for place, value in enumerate(row):
            if value is not None:
                yield (*arguments[:place], value, *arguments[place + 1 :])


def _near(value: object) -> Iterator[object]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1)
        if abs(value) < _LARGE:
            yield from (2 * value + 1, 2 * value)
    elif isinstance(value, float):
        yield from (value + 0.5, -value)
    elif isinstance(value, str) and value:
        yield from (value[::-1], value[1:], value + value[:1])
    elif isinstance(value, list | tuple) and value:
        kind, parts = type(value), list(cast("Sequence[object]", value))
        yield from (kind(parts[::-1]), kind(parts[1:]), kind([*parts, parts[0]]))
        for first in _near(parts[0]):
            yield kind([first, *parts[1:]])
