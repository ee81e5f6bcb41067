"""Verdicts: every outcome, told apart; what is said of a failure; weak verdicts named so."""

from __future__ import annotations

import dataclasses

import pytest

from xgen_eval.execution import Limits, Problem

ADD = Problem(
    id="add",
    prompt='def add(a, b):\n    """The sum."""\n',
    entry_points=("add",),
    tests=("assert add(1, 2) == 3", "assert add(-1, 1) == 0", "assert add('a', 'b') == 'ab'"),
    completes=True,
    reference='def add(a, b):\n    """The sum."""\n    return a + b\n',
)
SHORT = Limits(wall_seconds=0.6, cpu_seconds=2)


def problem(*tests, names=("f",), **fields):
    return Problem(id="p", prompt="", entry_points=names, tests=tests, **fields)


def test_a_right_program_passes(judged):
    verdict = judged(ADD, ADD.reference)
    assert (verdict.outcome, verdict.strict, verdict.passed) == ("passed", True, True)
    assert verdict.detail == ""
    assert 0 < verdict.seconds < 10
    assert judged(ADD, ADD.program("    return a + b\n")).passed


def test_a_wrong_answer_says_what_was_asked_expected_and_got(judged):
    verdict = judged(ADD, "def add(a, b):\n    return a + b if a > 0 else [None]\n")
    assert verdict.outcome == "assertion"
    assert verdict.assertion == "assert add(-1, 1) == 0"
    assert (verdict.input, verdict.expected, verdict.got) == ("-1, 1", "0", "[None]")
    assert verdict.detail == "AssertionError: assert add(-1, 1) == 0"


def test_either_side_of_an_equality_may_call(judged):
    test = problem("x = [1]\nassert [2] == f(x, key='a'), 'no'")
    verdict = judged(test, "def f(x, key): return x")
    assert (verdict.input, verdict.expected, verdict.got) == ("[1], key='a'", "[2]", "[1]")
    assert verdict.message == "no"


def test_other_assertions_show_the_latest_answer(judged):
    verdict = judged(problem("assert f(2)\nassert abs(f(3) - 9) < 1e-6"), "def f(x): return 2 * x")
    assert verdict.outcome == "assertion"
    assert verdict.assertion == "assert abs(f(3) - 9) < 1e-6"
    assert (verdict.input, verdict.expected, verdict.got) == ("3", "", "6")


@pytest.mark.parametrize(
    ("program", "error", "line"),
    [
        ("def f(x):\n    return (x\n", "SyntaxError", 2),
        ("def f(x):\nreturn x\n", "IndentationError", 2),
        ("def f(x):\n\tif x:\n        return x\n", "TabError", 3),
        ("def f(x): return '\0'", "SyntaxError", None),
        ("def f(x):\n    '''\n", "SyntaxError", 2),
        ("def f(x): return '\ud800'", "UnicodeEncodeError", None),
    ],
)
def test_a_program_that_does_not_compile(judged, program, error, line):
    verdict = judged(problem("assert f(1) == 1"), program)
    assert verdict.outcome == "syntax"
    if line is not None:
        assert (verdict.exception, verdict.line) == (error, line)
    assert verdict.message


@pytest.mark.parametrize(
    ("program", "outcome", "error", "line"),
    [
        ("import nothing_of_that_name\ndef f(x): ...", "exception", "ModuleNotFoundError", 1),
        ("def f(x):\n    return x / 0", "exception", "ZeroDivisionError", 2),
        ("def f(x):\n    return f(x)", "exception", "RecursionError", 2),
        ("class Odd(ValueError): ...\ndef f(x):\n    raise Odd('no')", "exception", "Odd", 3),
        ("def f(x):\n    assert x > 5", "exception", "AssertionError", 2),
        ("def f(x):\n    raise SystemExit(0)", "exception", "SystemExit", 2),
        ("def f(x):\n    raise KeyboardInterrupt", "exception", "KeyboardInterrupt", 2),
        ("raise SystemExit(0)", "exception", "SystemExit", 1),
        ("def g(x): ...", "exception", "NameError", None),
        ("f = 3", "exception", "TypeError", None),
        ("def f(x):\n    return bytearray(1 << 40)", "memory", "MemoryError", 2),
        ("def f(x):\n    return ' ' * (1 << 34)", "memory", "MemoryError", 2),
        ("def f(x):\n    raise PermissionError('no')", "denied", "PermissionError", 2),
        ("def f(x): return [0] * 600000", "output", "OverflowError", None),
    ],
)
def test_what_a_program_raises(judged, program, outcome, error, line):
    verdict = judged(problem("assert f(1) == 1"), program)
    assert (verdict.outcome, verdict.exception, verdict.line) == (outcome, error, line)


def test_a_test_may_expect_an_exception(judged):
    test = problem(
        "try:\n    f(0)\nexcept ValueError as error:\n    assert str(error) == 'zero'\n"
        "else:\n    assert False"
    )
    assert judged(test, "def f(x):\n    if not x: raise ValueError('zero')").passed
    assert judged(test, "class E(ValueError): ...\ndef f(x):\n    raise E('zero')").passed
    assert judged(test, "def f(x): return x").outcome == "assertion"
    assert judged(test, "def f(x): raise TypeError('zero')").outcome == "exception"


def test_what_the_test_cannot_do_with_an_answer_is_the_programs_exception(judged):
    verdict = judged(problem("assert len(f(1)) == 1"), "def f(x): return None")
    assert (verdict.outcome, verdict.exception) == ("exception", "TypeError")
    assert verdict.got == "None"


@pytest.mark.parametrize(
    "program",
    [
        "while True: pass",
        "def f(x):\n    while True: pass",
        "import time\ndef f(x): time.sleep(60)",
        "def f(x):\n    while True:\n        try:\n            while True: pass\n"
        "        except BaseException: pass",
    ],
)
def test_a_program_that_does_not_end(judged, program):
    verdict = judged(problem("assert f(1) == 1"), program, SHORT)
    assert verdict.outcome == "timeout"
    assert verdict.seconds < 5


def test_the_time_of_all_calls_counts_together(judged):
    test = problem(*["assert f(1) == 1"] * 50)
    program = "import time\ndef f(x):\n    time.sleep(0.1)\n    return x"
    assert judged(test, program, SHORT).outcome == "timeout"


def test_printing_too_much_ends_a_program(judged):
    limits = Limits(output_bytes=10_000)
    program = "def f(x):\n    while True: print('y' * 1000)"
    assert judged(problem("assert f(1) == 1"), program, limits).outcome == "output"


def test_an_answer_that_is_too_long_is_too_much(judged):
    flood = "import os\ndef f(x): os.write(3, bytes([255] * 4))"
    verdict = judged(problem("assert f(1) == 1"), flood)
    assert (verdict.outcome, verdict.message) == (
        "output",
        "a frame of 4294967295 bytes; the largest has 16777216",
    )


def test_the_end_of_what_it_printed_is_kept(judged):
    verdict = judged(problem("assert f(1) == 1"), "print('loaded')\ndef f(x): print(x); return x")
    assert verdict.passed
    assert verdict.stdout == "loaded\n1\n"


@pytest.mark.parametrize(
    ("test", "setup", "error"),
    [
        ("assert f(1) ==", "", "SyntaxError"),
        ("assert nothing == 1", "", "NameError"),
        ("assert f(1) == 1", "import nothing_of_that_name", "ModuleNotFoundError"),
        ("assert f(lambda: 1) == 1", "", "LiteralError"),
    ],
)
def test_a_broken_test_is_no_failure_of_the_program(judged, test, setup, error):
    verdict = judged(problem(test, setup=setup), "def f(x): return x")
    assert (verdict.outcome, verdict.exception) == ("harness_error", error)


def test_arguments_are_copies_and_a_list_passed_twice_is_one(judged):
    test = problem("x = [1]\nassert f(x, x) == [1, 2, 2]\nassert x == [1]")
    assert judged(test, "def f(a, b):\n    a.append(2); b.append(2)\n    return a").passed


def test_an_iterator_is_an_answer(judged):
    test = problem("assert list(f(3)) == [0, 1, 2]")
    assert judged(test, "def f(n): yield from range(n)").passed
    assert judged(problem("assert f(3) == [0, 1, 2]"), "def f(n): yield from range(n)").outcome == (
        "assertion"
    )
    endless = "import itertools\ndef f(n): return itertools.count()"
    assert judged(test, endless).outcome == "output"


def test_state_is_kept_between_calls(judged):
    test = problem("f(1)\nf(2)\nassert f(3) == [1, 2, 3]")
    assert judged(test, "seen = []\ndef f(x):\n    seen.append(x)\n    return seen").passed


def test_random_numbers_begin_the_same(judged):
    program = "import random\ndef f(): return [random.random() for _ in range(3)]"
    test = problem("import random\nassert f() == [random.random() for _ in range(3)]")
    assert all(judged(test, program).passed for _ in range(3))


def test_a_helper_of_the_prompt_runs_with_the_test(judged):
    test = problem("assert f(2) == double(2)", setup="def double(x): return 2 * x\ndef f(x): ...")
    assert judged(test, "def double(x): return 0\ndef f(x): return x * 2").passed


def test_the_prelude_runs_before_the_program(judged):
    test = problem("assert f(4) == 2", prelude="import math\nfrom math import *\n")
    assert judged(test, "def f(x): return math.sqrt(x)").passed
    assert judged(test, "def f(x): return int(sqrt(x))").passed
    assert judged(test, "def f(x) return x").outcome == "syntax"


def test_modules_are_those_of_the_problem(judged):
    program = "import numpy as np\ndef f(x): return np.asarray(x) * 2"
    test = problem("import numpy as np\nassert (f(np.array([1, 2])) == [2, 4]).all()")
    allowed = dataclasses.replace(test, modules=("numpy",))
    assert judged(allowed, program).passed
    assert judged(problem("assert f(1) == 2"), program).exception == "ModuleNotFoundError"


def test_a_call_may_give_text_as_persd_records_it(judged):
    test = problem("assert f(1) == '1\\n'", "assert f(2) == '[2]'", "assert f(3) == ''")
    program = "def f(x):\n    if x == 1: print(x)\n    return [x] if x == 2 else None"
    assert judged(dataclasses.replace(test, as_text=True), program).passed


def test_objects_of_the_program_need_a_weak_verdict_which_says_so(judged):
    test = problem("assert f(Pair(1, 2)) == 3", names=("Pair", "f"))
    program = "class Pair:\n    def __init__(s, a, b): s.a, s.b = a, b\ndef f(p): return p.a + p.b"
    assert judged(test, program).outcome == "exception"
    weak = dataclasses.replace(test, weak="the test makes a Pair of the program")
    assert (judged(weak, program).outcome, judged(weak, program).strict) == ("passed", False)
    wrong = judged(weak, program.replace("+", "-"))
    assert (wrong.outcome, wrong.expected, wrong.got) == ("assertion", "3", "-1")
    assert judged(weak, "def f(p) return").outcome == "syntax"
    assert judged(weak, "def f(p): return 1").outcome == "exception"
    assert judged(weak, "import os\nos._exit(0)").outcome == "exception"


def test_an_error_of_the_harness_is_no_verdict(judged):
    test = problem("assert f(1) == 1", modules=("a_module_the_sandbox_has_not",))
    with pytest.raises(ValueError, match="a_module_the_sandbox_has_not"):
        judged(test, "def f(x): return x")
