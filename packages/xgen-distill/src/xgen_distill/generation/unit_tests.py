"""Unit tests by the teacher: it writes calls, its own solution says what they give.

PERsD records `str` of what a call returns, or what it printed. A test of ours compares values, so
what a call gives must be a value that Python can write down: functions that only print, and objects
with an address, are left out, with the reason.
"""

from __future__ import annotations

import ast
import asyncio
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from xgen_core import CodecError, Model
from xgen_core.lm.asker import Asker
from xgen_core.records import Record
from xgen_distill.configuration import Sampling
from xgen_distill.generation.asking import ask
from xgen_distill.generation.candidate import Candidate
from xgen_distill.task import Task
from xgen_distill.tasks.splitting import split_tests_of
from xgen_distill.unit_test import UnitTest
from xgen_eval.execution import Checker, Limits, Problem

__all__ = ["UnitTester", "UnitTests", "call_prompt", "read_calls"]

_ASKED = """\
Write {count} calls of the function below, to test it with: usual ones, and ones with edge cases.

One call a line, as a Python expression: {name}(…). All arguments are written out as values. No \
other text, no results, no numbers before the lines.

TASK:
{instruction}

FUNCTION:
```python
{program}
```"""

_BUILDERS = frozenset(
    {"bool", "bytes", "bytearray", "complex", "dict", "float", "frozenset", "int", "list", "range"}
    | {"set", "str", "tuple"}
)
"""Types by whose names an argument may be built."""

_ALLOWED = (
    *(ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.Call, ast.Name, ast.keyword),
    *(ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop, ast.expr_context),
)
_LINE = re.compile(r"^\s*(?:[-*]\s+|\d+[.)]\s+)?`?(?P<call>.+?)`?\s*;?\s*$")
_RESEED = "__import__('random').seed(1)\n"
"""A second run has other random numbers; every program is begun with seed 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTests(Record):
    """What came of asking for tests.

    Attributes:
        tests: in the order of the calls.
        dropped: lines and calls that are no test, by reason.
        reason: why the task is left out; empty where it is not.
        prompt_tokens, completion_tokens: of the request.
        calls: answers to it.
    """

    tests: tuple[UnitTest, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict[str, int])
    reason: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    calls: int = 1

    def task(self, candidate: Candidate, shown: int) -> Task:
        """The candidate with its tests, so many of them shown."""
        told, kept = split_tests_of(self.tests, shown)
        return candidate.task(told, kept)


def call_prompt(candidate: Candidate, count: int) -> str:
    """What a teacher is asked for tests."""
    return _ASKED.format(
        count=count,
        name=candidate.entry_point,
        instruction=candidate.instruction,
        program=candidate.gold.strip(),
    )


def read_calls(reply: str, name: str) -> tuple[list[str], Counter[str]]:
    """The calls in a reply, in order, as Python writes them, and how many lines are none, and why.

    Lines that are empty or fences are passed over. `assert f(1) == 2` counts as `f(1)`.

    Args:
        reply: of the teacher.
        name: of the function that is called.
    """
    calls: dict[str, None] = {}
    wrong: Counter[str] = Counter()
    for line in reply.splitlines():
        match = _LINE.match(line)
        if match is None or line.lstrip().startswith(("```", "#")):
            continue
        call, reason = _read_call(match["call"], name)
        if call in calls:
            reason = "the same call twice"
        if reason:
            wrong[reason] += 1
        else:
            calls[call] = None
    return list(calls), wrong


def _read_call(line: str, name: str) -> tuple[str, str]:
    """A call, or why a line is none."""
    try:
        statements = ast.parse(line.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "", "not an expression"
    node: ast.AST | None = statements[0] if len(statements) == 1 else None
    if isinstance(node, ast.Assert | ast.Expr):
        node = node.test if isinstance(node, ast.Assert) else node.value
    if isinstance(node, ast.Compare):
        node = node.left
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
        node = node.args[0] if node.args else None
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return "", "not a call"
    if node.func.id != name:
        return "", "a call of something else"
    for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
        if not _is_value(argument):
            return "", "an argument that is no value"
    return ast.unparse(node), ""


def _is_value(argument: ast.expr) -> bool:
    """Whether it is a literal, or built of literals by names of built-in types."""
    for node in ast.walk(argument):
        if not isinstance(node, _ALLOWED):
            return False
        if isinstance(node, ast.Name) and node.id not in _BUILDERS:
            return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTester:
    """Makes tests for tasks.

    Attributes:
        model: the teacher, entered.
        checker: entered.
        sampling: of the teacher's replies.
        limits: of each run.
        count: calls to ask for; more are not taken.
        fewest: tests that a task must have.
        seed: of the requests.
    """

    model: Model
    checker: Checker
    sampling: Sampling
    limits: Limits
    count: int = 5
    fewest: int = 5
    seed: int = 0

    async def test(self, candidate: Candidate) -> UnitTests:
        """Ask for calls, and run the candidate's own solution on them.

        Raises:
            ModelError: the model did not answer.
        """
        asker = Asker(self.model, seed=self.seed)
        completion = await ask(asker, "tests", call_prompt(candidate, self.count), self.sampling)
        calls, dropped = read_calls(completion.text, candidate.entry_point)
        tested = await self._run(candidate, calls[: self.count], dropped)
        return replace(
            tested,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
        )

    async def _run(
        self, candidate: Candidate, calls: Sequence[str], dropped: Counter[str]
    ) -> UnitTests:
        tests, reason = await self._true_tests(candidate, calls, dropped)
        if not reason and len(tests) < self.fewest:
            reason = "too few tests"
        return UnitTests(
            tests=() if reason else tuple(tests), dropped=_counts(dropped), reason=reason
        )

    async def _true_tests(
        self, candidate: Candidate, calls: Sequence[str], dropped: Counter[str]
    ) -> tuple[list[UnitTest], str]:
        """Tests that the solution passes every time; and why there are none at all."""
        if len(calls) < self.fewest:
            return [], "too few calls" if calls else "no calls"
        outputs = await asyncio.gather(*(self._output(candidate, call) for call in calls))
        tests: list[UnitTest] = []
        for call, (expected, wrong) in zip(calls, outputs, strict=True):
            if wrong:
                dropped[wrong] += 1
            else:
                tests.append(UnitTest.of_call(call, expected))
        if not tests:
            return [], outputs[0][1]
        if all(test.expected == "None" for test in tests):
            return [], "returns nothing"
        if await self._passes(candidate, tests):
            return tests, ""
        alone = await asyncio.gather(*(self._passes(candidate, [test]) for test in tests))
        same = [test for test, passed in zip(tests, alone, strict=True) if passed]
        if len(same) == len(tests):
            return [], "a call depends on those before it"
        dropped["not the same every time"] += len(tests) - len(same)
        return same, "" if len(same) >= self.fewest else "not the same every time"

    async def _output(self, candidate: Candidate, call: str) -> tuple[str, str]:
        """What a call gives, as source; or why that is nothing to test by."""
        # nothing that is relayed equals an ellipsis, so the verdict shows what the call gave
        try:
            problem = _problem(candidate, [UnitTest(source=f"assert {call} == ...")])
        except CodecError:
            return "", "not an expression"
        verdict = await self.checker.check(problem, candidate.gold, limits=self.limits)
        if verdict.outcome != "assertion":
            kind = verdict.exception or verdict.outcome
            return "", f"raises: {kind}" if verdict.outcome == "exception" else verdict.outcome
        return _expected(verdict.got)

    async def _passes(self, candidate: Candidate, tests: Sequence[UnitTest]) -> bool:
        """Whether the solution gives the same again, with other random numbers."""
        problem = replace(_problem(candidate, tests), prelude=candidate.prelude + _RESEED)
        verdict = await self.checker.check(problem, candidate.gold, limits=self.limits)
        return verdict.passed


def _problem(candidate: Candidate, tests: Sequence[UnitTest]) -> Problem:
    return candidate.task().problem(tests)


def _expected(got: str) -> tuple[str, str]:
    """A value that a verdict shows, as source; or why it has none."""
    if got.endswith(" ..."):
        return "", "too long"
    try:
        node = ast.parse(got, mode="eval").body
        ast.literal_eval(node)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return "", "no value that can be written down"
    for part in ast.walk(node):
        if isinstance(part, ast.Set):  # its order says nothing
            part.elts.sort(key=ast.unparse)
    return ast.unparse(node), ""


def _counts(dropped: Counter[str]) -> dict[str, int]:
    return {reason: dropped[reason] for reason in sorted(dropped) if dropped[reason]}
