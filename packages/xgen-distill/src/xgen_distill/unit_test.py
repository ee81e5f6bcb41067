"""One test of a task: a statement that must run without an exception."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from xgen_core.records import Record
from xgen_distill.program import parse_program

__all__ = ["UnitTest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTest(Record):
    """A test.

    Attributes:
        source: what is run, `assert f(1) == 2`.
        call: the call under test, where the test compares one call with one value.
        expected: source of that value.
    """

    source: str
    call: str = ""
    expected: str = ""

    def __post_init__(self) -> None:
        if not self.source.strip():
            raise ValueError("a test without a source")

    @classmethod
    def of(cls, source: str) -> UnitTest:
        """A test by its source; call and expected value are read where it is `assert f(…) == y`."""
        tree = parse_program(source)
        if tree is not None and len(tree.body) == 1 and isinstance(tree.body[0], ast.Assert):
            test = tree.body[0].test
            if (
                isinstance(test, ast.Compare)
                and len(test.ops) == 1
                and isinstance(test.ops[0], ast.Eq)
                and isinstance(test.left, ast.Call)
            ):
                call, expected = ast.unparse(test.left), ast.unparse(test.comparators[0])
                return cls(source=source.strip(), call=call, expected=expected)
        return cls(source=source.strip())

    @classmethod
    def of_call(cls, call: str, expected: str) -> UnitTest:
        """The test that a call gives a value.

        Args:
            call: an expression, `f(1)`.
            expected: source of the value.
        """
        return cls(source=f"assert {call} == {expected}", call=call, expected=expected)
