"""Functions taken apart by their tree."""

from __future__ import annotations

import pytest

from xgen_distill import find_definition

PROGRAMS = {
    "hints": "def f(x: int, y: dict[str, int] = {'a': 1}) -> dict[str, int]:\n    return {}\n",
    "one line": "def f(x): return x\n",
    "comment": "def f(x):  # why: because\n    # more: here\n    return x\n",
    "many lines": (
        "import math\n\n\n@staticmethod\ndef f(\n    x: 'a:b' = \"c:\",\n    *rest,\n):\n"
        '    """Doc."""\n    return x\n\n\nprint(f(1))\n'
    ),
    "lambda": "def f(key=lambda x: x, *, g: int = (lambda: 1)()):\n    return key\n",
    "slice": "def f(x=[1][0:1]): return {1: 2}[1:2]\n",
    "umlauts": "ä = 'ö'\ndef f(ü: str = 'ß:') -> 'ñ:': return 'é:'\n",
    "block first": "def f(x):\n    if x:\n        return 1\n    for y in x: return y\n",
    "definition first": "def f(x):\n    # why: so\n    @g\n    def h(): return 1\n    return h\n",
    "separators": "def f(x): return '\x0c\u2028' + x\n",
    "twice": "def f():\n    return 1\n\ndef f():\n    return 2\n",
}
HEADERS = {
    "hints": "def f(x: int, y: dict[str, int] = {'a': 1}) -> dict[str, int]:\n",
    "one line": "def f(x): ",
    "comment": "def f(x):  # why: because\n",
    "many lines": "def f(\n    x: 'a:b' = \"c:\",\n    *rest,\n):\n",
    "lambda": "def f(key=lambda x: x, *, g: int = (lambda: 1)()):\n",
    "slice": "def f(x=[1][0:1]): ",
    "umlauts": "def f(ü: str = 'ß:') -> 'ñ:': ",
    "block first": "def f(x):\n",
    "definition first": "def f(x):\n",
    "separators": "def f(x): ",
    "twice": "def f():\n",
}


@pytest.mark.parametrize("name", list(PROGRAMS))
def test_parts_make_the_program_again(name: str) -> None:
    found = find_definition(PROGRAMS[name], "f")
    assert found is not None
    assert found.before + found.header + found.body + found.after == PROGRAMS[name]
    assert found.header == HEADERS[name]


def test_parameters_and_docstring_are_read() -> None:
    found = find_definition(PROGRAMS["many lines"], "f")
    assert found is not None
    assert (found.parameters, found.docstring) == (("x", "rest"), "Doc.")


def test_the_last_definition_is_the_one_that_a_call_gets() -> None:
    found = find_definition(PROGRAMS["twice"], "f")
    assert found is not None
    assert "return 2" in found.body


@pytest.mark.parametrize("source", ["", "def f(:\n", "def g(): pass\n", "f = lambda: 1\n"])
def test_what_defines_no_such_function_gives_none(source: str) -> None:
    assert find_definition(source, "f") is None
