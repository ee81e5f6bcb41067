"""How alike programs are, and which refinement is chosen by it."""

from __future__ import annotations

import pytest

from xgen_distill import Refinement
from xgen_distill.similarity import MEASURES, similarity
from xgen_distill.teacher.teacher import choose

LOOP = '''def total(values):
    """Add them up."""
    result = 1
    for value in values:
        result += value
    return result
'''
REPAIR = LOOP.replace("= 1", "= 0")
DIRECT = "def total(values):\n    return sum(values)\n"


def test_docstrings_comments_and_layout_do_not_count() -> None:
    bare = (
        "def total( values ):\n  result=1 # start\n"
        "  for value in values: result+=value\n  return result"
    )
    assert similarity(LOOP, bare) == dict.fromkeys(MEASURES, 1.0)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_repair_is_closer_than_another_way(measure: str) -> None:
    assert 1 > similarity(LOOP, REPAIR)[measure] > similarity(LOOP, DIRECT)[measure] > 0


def test_the_header_that_all_are_given_makes_nobody_alike() -> None:
    long = "def total_of_all_the_values(values: list[int], start: int = 0) -> int:\n"
    one, other = "    return start\n", "    for v in values:\n        pass\n"
    assert similarity(long + one, long + other) == similarity(
        f"def f():\n{one}", f"def f():\n{other}"
    )
    broken = similarity(f"{long}    return start +\n", f"{long}    yield\n")
    assert broken["tokens"] == 0.0


def test_what_does_not_compile_has_no_tree() -> None:
    found = similarity("def total(values:\n", DIRECT)
    assert set(found) == {"text", "tokens"}


def test_a_very_deep_program_is_compared_as_it_is_written() -> None:
    deep = "x = " + " + ".join(["1"] * 600) + "\n"
    found = similarity(deep, deep.replace("x", "y"))
    assert 0.99 < found["tokens"] < 1


def test_one_token_of_many_is_one_edit() -> None:
    assert similarity("a = b + 1", "a = b + 2")["tokens"] == pytest.approx(1 - 1 / 5)


def test_the_closest_that_passes_is_chosen_the_first_of_equals() -> None:
    def refinement(attempt: str, sample: int, tokens: float, reason: str = "") -> Refinement:
        return Refinement(
            attempt=attempt, sample=sample, reply="", reason=reason, similarity={"tokens": tokens}
        )

    every = [
        refinement("a", 0, 0.9, reason="fails"),
        refinement("a", 1, 0.5),
        refinement("a", 2, 0.7),
        refinement("a", 3, 0.7),
        refinement("b", 0, 0.1, reason="prose"),
    ]
    chosen = choose(every, "tokens")
    assert [one.id for one in chosen] == [one.id for one in every]
    assert [one.id for one in chosen if one.chosen] == ["a/2"]
