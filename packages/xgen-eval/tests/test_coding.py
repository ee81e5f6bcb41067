"""HumanEval and MBPP as tasks: prompts, samples, verdicts, pass@k."""

from __future__ import annotations

import json

import pytest

from xgen_core import Completion, ModelError, ModelInfo
from xgen_eval.datasets import DataDirectory
from xgen_eval.execution.truncation import truncate_body, truncate_codegen
from xgen_eval.tasks.humaneval import HumanEval
from xgen_eval.tasks.mbpp import Mbpp, MbppPersd

PROBLEM = {
    "task_id": "HumanEval/0",
    "prompt": 'def half(x):\n    return x / 2\n\n\ndef mean(a, b):\n    """The mean."""\n    ',
    "entry_point": "mean",
    "canonical_solution": "return half(a + b)\n",
    "test": "def check(candidate):\n    assert candidate(1, 3) == half(4)\n",
}
MBPP = {
    "task_id": 11,
    "text": "Write a function to double.",
    "code": "import math\r\ndef twice(x): \r\n\treturn 2 * x",
    "test_list": ["assert twice(2) == 4", "assert twice(3) == 6", "assert twice(0) == 0"],
    "test_setup_code": "",
}


class Writer:
    """Sample i is answer i of a list, as the seed counts them; an error where there is none."""

    def __init__(self, *answers: str) -> None:
        self.answers = answers
        self.info = ModelInfo(identity="writer")
        self.requests = []

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, trace):
        return None

    async def generate(self, request):
        self.requests.append(request)
        if not self.answers:
            raise ModelError("no answer")
        texts = [self.answers[(request.seed + i) % len(self.answers)] for i in range(request.n)]
        return [Completion(text=text, finish_reason="stop") for text in texts]


@pytest.fixture
def data(tmp_path):
    """A directory with rows added to a data set."""

    def add(dataset, rows):
        path = tmp_path / "raw.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        directory = DataDirectory(tmp_path / "data")
        directory.add(dataset, dataset.splits[0], [path])
        return directory.path

    return add


def test_a_greedy_humaneval(data, run_task, tmp_path):
    other = {**PROBLEM, "task_id": "HumanEval/1", "entry_point": "half"}
    other["test"] = "def check(candidate):\n    assert candidate(2) == 3\n"
    path = data(HumanEval.dataset, [PROBLEM, other])
    model = Writer("return half(a + b)")
    record, rows = run_task(model, HumanEval(unsafe=True), tmp_path / "run", data=path)
    assert record.variant == "completion-v1+greedy"
    assert list(record.metrics) == ["pass@1"]
    metric = record.metrics["pass@1"]
    assert (metric.value, metric.n) == (0.5, 2)
    assert [row["pass@1"] for row in rows] == [1.0, 0.0]
    assert [row["outcome"] for row in rows] == ["passed", "assertion"]
    assert rows[1]["detail"] == "AssertionError: assert candidate(2) == 3"
    first = model.requests[0]
    assert first.prompt == PROBLEM["prompt"], "white space at its end decides the first token"
    assert (first.temperature, first.n, first.stop) == (0.0, 1, HumanEval.stop)


def test_a_sampled_humaneval(data, run_task, tmp_path):
    path = data(HumanEval.dataset, [PROBLEM])
    model = Writer("return half(a + b)", "return a", "return (", "return (b + a) / 2")
    task = HumanEval(samples=4, temperature=0.2, ks=(1, 3, 10), unsafe=True)
    record, [row] = run_task(model, task, tmp_path / "run", data=path, seed=8)
    assert record.variant == "completion-v1+sampled-t0.2-p0.95-n4"
    assert {name: m.value for name, m in record.metrics.items()} == {"pass@1": 0.5, "pass@3": 1.0}
    assert [row[f"outcome_{i}"] for i in range(4)] == ["passed", "assertion", "syntax", "passed"]
    assert {(r.temperature, r.top_p) for r in model.requests} == {(0.2, 0.95)}
    assert sorted(r.seed + i for r in model.requests for i in range(r.n)) == [8, 9, 10, 11]


def test_codegens_truncation_is_another_variant(data, run_task, tmp_path):
    path = data(HumanEval.dataset, [PROBLEM])
    model = Writer("return half(a + b)\n\n# done\nassert False")
    task = HumanEval(truncation="codegen", unsafe=True)
    record, [row] = run_task(model, task, tmp_path / "run", data=path)
    assert record.variant == "completion-v1+greedy+codegen"
    assert row["outcome"] == "passed"
    assert model.requests[0].stop == ()


def test_a_failed_request_counts_as_wrong_where_that_is_allowed(data, run_task, tmp_path):
    path = data(HumanEval.dataset, [PROBLEM])
    record, [row] = run_task(
        Writer(), HumanEval(unsafe=True), tmp_path / "run", data=path, allow_failures=1
    )
    assert (row["pass@1"], row["error"]) == (0.0, "no answer")
    assert record.metrics["failed"].value == 1.0
    with pytest.raises(ModelError, match="1 of 1 requests failed"):
        run_task(Writer(), HumanEval(unsafe=True), tmp_path / "other", data=path)


def test_a_broken_test_is_no_answer_of_the_model(data, run_task, tmp_path):
    path = data(HumanEval.dataset, [PROBLEM, {**PROBLEM, "task_id": "x", "test": "check = 1 +"}])
    task = HumanEval(unsafe=True)
    record, rows = run_task(Writer("return half(a + b)"), task, tmp_path / "run", data=path)
    assert (record.metrics["pass@1"].value, record.metrics["pass@1"].n) == (1.0, 1)
    assert rows[1]["error"].startswith("no verdict: SyntaxError")
    assert "pass@1" not in rows[1]


def test_mbpp_shows_three_examples_and_takes_the_test_problems(data, run_task, tmp_path):
    rows = [{**MBPP, "task_id": number} for number in (2, 3, 4, 10, 11, 510, 511)]
    path = data(Mbpp.dataset, rows)
    model = Writer("def twice(x):\n    return x + x\n")
    record, items = run_task(model, Mbpp(unsafe=True), tmp_path / "run", data=path)
    assert [item["id"] for item in items] == ["11", "510"]
    assert record.metrics["pass@1"].value == 1.0
    tests = "\n".join(MBPP["test_list"])
    asked = (
        "You are an expert Python programmer, and here is your task: Write a function to double. "
        f"Your code should pass these tests:\n\n{tests}\n[BEGIN]\n"
    )
    assert model.requests[0].prompt == f"{asked}{MBPP['code']}\n[DONE]\n\n" * 3 + asked
    assert model.requests[0].stop == ("[DONE]",)


def test_mbpp_as_persd_asks(data, run_task, tmp_path):
    sanitized = {
        "task_id": 77,
        "prompt": "Double it.",
        "code": "import math\ndef twice (x):\n  return 2 * x",
        "test_imports": [],
        "test_list": ["assert twice (2) == 4"],
    }
    path = data(MbppPersd.dataset, [sanitized, {**sanitized, "task_id": 601}])
    model = Writer("    return x + x\nprint(twice(1)\n")
    record, [item] = run_task(model, MbppPersd(unsafe=True), tmp_path / "run", data=path)
    assert (item["id"], item["outcome"]) == ("77", "passed")
    assert model.requests[0].prompt == (
        '"""\nDouble it.\n>>> Example: twice (2) = 4\n"""\n\nimport math\ndef twice (x):\n'
    )
    assert record.variant == "docstring-header-v1+greedy"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"samples": 2}, "set temperature"),
        ({"ks": (5,)}, "ks needs a k from 1 to 1"),
        ({"ks": ()}, "ks needs a k"),
        ({"timeout": 0.0}, "timeout"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": -1.0}, "temperature"),
    ],
)
def test_settings_that_make_no_sense(settings, said):
    with pytest.raises(ValueError, match=said):
        HumanEval(**settings)


def test_codegens_rule():
    assert (
        truncate_codegen("    return 1\nprint(1)\nx\nprint(2)\n") == "    return 1\nprint(1)\nx\n"
    )
    assert truncate_codegen("a\ndef f():\n    1\ndef g():") == "a\ndef f():\n    1\n"
    assert truncate_codegen("    # in\n    x\n# out") == "    # in\n    x\n"
    assert truncate_codegen("a\n\n\nb") == "a"
    assert truncate_codegen("a<|endoftext|>b") == "a"
    assert truncate_codegen('a\n"""b') == "a\n"
    assert truncate_codegen("    return 1") == "    return 1"


def test_persds_rule():
    assert truncate_body("    x\n\n  y\ndef g(): ...") == "    x\n\n  y\n"
    assert truncate_body("return 1") == "return 1"
    assert truncate_body("    x\n# said\n") == "    x\n"
    assert truncate_body("    x\n)\n    y") == "    x\n)\n    y"
    assert truncate_body("    x<|endoftext|>\ny") == "    x"
