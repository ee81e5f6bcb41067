"""Files of problems: HumanEval, MBPP in both forms, PERsD's attempts, and our own."""

from __future__ import annotations

import gzip
import json

import pytest

from xgen_core import CodecError, InputError
from xgen_eval.execution import Problem, read_problems
from xgen_eval.execution.formats.persd import persd_attempt, persd_problem

HUMANEVAL = {
    "task_id": "HumanEval/900",
    "prompt": 'def half(x):\n    return x / 2\n\n\ndef mean(a, b):\n    """The mean."""\n',
    "entry_point": "mean",
    "canonical_solution": "    return half(a + b)\n",
    "test": "def check(candidate):\n    assert candidate(1, 3) == half(4)\n"
    "    assert mean(2, 2) == 2\n",
}
MBPP = {
    "task_id": 900,
    "text": "Write a function to double.",
    "code": "import math\r\ndef twice(x): \r\n\treturn 2 * x",
    "test_list": ["assert twice(2) == 4", "assert math.isclose(twice(0.5), 1.0)"],
    "test_setup_code": "",
    "challenge_test_list": [],
}
SANITIZED = {
    "source_file": "x",
    "task_id": 901,
    "prompt": "Write a function to double.",
    "code": "def twice(x):\n  return 2 * x",
    "test_imports": ["import math"],
    "test_list": ["assert math.isclose(twice(0.5), 1.0)"],
}


def lines(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def mbpp(tmp_path, **changes):
    [problem] = read_problems(lines(tmp_path / "m.jsonl", {**MBPP, **changes}))
    return problem


def test_humaneval(tmp_path, judged):
    path = tmp_path / "HumanEval.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(HUMANEVAL).encode()))
    [problem] = read_problems(path)
    assert (problem.id, problem.entry_points, problem.weak) == ("HumanEval/900", ("mean",), "")
    assert problem.reference == problem.program("    return half(a + b)\n")
    assert judged(problem, problem.reference).passed
    assert judged(problem, problem.program("")).outcome == "assertion"
    assert judged(problem, problem.program("    return a\n")).input == "1, 3"


def test_a_prompt_without_a_docstring(tmp_path, judged):
    row = {**HUMANEVAL, "prompt": "def half(x): return x / 2\ndef mean(a, b):"}
    [problem] = read_problems(lines(tmp_path / "h.jsonl", row))
    assert judged(problem, problem.program("\n    return half(a + b)\n")).passed
    assert judged(problem, problem.program("")).outcome == "syntax"


def test_mbpp_with_tabs_and_carriage_returns(tmp_path, judged):
    problem = mbpp(tmp_path)
    assert (problem.id, problem.entry_points) == ("900", ("twice",))
    assert problem.tests == tuple(MBPP["test_list"])
    assert "import math" in problem.setup, "the test relies on the program's import"
    assert judged(problem, problem.reference).passed
    assert judged(problem, "def twice(x): return x ** 2").outcome == "assertion"


def test_sanitized_mbpp_is_a_json_list(tmp_path, judged):
    path = tmp_path / "sanitized.json"
    path.write_text(json.dumps([SANITIZED, {**SANITIZED, "task_id": 902}]))
    problems = read_problems(path)
    assert [problem.id for problem in problems] == ["901", "902"]
    assert judged(problems[0], problems[0].reference).passed


def test_a_program_may_be_named_like_a_built_in(tmp_path, judged):
    code = "def sum(a, b):\n    return a + b"
    problem = mbpp(tmp_path, code=code, test_list=["assert sum(1, 2) == 3"])
    assert problem.entry_points == ("sum",)
    assert judged(problem, code).passed


@pytest.mark.parametrize(
    ("test", "setup", "why"),
    [
        ("assert size(Box(2)) == 2", "", "the class Box"),
        ("assert size(box) == 2", "box = Box(2)", "the class Box"),
        ("assert size(lambda: 2) == 2", "", "passes a function"),
        ("assert size(other) == 2", "", "passes a function"),
    ],
)
def test_what_cannot_be_relayed_is_known_before_anything_runs(tmp_path, test, setup, why):
    code = (
        "class Box:\n    def __init__(self, n): self.n = n\n"
        "def size(b): return b.n\ndef other(): return 2"
    )
    problem = mbpp(tmp_path, code=code, test_list=[test], test_setup_code=setup)
    assert why in problem.weak


def test_sorting_by_a_function_of_the_test_is_no_weakness(tmp_path):
    test = "assert sorted(twice([1]), key=lambda x: -x) == [1, 1]"
    assert mbpp(tmp_path, test_list=[test]).weak == ""


def test_our_own_form_round_trips(tmp_path):
    problem = Problem(id="p", prompt="do", entry_points=("f",), tests=("assert f() == 1",))
    assert read_problems(lines(tmp_path / "p.jsonl", problem.to_json())) == (problem,)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({k: v for k, v in HUMANEVAL.items() if k != "test"}, "no field 'test'"),
        ({**HUMANEVAL, "prompt": 3}, "prompt: expected text, got 3"),
        ({**MBPP, "test_list": "assert"}, "test_list: expected a list of texts"),
        ({**MBPP, "task_id": "two"}, "task_id: expected an integer"),
        ({**MBPP, "test_list": ["assert other(2)"]}, "no assert uses a name that the code defines"),
        ({**MBPP, "test_list": ["assert twice(2"]}, "the test does not compile"),
        ([1], "expected an object"),
        ({**HUMANEVAL, "task_id": "x", "entry_point": ""}, "entry points"),
    ],
)
def test_a_row_that_does_not_fit_is_named(tmp_path, row, said):
    path = lines(tmp_path / "p.jsonl", HUMANEVAL if "prompt" in row else MBPP, row)
    with pytest.raises(InputError, match=rf"p\.jsonl: row 2: .*{said}"):
        read_problems(path)


def test_files_that_hold_no_problems(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_problems(tmp_path / "nowhere.jsonl")
    with pytest.raises(InputError, match="no problems in it"):
        read_problems(lines(tmp_path / "empty.jsonl"))
    with pytest.raises(InputError, match="a second problem 'HumanEval/900'"):
        read_problems(lines(tmp_path / "twice.jsonl", HUMANEVAL, HUMANEVAL))
    with pytest.raises(InputError, match=r"row 1: neither HumanEval, MBPP nor .* question"):
        read_problems(lines(tmp_path / "other.jsonl", {"question": "?"}))
    (tmp_path / "one.json").write_text("{}")
    with pytest.raises(InputError, match="expected a list"):
        read_problems(tmp_path / "one.json")


def attempt(code, error, task="Double it."):
    prompt = (
        f'Rectify the below code.\n\nTASK: \n"""\n{task}\n"""\n\n\n\n{code}\n\n'
        f'ERROR: \n{error}\n\n"""\n{task}\n"""\n\n\n'
    )
    return persd_attempt({"finetuning_prompt": prompt, "task_id": 7, "finetuning_completion": ""})


def test_an_attempt_with_values_becomes_a_problem(judged):
    code = "def twice(x):\n    print(x)\n\ndef helper(): ..."
    found = attempt(code, "AssertionError\nINPUT: (2)\nOUTPUT: 2\nEXPECTED: 4")
    assert (found.entry_point, found.error, found.whole) == ("twice", "AssertionError", True)
    assert (found.input, found.output, found.expected) == ("(2)", "2", "4")
    assert found.code.strip() == code
    problem = persd_problem(found)
    assert judged(problem, code).passed
    assert judged(problem, "def twice(x): return 4").outcome == "assertion"
    assert judged(problem, "def twice(x): return 2.0").outcome == "passed", "2.0 == 2 as values"


def test_an_attempt_with_another_error(judged):
    found = attempt("def f(x):\n    return (x", "SyntaxError: unexpected EOF while parsing : ")
    assert (found.error, found.message) == ("SyntaxError", "unexpected EOF while parsing")
    assert not found.whole
    with pytest.raises(ValueError, match="records no whole input"):
        persd_problem(found)


def test_values_that_may_be_cut_are_not_whole():
    long = " ".join(["1,"] * 50)
    assert not attempt(
        "def f(x): ...", f"AssertionError\nINPUT: {long}\nOUTPUT: 1\nEXPECTED: 2"
    ).whole


def test_a_prompt_of_another_form_is_refused():
    with pytest.raises(CodecError, match="between triple quotes"):
        persd_attempt({"finetuning_prompt": "Write a function.", "task_id": 1})
