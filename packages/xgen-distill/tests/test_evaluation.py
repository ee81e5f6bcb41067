"""Scores of several steps: figures, clean tasks, the published table, runs and commands."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from xgen_core import Run
from xgen_core.files import read_json, read_jsonl, write_jsonl
from xgen_core.report import read_sections
from xgen_distill import Row, Task, UnitTest
from xgen_distill.cli import distill
from xgen_distill.configuration import Sampling
from xgen_distill.evaluation import published_scores, read_evaluation, score_steps
from xgen_distill.evaluation.tables import comparison_table
from xgen_distill.inference import Setting, Solved, Step, Trajectory
from xgen_distill.tasks import read_tasks
from xgen_eval.cli import evaluation


def solved(task: str, *samples: str) -> Solved:
    """Samples as words of outcomes by step: `"-+"`, wrong, then right; `?` is no verdict."""
    outcomes = {"+": "passed", "-": "assertion", "?": "harness_error"}
    return Solved(
        task=task,
        told="shown",
        samples=tuple(
            Trajectory(
                steps=tuple(
                    Step(
                        how="refined" if place else "sampled",
                        program="p",
                        outcome=outcomes[sign],  # pyright: ignore[reportArgumentType]
                    )
                    for place, sign in enumerate(sample)
                )
            )
            for sample in samples
        ),
    )


def setting(samples: int, *ks: int) -> Setting:
    return Setting(name="s", sampling=Sampling(samples=samples, temperature=0.2), ks=ks)


@pytest.mark.parametrize(
    ("n", "c", "k", "value"),
    [
        (20, 5, 1, 0.25),
        (100, 30, 5, 0.839243),
        (100, 30, 10, 0.977083),
        (100, 30, 20, 0.999698),
        (10, 3, 5, 0.916667),
        (100, 1, 10, 0.1),
        (20, 0, 1, 0.0),
        (20, 20, 1, 1.0),
    ],
)
def test_scores_are_human_evals(n: int, c: int, k: int, value: float) -> None:
    (scores,) = score_steps(setting(n, k), [solved("t", *["+"] * c, *["-"] * (n - c))])
    assert scores.metrics[f"pass@{k}"].value == pytest.approx(value, abs=5e-7)


def test_a_step_says_what_it_mended_and_what_it_broke() -> None:
    tasks = [solved("a", "--", "-+"), solved("b", "++", "+-"), solved("c", "-+", "-+")]
    first, second = score_steps(setting(2, 1, 2), tasks, clean={"a", "b"})
    assert (first.rescued, first.broken, first.gain, first.told) == (0, 0, {}, None)
    assert (second.rescued, second.broken, second.told) == (3, 1, "shown")
    assert first.metrics["pass@1"].value == pytest.approx(1 / 3)
    assert second.metrics["pass@1"].value == pytest.approx(2 / 3)
    gain = second.gain["pass@1"]
    assert gain.value == pytest.approx(1 / 3)
    assert gain.n == 3
    assert second.clean["pass@1"].value == pytest.approx(0.5)
    assert second.clean["pass@2"].value == 1.0
    assert second.clean["pass@1"].n == 2


def test_a_failure_of_the_sandbox_is_neither_right_nor_wrong() -> None:
    tasks = [solved("a", "+", "?"), solved("b", "-", "-")]
    (scores,) = score_steps(setting(2, 1, 2), tasks)
    assert scores.metrics["pass@1"].value == 0.5
    assert "pass@2" not in scores.metrics  # task a has one verdict
    assert scores.outcomes == {"passed": 1, "assertion": 2, "harness_error": 1}


def test_the_published_table_is_that_of_the_talk() -> None:
    table = published_scores()
    assert table.find("stand", "humaneval", 1, 1) == 32.41
    assert table.find("stand", "humaneval", 2, 1) is None
    assert table.find("persd-combined", "humaneval", 2, 1) == 35.53
    assert table.find("persd-refine", "mbpp", 2, 20) == 77.62
    assert table.rows[0].method == "StanD"
    assert len(table.rows) == 7
    for row in table.rows:
        for figures in (*row.humaneval, *row.mbpp):
            assert list(figures) == sorted(figures)
    assert any("three asserts" in note for note in table.notes)


def humaneval_row(number: int, name: str, words: str, example: str, tests: Sequence[str]):
    """A problem of our own in HumanEval's form."""
    checks = "\n".join(f"    assert {test}" for test in tests)
    return {
        "task_id": f"HumanEval/{number}",
        "prompt": f'def {name}(value):\n    """ {words}\n    >>> {example}\n    """\n',
        "entry_point": name,
        "canonical_solution": f"    return {'value + 1' if 'one' in words else 'value * 2'}\n",
        "test": f"def check(candidate):\n{checks}\n",
    }


RULES = [
    {"pattern": "ERROR:.*def increased", "replies": ["    return value + 1\n"]},
    {"pattern": "def increased", "replies": ["    return value\n", "    return value + 1\n"]},
    {"pattern": "ERROR:.*def doubled", "replies": ["    return value * 2\n"]},
    {"pattern": "def doubled", "replies": ["    return 4\n"]},
]


@pytest.fixture
def files(tmp_path: Path) -> Mapping[str, Path]:
    """Two problems, a student that gets better, and training tasks of which one is a problem."""
    examples = ["increased(1)\n    2", "doubled(2)\n    4"]
    problems = [
        humaneval_row(0, "increased", "Add one.", examples[0], ["candidate(5) == 6"]),
        humaneval_row(1, "doubled", "Double it.", examples[1], ["candidate(5) == 10"]),
    ]
    plain = {
        "instruction": "Give back a value and one more.",
        "code": "def increased(number):\n    return 1 + number\n",
        "tests": ["assert increased(3) == 4", "assert increased(0) == 1"],
    }
    made = {
        "problems": tmp_path / "HumanEval.jsonl",
        "rules": tmp_path / "rules.jsonl",
        "training": tmp_path / "training.jsonl",
    }
    write_jsonl(made["problems"], problems)
    write_jsonl(made["rules"], RULES)
    write_jsonl(made["training"], [plain])
    return made


def call(*arguments: object) -> str:
    result = CliRunner().invoke(distill, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output + str(result.exception)
    return result.output


def evaluate(files: Mapping[str, Path], output: Path, *more: object) -> str:
    student = f"scripted:{files['rules']}"
    settings = ("--settings", "pass1", "--samples", 4, "--unsafe")
    return call("evaluate", files["problems"], "-s", student, *settings, "-o", output, *more)


def test_an_evaluation_is_written_scored_again_and_compared(
    files: Mapping[str, Path], tmp_path: Path
) -> None:
    overlap, run = tmp_path / "overlap", tmp_path / "run"
    text = call(
        "decontaminate", files["training"], "-a", files["problems"], "-o", overlap, "--unsafe"
    )
    assert "leak: HumanEval/0 ~ " in text
    assert read_json(overlap / "contamination.json")["clean"] == ["HumanEval/1"]

    text = evaluate(files, run, "--oracle", "--clean", overlap)
    results = read_evaluation(run)
    assert results.benchmark == "humaneval"
    assert results.leaked == ("HumanEval/0",)
    steps = dict(results.steps())
    assert [100 * steps[label]["pass@1"][0].value for label in steps] == [25.0, 50.0, 100.0]
    clean = steps["step 2 (oracle)"]["pass@1"][1]
    assert clean is not None
    assert (clean.value, clean.n) == (1.0, 1)
    assert "PERsD-combined, published" in text
    assert "this student, clean tasks" in text
    assert "this student, oracle" in text

    samples = run / "samples" / "pass1-step2.jsonl"
    assert len(list(read_jsonl(samples))) == 8
    again = tmp_path / "again"
    arguments = ["execute", samples, "-p", files["problems"], "-o", again, "--unsafe", "--json"]
    result = CliRunner().invoke(evaluation, [str(argument) for argument in arguments])
    assert json.loads(result.output)["metrics"]["pass@1"]["value"] == 0.5

    table = json.loads(call("compare", f"StanD={run}", f"PERsD={run}", "--json"))
    assert [row[0] for row in table["rows"]][:4] == [
        "StanD",
        "StanD, clean tasks",
        "StanD, oracle",
        "PERsD",
    ]
    pages = [read_sections(Run.open(path)) for path in (run, overlap)]
    titles = [section.title for page in pages for _, section in page]
    assert titles == ["Scores", "Samples", "Benchmarks in the training data"]


def test_all_rows_of_a_run_are_looked_at(files: Mapping[str, Path], tmp_path: Path) -> None:
    run, header = tmp_path / "run", "def twofold(number):\n"
    task = Task(id="t", instruction="Two of it.", entry_point="twofold", header=header)
    body = "    doubled = number * 2\n    return doubled\n"
    row = Row(
        id="t/1/0/0",
        task="t",
        source="repair",
        asks="attempt",
        prompt=header,
        completion=body,
        program=header + body,
    )
    benchmark = replace(
        read_tasks(files["problems"]).tasks[1],
        entry_point="twofold",
        header=header,
        shown=(),
        hidden=(UnitTest.of("assert twofold(5) == 10"),),
    )
    write_jsonl(run / "tasks.jsonl", [task.to_json()])
    write_jsonl(tmp_path / "benchmark.jsonl", [replace(benchmark, gold="").to_json()])
    arguments = ("-a", tmp_path / "benchmark.jsonl", "--unsafe", "--json", "-o")
    before = json.loads(call("decontaminate", run, *arguments, tmp_path / "before"))
    assert before["leaked_items"] == []
    write_jsonl(run / "sets" / "persd.jsonl", [row.to_json()])
    after = json.loads(call("decontaminate", run, *arguments, tmp_path / "after"))
    assert after["leaked_items"] == ["t"]


def stable(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and "calls.sqlite" not in path.name
    }


def test_an_evaluation_that_was_cut_short_comes_out_the_same_and_asks_nothing_twice(
    files: Mapping[str, Path], tmp_path: Path
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    evaluate(files, whole)
    evaluate(files, cut, "--limit", 1)
    for name in ("results.json", "sections", "samples"):
        path = cut / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    items = cut / "items" / "pass1.jsonl"
    items.write_bytes(items.read_bytes() + b'{"id": "HumanEval/1", "tas')
    text = evaluate(files, cut, "--dry-run")
    assert "generate: 8 calls" in text  # the first step of the other task, and all refined
    evaluate(files, cut)
    assert stable(whole) == stable(cut)
    evaluate(files, cut, "--budget", "calls=0")
    assert stable(whole) == stable(cut)


def test_mistakes_of_a_user_are_one_line(files: Mapping[str, Path], tmp_path: Path) -> None:
    def refused(*arguments: object) -> str:
        result = CliRunner().invoke(distill, [str(a) for a in arguments])
        assert result.exit_code
        return f"{result.exception}"

    student = f"scripted:{files['rules']}"
    common = ("-s", student, "-o", tmp_path / "r", "--unsafe")
    untested = tmp_path / "untested.jsonl"
    row = {"id": "named", "instruction": "Add.", "code": "def add(a):\n    return a\n", "tests": []}
    write_jsonl(untested, [row])
    assert "no such file" in refused("evaluate", tmp_path / "none.jsonl", *common)
    assert "cannot be scored" in refused("evaluate", untested, *common)
    assert "no such file" in refused("evaluate", files["problems"], *common, "--clean", tmp_path)
    assert "ids that end in a number" in refused("evaluate", untested, *common, "--before", 601)


def test_students_are_compared_on_the_same_tasks(files: Mapping[str, Path], tmp_path: Path) -> None:
    from xgen_core import InputError

    evaluate(files, tmp_path / "two")
    evaluate(files, tmp_path / "one", "--limit", 1)
    found = {name: read_evaluation(tmp_path / name) for name in ("one", "two")}
    with pytest.raises(InputError, match="compared on the same tasks"):
        comparison_table(found)
