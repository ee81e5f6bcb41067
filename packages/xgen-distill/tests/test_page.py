"""What a run shows on its page, and its sets built again without asking anybody."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from xgen_core.codec import decode
from xgen_core.lm.asker import CallTimes
from xgen_core.report import Diff, Item, Items, Section, Table, Text
from xgen_distill import Task, UnitTest
from xgen_distill.cli import distill
from xgen_distill.configuration import Configuration, Sampling
from xgen_distill.items import read_earlier
from xgen_distill.runs import run_loop
from xgen_distill.sections import MOST_TASKS, tasks_section
from xgen_distill.sets import SETS, read_sets
from xgen_distill.task_record import TaskRecord

TASKS = {  # what is asked, the direct solution, the shown test, the hidden one
    "double": ("Double a number.", "value * 2", (3, 6), (-4, -8)),
    "halve": ("Halve a number.", "value // 2", (8, 4), (-6, -3)),
    "square": ("Square a number.", "value ** 2", (3, 9), (-5, 25)),
    "negate": ("Negate a number.", "-value", (2, -2), (0, 0)),
    "third": ("Divide by three.", "value // 3", (9, 3), (-3, -1)),
    "next": ("Add one.", "value + 1", (1, 2), (-1, 0)),  # the student has no rule for it
}
STUDENT = {
    "double": "    return value + value\n",
    "halve": "    half = value / 3\n    return half\n",
    "square": "    return value\n",
    "negate": "",
    "third": "    return vale // 3\n",
}
TEACHER = [
    (r"half = value / 3", "Half is not a third.\n```python\ndef halve(n):\n    return n // 2\n```"),
    (r"vale // 3", "```python\ndef third(value):\n    return value // 3\n```"),
    (r"INCORRECT PROGRAM", "Nothing is wrong with <b>it</b>."),
]


def make_task(name: str) -> Task:
    instruction, value, shown, hidden = TASKS[name]
    header = f"def {name}(value: int) -> int:\n"
    tests = [UnitTest.of_call(f"{name}({given})", f"{gives}") for given, gives in (shown, hidden)]
    return Task(
        id=name,
        instruction=instruction,
        entry_point=name,
        header=header,
        shown=tuple(tests[:1]),
        hidden=tuple(tests[1:]),
        gold=f"{header}    return {value}\n",
    )


def write_rules(path: Path, rules: list[tuple[str, str]]) -> str:
    path.write_text("".join(json.dumps({"pattern": p, "replies": [r]}) + "\n" for p, r in rules))
    return f"scripted:{path}"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of six tasks; its models are gone."""
    home = tmp_path_factory.mktemp("page")
    student = [(rf"def {name}\([^\n]*\n$", body) for name, body in STUDENT.items()]
    configuration = Configuration(
        student=write_rules(home / "student.jsonl", student),
        teacher=write_rules(home / "teacher.jsonl", TEACHER),
        refinements=Sampling(samples=2),
    )
    tasks = [make_task(name) for name in TASKS]
    asyncio.run(run_loop(configuration, tasks, output=home / "run", workers=2))
    for rules in home.glob("*.jsonl"):
        rules.unlink()
    return home / "run"


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """The same, to change."""
    return shutil.copytree(finished, tmp_path / "run")


def section(run: Path, name: str) -> Section:
    return decode(Section, json.loads((run / "sections" / f"{name}.json").read_text("utf-8")))


def tasks(run: Path) -> dict[str, Item]:
    (items,) = section(run, "40-tasks").blocks
    assert isinstance(items, Items)
    return {item.title.partition("  ")[0]: item for item in items.items}


def built(*arguments: str | Path) -> Result:
    return CliRunner().invoke(distill, ["build", *map(str, arguments), "--workers", "2"])


def test_each_task_says_what_became_of_it(run: Path) -> None:
    assert [item.title for item in tasks(run).values()] == [
        "double  solved",
        "halve  repaired",
        "square  not repaired: prose",
        "negate  no program: empty",
        "third  repaired",
        "next  unanswered",
    ]
    why = tasks(run)["next"].fields["without an answer"]
    assert why.startswith("attempts next/1/0: ModelError: no rule matches")


def test_a_task_goes_from_its_tests_to_its_rows(run: Path) -> None:
    halve = tasks(run)["halve"]
    assert halve.fields["direct solution: passed"].endswith("return value // 2")
    assert halve.fields["sets"].startswith("stand 1, inpd 1, inpd-refine 1, inpd-combined 2")
    tests, error, *rest = halve.blocks
    assert isinstance(tests, Table)
    assert [row[1] for row in tests.rows] == ["shown", "hidden"]
    assert isinstance(error, Text)
    assert "INPUT: 8\nOUTPUT: 2.6666666666666665\nEXPECTED: 4" in error.text
    diffs = [block for block in rest if isinstance(block, Diff)]
    assert len(diffs) == 2
    assert "/ 3\n" in diffs[0].before
    assert "// 2" in diffs[0].after
    assert "chosen" in diffs[0].caption
    assert "passes, another is closer" in diffs[1].caption
    folded = {block.summary: block.text for block in rest if isinstance(block, Text)}
    (persd,) = [title for title in folded if "of persd," in title]
    assert "parameters renamed: n → value" in persd
    assert folded[persd].endswith("def halve(value: int) -> int:\n    return value // 2\n")
    asked = [text for title, text in folded.items() if title.startswith("request, refinements")]
    assert "INCORRECT PROGRAM:\n```python\ndef halve" in asked[0]


def test_figures_are_those_of_the_results(run: Path) -> None:
    results = section(run, "10-results")
    assert "the student failed 3, of which the teacher repaired 2 (67%)" in results.summary
    rejected = next(b for b in results.blocks if isinstance(b, Table))
    assert rejected.rows == (("attempts", "empty", 1), ("refinements", "prose", 2))
    sets = section(run, "20-sets").blocks[0]
    assert isinstance(sets, Table)
    assert {row[0]: row[2] for row in sets.rows} == dict(
        zip(SETS, (6, 2, 2, 4, 2, 2, 4), strict=True)
    )


def test_the_page_has_the_first_of_many_tasks() -> None:
    records = [TaskRecord(task=make_task("double"))] * (MOST_TASKS + 1)
    (items,) = tasks_section(records, times=CallTimes()).blocks
    assert isinstance(items, Items)
    assert len(items.items) == MOST_TASKS
    assert items.caption.startswith("The first 200 of 201 tasks")


def test_building_again_changes_nothing_and_asks_nobody(run: Path) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    done = built(run)
    assert done.exit_code == 0, done.output
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert "persd-combined         4       2" in done.output


def test_other_sets_go_elsewhere_and_leave_the_run_as_it_is(run: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    other = tmp_path / "other"
    done = built(
        run, "-o", other, "--combined", "direct", "--set", "examples=1", "--export", "alpaca"
    )
    assert done.exit_code == 0, done.output
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    sets = read_sets(other)
    assert {row.source for row in sets.rows["persd-combined"]} == {"direct", "repair"}
    assert all(">>> " in row.prompt for row in sets.rows["stand"])
    lines = (other / "persd.alpaca.jsonl").read_text("utf-8").splitlines()
    assert json.loads(lines[0]) == {
        "instruction": sets.rows["persd"][0].prompt,
        "input": "",
        "output": sets.rows["persd"][0].completion,
    }


def test_rounds_before_are_shown_and_may_be_joined(run: Path, tmp_path: Path) -> None:
    tuned = [(r"def halve\([^\n]*\n$", "    half = value / 3\n    return half + 0\n")]
    configuration = Configuration(
        student=write_rules(tmp_path / "tuned.jsonl", tuned),
        teacher=write_rules(tmp_path / "teacher.jsonl", TEACHER),
        round=2,
    )
    second = tmp_path / "second"
    asyncio.run(
        run_loop(
            configuration,
            [make_task(name) for name in TASKS],
            output=second,
            earlier=read_earlier(run),
            workers=2,
        )
    )
    attempts = [
        block.text.splitlines()[0]
        for block in tasks(second)["halve"].blocks
        if isinstance(block, Text) and block.text.startswith("Attempt ")
    ]
    assert attempts == ["Attempt halve/1/0: failed", "Attempt halve/2/0: failed"]
    for words, ids in (
        ((), ["halve/2/0"]),
        (("--union",), ["halve/1/0", "halve/2/0", "third/1/0"]),
    ):
        assert built(second, *words).exit_code == 0
        sets = read_sets(second / "sets")
        assert [row.attempt for row in sets.rows["persd-refine"]] == ids


def test_what_a_benchmark_asks_is_left_out_with_its_evidence(run: Path, tmp_path: Path) -> None:
    asked = replace(make_task("halve"), id="bench/1", origin="bench")
    (tmp_path / "bench.jsonl").write_text(json.dumps(asked.to_json()) + "\n")
    done = built(run, "--decontaminate", tmp_path / "bench.jsonl")
    assert done.exit_code == 0, done.output
    assert "rejected repair: 1 × in a benchmark\n0 of 1 benchmark tasks were clean" in done.output
    sets = read_sets(run / "sets")
    assert not [row for rows in sets.rows.values() for row in rows if row.task == "halve"]
    assert {one.detail for one in sets.rejections if one.task == "halve"} == {"bench/1"}
    assert "halve" in (run / "sets" / "overlap" / "pairs.jsonl").read_text("utf-8")
    assert "0 of 1 tasks are clean" in section(run, "25-overlap").summary
    assert "in a benchmark, bench/1" in tasks(run)["halve"].fields["became no row"]
    assert built(run).exit_code == 0
    assert not (run / "sections" / "25-overlap.json").exists()
    assert not (run / "sets" / "overlap").exists()


def test_a_run_that_is_none_or_not_finished_is_refused(run: Path, tmp_path: Path) -> None:
    assert "not a run directory" in f"{built(tmp_path / 'nothing').exception}"
    (run / "results.json").unlink()
    assert "not finished" in f"{built(run).exception}"
