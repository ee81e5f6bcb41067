"""Tests that docstrings show, in the forms in which people write them."""

from __future__ import annotations

import pytest

from xgen_distill.tasks import find_examples

ONE = {
    "doctest": (">>> f([1, 2])\n[2, 1]", "assert f([1, 2]) == [2, 1]"),
    "doctest that compares": (">>> f(3) == 4", "assert f(3) == 4"),
    "doctest of None": ('>>> f("")\n\n>>> g(1)\n1', "assert f('') == None"),
    "doctest of two lines": (">>> f(1)\n[[1, 2],\n[3]]", "assert f(1) == [[1, 2], [3]]"),
    "doctest around a call": (">>> round(f(2), 2)\n1.5", "assert abs(round(f(2), 2) - 1.5)"),
    "comparison": ("f(3) == 4, as you see.", "assert f(3) == 4"),
    "arrow": ("f('a') ➞ True   # why", "assert f('a') == True"),
    "other arrow": ("    f('a b', 2) => ['x']", "assert f('a b', 2) == ['x']"),
    "returns": ("Then f(5) should return [1, 2].", "assert f(5) == [1, 2]"),
    "comment": ("f(5) # returns (1, 2)", "assert f(5) == (1, 2)"),
    "lower case": ("f(5) => true", "assert f(5) == True"),
    "sum": ("f([1, 3]) == 1 + 9 = 10", "assert f([1, 3]) == 10"),
    "difference": ("f(19) -> 19 - 5 - 6 = 8", "assert f(19) == 8"),
    "input": ("Input: [4, 2]\nOutput: 3", "assert f([4, 2]) == 3"),
    "named": ("For n = 15 the output should be 4", "assert f(n=15) == 4"),
    "explained": (
        'For n = 10, the sum will be 1 the output should be "1".',
        "assert f(n=10) == '1'",
    ),
    "bare": ("[5, 1] ➞ 6", "assert f([5, 1]) == 6"),
    "bound": ("n = [2, 1]\n  -> sorted\nreturn ['One']", "assert f([2, 1]) == ['One']"),
    "renamed": ("assert old_name(['aa']) => ['b']", "assert f(['aa']) == ['b']"),
}


@pytest.mark.parametrize("form", list(ONE))
def test_an_example_is_read(form: str) -> None:
    text, expected = ONE[form]
    found = find_examples(text, "f", ["n"])
    assert len(found) == 1
    assert found[0].source.startswith(expected)


@pytest.mark.parametrize(
    "text",
    [
        "f(a) => False",  # whose a?
        "f(1) is a number",
        "f() returns nothing of use",
        'f(["a"]) == ""aaa"',
        "Returns f of 3.",
        ">>> import math",
        "Use print(1) => 1 with care.",
    ],
)
def test_what_is_no_value_is_no_example(text: str) -> None:
    assert find_examples(text, "f", ["n"]) == []


def test_two_parameters_are_bound_by_name() -> None:
    text = "Input: arr = [-3, 5], k = 3\nOutput: [-3, 5]"
    [test] = find_examples(text, "f", ["arr", "k"])
    assert test.call == "f(arr=[-3, 5], k=3)"
    text = "Input:\n    grid : [[1]]\n    k : 1\nOutput: 6"
    [test] = find_examples(text, "f", ["grid", "k"])
    assert test.source == "assert f([[1]], 1) == 6"


def test_formulas_before_the_examples_are_none() -> None:
    text = "tri(1) = 3\ntri(2) = 2\n\nExamples:\ntri(3) = [1, 3, 2, 8]\n"
    assert [t.source for t in find_examples(text, "tri", ["n"])] == [
        "assert tri(3) == [1, 3, 2, 8]"
    ]


def test_one_text_in_brackets_beside_tuples_is_a_tuple() -> None:
    found = find_examples('f(1) ==> ("a", "b")\nf(2) ==> ("a")', "f", ["n"])
    assert [test.expected for test in found] == ["('a', 'b')", "('a',)"]
