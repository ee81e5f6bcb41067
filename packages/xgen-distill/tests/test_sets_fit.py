"""Programs made into bodies under a header, or refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from xgen_distill import Task
from xgen_distill.sets import Unfit, fit, restated
from xgen_distill.templates import solution


def task(header: str, *, prelude: str = "", instruction: str = "Do what is asked.") -> Task:
    name = header.partition("(")[0].removeprefix("def ")
    return Task(id="t", instruction=instruction, entry_point=name, header=header, prelude=prelude)


def called(program: str, argument: int) -> object:
    spaces: dict[str, Any] = {}
    exec(program, spaces)
    return spaces["f"](argument)


def test_a_clean_program_is_taken_as_it_is() -> None:
    body = '    """Kept: a note on units."""\n    # why\n    return x + y[0]  # a: b\n'
    header = "def f(x: int, y: dict[int, str] = {0: ':'}) -> int:\n"
    found = fit(task(header), header + body)
    assert (found.completion, found.repaired) == (body, ())


def test_windows_line_ends_blank_lines_and_other_indentation_do_no_harm() -> None:
    found = fit(task("def f(x):\n"), "def f(x):\r\n  \r\n  y = '''a\r\nb'''\r\n  return y\r\n\r\n")
    assert found.completion == "  y = '''a\nb'''\n  return y\n"


@pytest.mark.parametrize(
    ("program", "completion"),
    [
        ("def f(lst):\n    return [x for x in lst]\n", "    return [x for x in xs]\n"),
        (
            "def f(lst):\n    return f(lst=lst[1:]) if lst else 0\n",
            "    return f(xs=xs[1:]) if xs else 0\n",
        ),
        (
            "def f(lst):\n    xs = 0\n    return xs + len(lst)\n",
            "    xs_2 = 0\n    return xs_2 + len(xs)\n",
        ),
        (
            "def f(n):\n    return (lambda xs: xs + n)(1)\n",
            "    return (lambda xs_2: xs_2 + xs)(1)\n",
        ),
        (
            "def f(n):\n    def g(n, m=n):\n        return n + m\n    return g(n=1, m=n)\n",
            "    def g(n, m=xs):\n        return n + m\n    return g(n=1, m=xs)\n",
        ),
        (
            "def f(n):\n    def g():\n        nonlocal n\n        n += 1\n    g()\n    return n\n",
            "    def g():\n        nonlocal xs\n        xs += 1\n    g()\n    return xs\n",
        ),
        (
            "def f(n):\n    def g(xs):\n        return xs + n\n    return g(xs=1)\n",
            "    def g(xs_2):\n        return xs_2 + xs\n    return g(xs_2=1)\n",
        ),
        (
            "def f(n):\n    class C:\n        n = n\n    return C.n, n.n, {'n': n}\n",
            "    class C:\n        n = n\n    return C.n, xs.n, {'n': xs}\n",
        ),
        (
            "def f(n):\n    return [n := n + 1 for _ in range(2)], n  # n\n",
            "    return [xs := xs + 1 for _ in range(2)], xs  # n\n",
        ),
        ("def f(ñ):\n    'é'; return ñ + 'ñ'\n", "    'é'; return xs + 'ñ'\n"),
        ("def f(n):\n    return f'{n=}' if n else f\"{f(n=n):>{n}}\"\n", None),
    ],
)
def test_parameters_get_the_headers_names(program: str, completion: str | None) -> None:
    found = fit(task("def f(xs):\n"), program)
    if completion is None:  # f-strings are written anew
        assert "xs" in found.completion
        assert "{n" not in found.completion.replace("'n='", "")
    else:
        assert found.completion == completion
    assert found.repaired[0].startswith("parameters renamed: ")


def test_parameters_can_be_exchanged() -> None:
    found = fit(task("def f(a, b):\n"), "def f(b, a):\n    return f(b=a, a=b) if a else b\n")
    assert found.completion == "    return f(a=b, b=a) if b else a\n"


def test_only_changed_hints_and_defaults_are_said() -> None:
    found = fit(task("def f(a: int, b=2) -> int:\n"), "def f(a, b = 3):\n    return a + b\n")
    assert found.repaired == ("header's hints for its own", "header's defaults for its own")
    assert fit(task("def f(a, *, b=2):\n"), "def f( a,*,b =2 ):\n    return a + b\n").repaired == ()


def test_what_the_function_needs_goes_into_its_body() -> None:
    program = (
        "from math import (\n    floor,\n)\nimport os\n\nBASE = 10 ** 2\n\n"
        "def unused_name_of_loop(x):\n    return helper(x - 1) if x else BASE\n\n"
        'def f(x):\n    """Kept: see the norm."""\n    return floor(helper(x))\n\n'
        'def helper(x):\n    text = """two\nlines"""\n'
        "    return unused_name_of_loop(x) + len(text)\n"
    )
    found = fit(task("def f(x):\n"), program)
    assert found.completion == (
        '    """Kept: see the norm."""\n    from math import (\n        floor,\n    )\n'
        "    BASE = 10 ** 2\n    def unused_name_of_loop(x):\n"
        "        return helper(x - 1) if x else BASE\n"
        '    def helper(x):\n        text = """two\nlines"""\n'
        "        return unused_name_of_loop(x) + len(text)\n    return floor(helper(x))\n"
    )
    assert found.repaired[-1] == "left out: import os"
    assert called(solution(task("def f(x):\n"), found.completion), 3) == called(program, 3) == 136


def test_what_does_nothing_for_the_function_is_left_out() -> None:
    program = (
        '"""A module."""\nfrom __future__ import annotations\nUNUSED = 1\n\n'
        "def f(x):\n    return x\n\nfor y in [1, 2]:\n    print(f(y))\nassert f(1) == 1\n\n"
        'if __name__ == "__main__":\n    print(f(3))\n'
    )
    found = fit(task("def f(x):\n"), program)
    assert found.completion == "    return x\n"
    assert found.repaired == (
        "left out: text beside the function",
        "left out: from __future__ import annotations",
        "left out: code after the function",
        "left out: what runs as a script",
        "left out: UNUSED = 1",
    )


@pytest.mark.parametrize(
    "body",
    ["return x + 1", "    return x + 1", "y = x\n    return y + 1", "y = '''a\nb'''\nreturn x + 1"],
)
def test_a_bare_body_gets_its_header(body: str) -> None:
    found = fit(task("def f(x):\n"), body)
    assert found.repaired == ("header re-attached",)
    assert called(solution(task("def f(x):\n"), found.completion), 1) == 2
    assert "a\nb" in found.completion or "'''" not in body


def test_a_docstring_that_says_the_task_again_goes_and_others_stay() -> None:
    asked = "Write a function that returns the numbers of a list in ascending order."
    for text, goes in [
        ("Returns the numbers of a list in ascending order", True),
        ("Return numbers in ascending order.\n\n    Args:\n        x: whatever it may be", True),
        ("Merges runs, O(n log n).", False),
        ("Args:\n    x: whatever", False),
    ]:
        program = f'def f(x):\n    """{text}"""\n    return sorted(x)\n'
        found = fit(task("def f(x):\n", instruction=asked), program)
        assert (found.completion == "    return sorted(x)\n") == goes, text
        assert ("docstring left out" in found.repaired) == goes
    assert restated("", asked) == 0.0
    assert fit(task("def f(x):\n", instruction="D."), 'def f(x): "D"; return x').completion == (
        "    return x\n"
    )


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("def f(x) -> dict[str, int]:\n    return x:\n", "does not compile"),
        ("Sure! Here is what you asked for.", "does not compile"),
        ("def f(x):\n    return '\0'\n", "does not compile"),
        ("def f(x):\n    return '\ud800'\n", "does not compile"),
        (f"def f(y):\n    return {' + '.join(['y'] * 3000)}\n", "does not compile"),
        ("def g(x):\n    return x\n", "no function"),
        ("f = lambda x: x\nf", "no function"),
        ("def f(x):\n    return x\n\ndef f(x):\n    return 2\n", "several functions"),
        ("def f(x):\n    return x\n\ndef main():\n    f(1)\n", "several functions"),
        ("def f(x, y):\n    return x\n", "other signature"),
        ("def f(*x):\n    return x\n", "other signature"),
        ("async def f(x):\n    return x\n", "other signature"),
        ("import functools\n@functools.cache\ndef f(x):\n    return x\n", "decorated"),
        ("class A:\n    pass\n\ndef f(x):\n    return A\n", "class definition"),
        ("print(1)\n\ndef f(x):\n    return x\n", "module-level code"),
        ("def f(x):\n    return x\n\nf = print(f)\n", "several functions"),
        ("def f(x):\n    return seen\n\nseen = input()\n", "undefined name"),
        ("data = input()\ndef f(x):\n    return x\n", "module-level code"),
        ("from math import *\ndef f(x):\n    return sqrt(x)\n", "import of everything"),
        ("n = 0\ndef f(x):\n    global n\n    n += 1\n    return n\n", "global statement"),
        ("def f(x):\n    return y\n", "undefined name"),
        ('def f(x):\n    """Nothing."""\n', "no body"),
        ("def f(lst):\n    return eval('lst')\n", "name conflict"),
        ("def f(lst):\n    import os as lst\n    return lst\n", "name conflict"),
        (
            "def total(y):\n    return sum(y)\n\ndef g(y):\n    return total(y)\n\n"
            "def f(x):\n    total = g(x)\n    return total\n",
            "name conflict",
        ),
    ],
)
def test_what_cannot_become_a_body_is_refused(program: str, reason: str) -> None:
    with pytest.raises(Unfit) as caught:
        fit(task("def f(x):\n"), program)
    assert caught.value.reason == reason


def test_a_header_that_would_hide_what_the_body_uses_is_refused() -> None:
    with pytest.raises(Unfit, match="header's list hides"):
        fit(task("def f(list):\n"), "def f(xs):\n    return list(xs)\n")
    helper = "def g(xs):\n    return list(xs)\n\ndef f(list):\n    return g(list)\n"
    with pytest.raises(Unfit, match="list is bound in the function"):
        fit(task("def f(list):\n"), helper)


def test_the_prelude_counts_as_defined() -> None:
    program = "def f(x: List[int]):\n    return sqrt(x[0])\n"
    header = "def f(x: List[int]):\n"
    prelude = "from typing import List\nfrom math import sqrt\n"
    assert fit(task(header, prelude=prelude), program).repaired == ()
    assert fit(task(header, prelude="from typing import *"), program).repaired == ()
    with pytest.raises(Unfit, match="undefined name: List"):
        fit(task(header, prelude="from math import sqrt"), program)
