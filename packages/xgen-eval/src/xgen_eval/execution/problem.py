"""One programming problem: what a model is asked, and the test that decides."""

from __future__ import annotations

from dataclasses import dataclass

from xgen_core.records import Record

__all__ = ["Problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Record):
    """A problem with its test.

    Attributes:
        id: as its data set names it.
        prompt: what a model goes on from, or the task in words.
        entry_points: names that the test calls; in a strict verdict they stand for the candidate.
        tests: sources that must run without an exception, one after the other.
        setup: source that runs before the tests, with them.
        prelude: source that runs before the candidate, with it.
        completes: whether a completion goes on from `prompt`; else it is the whole program.
        reference: a program that passes, the prompt included; empty where none is known.
        modules: third-party modules that candidate and test may import.
        as_text: a call gives its result as text, or what it printed where that is None, as PERsD
            records outputs.
        trusted: whether the test was written by people one trusts, not by a model: its judge may
            then go on to another problem.
        weak: why candidate and test must share one process; empty where they need not.
    """

    id: str
    prompt: str
    entry_points: tuple[str, ...]
    tests: tuple[str, ...]
    setup: str = ""
    prelude: str = ""
    completes: bool = False
    reference: str = ""
    modules: tuple[str, ...] = ()
    as_text: bool = False
    trusted: bool = False
    weak: str = ""

    def __post_init__(self) -> None:
        if not self.id or not self.tests or not all(self.entry_points or ("",)):
            raise ValueError("a problem needs an id, entry points and tests")

    def program(self, completion: str) -> str:
        """The program that a completion makes."""
        return self.prompt + completion if self.completes else completion
