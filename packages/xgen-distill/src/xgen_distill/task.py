"""A programming task: what is asked, the function's header, and tests, of which some are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xgen_core import CodecError
from xgen_core.records import Record
from xgen_distill.program import find_definition
from xgen_distill.unit_test import UnitTest
from xgen_eval.execution import Problem
from xgen_eval.execution.formats.source import Source

__all__ = ["Task"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Record):
    r"""A task for one function.

    Attributes:
        id: other than every other task's.
        instruction: what is asked, in words.
        entry_point: name of the function.
        header: `def f(x: int) -> int:\n`, that every prompt ends with.
        shown: tests that a model may see, and whose failures it may be told.
        hidden: tests that decide and that nobody is told of.
        complete: whether the hidden tests decide alone, as a benchmark's official ones do; those
            that are shown may then be among them.
        gold: the teacher's direct solution, a whole program; empty where there is none.
        setup: source that runs before the tests, with them.
        prelude: source that runs before every solution, with it: imports, helpers of the prompt.
        modules: third-party modules that solutions may import.
        trusted: whether people wrote the tests.
        origin: where it comes from: `"mbpp"`, `"self-instruct"`, …
    """

    id: str
    instruction: str
    entry_point: str
    header: str
    shown: tuple[UnitTest, ...] = ()
    hidden: tuple[UnitTest, ...] = ()
    complete: bool = False
    gold: str = ""
    setup: str = ""
    prelude: str = ""
    modules: tuple[str, ...] = ()
    trusted: bool = False
    origin: str = ""

    def __post_init__(self) -> None:
        if not self.id or not self.instruction.strip():
            raise ValueError("a task needs an id and an instruction")
        definition = find_definition(f"{self.header}    pass\n", self.entry_point)
        if definition is None or not self.header.endswith("\n"):
            raise ValueError(
                f"task {self.id}: {self.header!r:.80} is no header of {self.entry_point}, with its "
                "line end"
            )

    @property
    def tests(self) -> tuple[UnitTest, ...]:
        """Shown, then hidden, each once."""
        found = {test.source: test for test in (*self.shown, *self.hidden)}
        return tuple(found.values())

    @property
    def deciding(self) -> tuple[UnitTest, ...]:
        """The tests by which a solution is right or wrong."""
        return self.hidden if self.complete else self.tests

    def problem(self, tests: Sequence[UnitTest], program: str = "") -> Problem:
        """What a sandbox judges a solution by.

        Args:
            tests: some of the task's; see `shown`, `hidden`, `tests`.
            program: the solution; what the tests take from it decides whether it can be judged
                from outside. The gold solution by default.

        Raises:
            ValueError: no tests.
            CodecError: a test does not compile.
        """
        if not tests:
            raise ValueError(f"task {self.id}: no tests to judge by")
        sources = tuple(test.source for test in tests)
        source = Source.of(program or self.gold, "\n".join(sources), self.setup)
        if self.entry_point not in source.called and not any(
            self.entry_point in text for text in sources
        ):
            raise CodecError(f"task {self.id}: no test calls {self.entry_point}")
        return Problem(
            id=self.id,
            prompt=self.instruction,
            entry_points=source.called or (self.entry_point,),
            tests=sources,
            setup="\n".join(filter(None, [*source.imports, self.setup])),
            prelude=self.prelude,
            reference=self.gold,
            modules=self.modules,
            trusted=self.trusted,
            weak=source.weak,
        )
