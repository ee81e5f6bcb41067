"""Which of a task's tests are shown: the first, in the order of the file, or drawn by a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from xgen_distill.task import Task
from xgen_distill.unit_test import UnitTest

__all__ = ["SHOWN", "split_tests", "split_tests_of"]

SHOWN = 2
"""Tests of five that a student is told of; the other three only decide."""


def split_tests(task: Task, shown: int = SHOWN, *, seed: int | None = None) -> Task:
    """The task with so many of its tests shown and the others hidden.

    A task with few tests keeps one hidden if it can: two tests show one. One test alone is shown,
    and then nothing is hidden. Tasks whose hidden tests decide alone are left as they are.

    Args:
        task: with any split.
        shown: how many.
        seed: which; None for the first.

    Raises:
        ValueError: fewer than one.
    """
    if shown < 1:
        raise ValueError(f"at least one test is shown, got {shown}")
    if task.complete:
        return task
    told, kept = split_tests_of(task.tests, shown, None if seed is None else f"{seed}/{task.id}")
    return replace(task, shown=told, hidden=kept)


def split_tests_of(
    tests: Sequence[UnitTest], shown: int, key: str | None = None
) -> tuple[tuple[UnitTest, ...], tuple[UnitTest, ...]]:
    """Shown tests and hidden ones, each in the order in which they were given.

    Args:
        tests: all.
        shown: how many, at most all but one.
        key: decides which; None for the first.
    """
    count = min(shown, max(1, len(tests) - 1))
    places = list(range(len(tests)))
    if key is not None:
        random.Random(key).shuffle(places)
    chosen = set(places[:count])
    told = tuple(test for place, test in enumerate(tests) if place in chosen)
    return told, tuple(test for place, test in enumerate(tests) if place not in chosen)
