"""MBPP (Austin et al. 2021): functions from one sentence, judged by three asserts."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xgen_core import InputError
from xgen_eval.coding import CodingBenchmark
from xgen_eval.datasets import DataSet, Hub
from xgen_eval.execution.formats.mbpp import mbpp_problem
from xgen_eval.execution.formats.source import syntax_tree
from xgen_eval.execution.problem import Problem
from xgen_eval.execution.truncation import truncate_body

__all__ = ["Mbpp", "MbppPersd"]

_HUB = "google-research-datasets/mbpp"
_EVERYTHING = {"all": "prompt+test+validation+train"}
_TEST = range(11, 511)
_SHOTS = ("2", "3", "4")
_PERSD_SEEDS = 601
"""From this id on, tasks were seeds of PERsD's training data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mbpp(CodingBenchmark):
    """The 500 test problems, ids 11 to 510, after the three solved examples 2, 3 and 4."""

    name: ClassVar[str] = "mbpp"
    procedure: ClassVar[str] = "3-shot-v1"
    summary: ClassVar[str] = "functions from a sentence and three asserts, 3-shot (pass@k)"
    title: ClassVar[str] = "MBPP, 3-shot"
    caption: ClassVar[str] = (
        "Problems 11 to 510 of the whole set; the prompt shows all three asserts, which then judge."
    )
    stop: ClassVar[tuple[str, ...]] = ("[DONE]",)
    dataset: ClassVar[DataSet[Problem]] = DataSet(
        name="mbpp",
        row=Problem,
        parse=lambda raw: mbpp_problem(raw.fields),
        splits=("all",),
        hub=Hub(path=_HUB, configurations=("full",), splits=_EVERYTHING),
        about="google-research/mbpp, the 974 of mbpp.jsonl, CC BY 4.0",
    )

    def select(self, problems: Sequence[Problem]) -> Sequence[Problem]:
        """Problems 11 to 510."""
        return [problem for problem in problems if int(problem.id) in _TEST]

    def prompt(self, problem: Problem, problems: Sequence[Problem]) -> str:
        """Three solved problems, then this one."""
        known = {p.id: p for p in problems}
        if not set(_SHOTS) <= set(known):
            raise InputError(f"mbpp needs the solved problems {', '.join(_SHOTS)} in its data")
        solved = "".join(f"{_asked(known[i])}{known[i].reference}\n[DONE]\n\n" for i in _SHOTS)
        return solved + _asked(problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class MbppPersd(CodingBenchmark):
    """The 307 sanitized problems before id 601, asked as PERsD asks, without examples.

    Chen et al. 2023 drop one of them, whose header a regular expression missed; here headers are
    found in the syntax tree.
    """

    name: ClassVar[str] = "mbpp_persd"
    procedure: ClassVar[str] = "docstring-header-v1"
    summary: ClassVar[str] = "MBPP as PERsD evaluates it: sanitized, ids before 601 (pass@k)"
    title: ClassVar[str] = "MBPP, PERsD's part"
    caption: ClassVar[str] = (
        "Sanitized problems with ids below 601. The prompt is the task with one example in triple "
        "quotes, and the reference's header; a completion ends where its function does. Not "
        "comparable with the 3-shot figures."
    )
    stop: ClassVar[tuple[str, ...]] = ("\ndef", "\nclass", "\nprint", "\nif", "\n#", '\n"""')
    dataset: ClassVar[DataSet[Problem]] = DataSet(
        name="mbpp_sanitized",
        row=Problem,
        parse=lambda raw: mbpp_problem(raw.fields),
        splits=("all",),
        hub=Hub(path=_HUB, configurations=("sanitized",), splits=_EVERYTHING),
        about="google-research/mbpp, the 427 of sanitized-mbpp.json, CC BY 4.0",
    )

    def select(self, problems: Sequence[Problem]) -> Sequence[Problem]:
        """Problems before 601."""
        return [problem for problem in problems if int(problem.id) < _PERSD_SEEDS]

    def prompt(self, problem: Problem, problems: Sequence[Problem]) -> str:
        """Task and example in triple quotes, then the header."""
        return f'"""\n{problem.prompt}\n>>> Example: {_example(problem)}\n"""\n\n{header(problem)}'

    def program(self, problem: Problem, completion: str) -> str:
        """The header with the body that the model wrote."""
        return header(problem) + truncate_body(completion)


def header(problem: Problem) -> str:
    """The reference's text up to the body of the function under test, with its line end.

    Raises:
        InputError: the reference does not define it.
    """
    lines = problem.reference.splitlines(keepends=True)
    for node in syntax_tree(problem.reference, "code").body:
        if isinstance(node, ast.FunctionDef) and node.name in problem.entry_points:
            body = node.body[0]
            before = "".join(lines[: body.lineno - 1])
            same_line = lines[body.lineno - 1].encode()[: body.col_offset].decode()
            return f"{(before + same_line).rstrip()}\n"
    raise InputError(f"mbpp problem {problem.id}: its code defines no function that a test calls")


def _asked(problem: Problem) -> str:
    tests = "\n".join(problem.tests[:3])
    return (
        f"You are an expert Python programmer, and here is your task: {problem.prompt} "
        f"Your code should pass these tests:\n\n{tests}\n[BEGIN]\n"
    )


def _example(problem: Problem) -> str:
    """The first assert as `f(x) = y` where it is of that form, else as it is."""
    test = syntax_tree(problem.tests[0].strip(), "test").body[0]
    if isinstance(test, ast.Assert) and isinstance(test.test, ast.Compare):
        left, right = test.test.left, test.test.comparators[0]
        source = problem.tests[0].strip()
        sides = [ast.get_source_segment(source, side) for side in (left, right)]
        if len(test.test.ops) == 1 and isinstance(test.test.ops[0], ast.Eq):
            return f"{sides[0]} = {sides[1]}"
    return problem.tests[0].strip().removeprefix("assert ")
