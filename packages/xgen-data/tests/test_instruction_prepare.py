import json
import subprocess
import sys

import pytest

from xgen_core import InputError
from xgen_core.files import read_jsonl
from xgen_core.report import Section
from xgen_data.instruction import (
    Checks,
    Preparation,
    Summary,
    instruction_section,
    prepare,
    read_examples,
)


def rows(count=60):
    return [
        {"instruction": f"what is item {i}", "input": "", "output": f"it is {i}"}
        for i in range(count)
    ]


def write(path, items):
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path):
    first = [*rows(), rows()[3], {**rows()[0], "output": ""}]
    second = [
        {"instruction": "what is item 5", "response": "nothing", "context": "", "category": "qa"},
        {"instruction": "Is it so?", "response": "yes", "context": "", "category": "qa"},
        {"instruction": "is it so", "response": "no", "context": "", "category": "qa"},
    ]
    return [write(tmp_path / "a.jsonl", first), write(tmp_path / "b.jsonl", second)]


def test_the_usual_way(files, tmp_path, tree):
    summary = prepare(files, tmp_path / "out", Preparation(fraction=0.2, near=None))
    assert sorted(tree(tmp_path / "out")) == [
        "inconsistencies.jsonl",
        "summary.json",
        "train.jsonl",
        "validation.jsonl",
    ]
    assert Summary.from_json(json.loads((tmp_path / "out/summary.json").read_text())) == summary
    assert [(f.file, f.read, f.examples) for f in summary.files] == [
        ("a.jsonl", 62, 61),
        ("b.jsonl", 3, 3),
    ]
    assert {(d.step, d.reason): d.count for d in summary.drops} == {
        ("read", "empty answer"): 1,
        ("duplicates", "same conversation seen before"): 1,
    }
    assert {d.reason: d.example for d in summary.drops}["empty answer"] == f"{files[0]}:62"
    examples = {
        side: list(read_examples(tmp_path / "out" / f"{side}.jsonl"))
        for side in ("train", "validation")
    }
    assert {o.file: o.examples for o in summary.outputs} == {
        f"{side}.jsonl": len(found) for side, found in examples.items()
    }
    assert (
        sum(map(len, examples.values())) == 63 == summary.read - sum(d.count for d in summary.drops)
    )
    assert 3 <= len(examples["validation"]) <= 25
    findings = list(read_jsonl(tmp_path / "out/inconsistencies.jsonl"))
    assert [(f["finding"], f["left_answer"], f["right_answer"]) for f in findings] in (
        [("conflict", "yes", "no")],
        [("conflict", "no", "yes")],
    )


def test_same_bytes_whatever_the_order_of_files(files, tmp_path, tree):
    prepare(files, tmp_path / "one")
    prepare([files[1], files[0]], tmp_path / "two")
    one, two = tree(tmp_path / "one"), tree(tmp_path / "two")
    assert {k: v for k, v in one.items() if k != "summary.json"} == {
        k: v for k, v in two.items() if k != "summary.json"
    }
    prepare(files, tmp_path / "one", replace_output=True)
    assert tree(tmp_path / "one") == one


def test_inconsistent_examples_can_be_left_out(files, tmp_path):
    settings = Preparation(inconsistent="drop", near=None, fraction=0.1)
    summary = prepare(files, tmp_path / "out", settings)
    gone = {d.reason: d.count for d in summary.drops if d.step == "inconsistencies"}
    assert gone == {"contradicted by as many examples": 2}
    assert sum(o.examples for o in summary.outputs) == 61


def test_tasks_held_out(files, tmp_path):
    with pytest.raises(InputError, match="60 examples have no task"):
        prepare(files, tmp_path / "out", Preparation(level="task"))
    assert not (tmp_path / "out").exists()
    more = [{**row, "task": "items"} for row in rows()]
    summary = prepare(
        [write(tmp_path / "c.jsonl", more), files[1]],
        tmp_path / "out",
        Preparation(level="task", held_out=("dolly/qa",), near=None),
    )
    assert [(t.task, t.train, t.validation, t.dropped) for t in summary.tasks] == [
        ("dolly/qa", 0, 3, 0),
        ("items", 59, 0, 1),  # "what is item 5" is asked in both
    ]
    assert ("split", "input is near one that is held out") in {
        (d.step, d.reason) for d in summary.drops
    }


def test_damage_stops_unless_told_otherwise(tmp_path):
    path = tmp_path / "a.jsonl"
    write(path, rows(5))
    with path.open("a") as handle:
        handle.write('{"instruction": "cut\n')
    with pytest.raises(InputError, match=r"a.jsonl:6: row is not JSON; mend it"):
        prepare([path], tmp_path / "out")
    summary = prepare([path], tmp_path / "out", Preparation(skip_damaged=True))
    assert [(d.reason, d.count) for d in summary.drops] == [("row is not JSON", 1)]


def test_nothing_left_and_nothing_asked(tmp_path, files):
    with pytest.raises(InputError, match="no files"):
        prepare([], tmp_path / "out")
    strict = Preparation(checks=Checks(min_answer=1000))
    with pytest.raises(InputError, match="no examples are left of 65 read; dropped: 64 answer too"):
        prepare(files, tmp_path / "out", strict)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").touch()
    with pytest.raises(InputError, match="exists already"):
        prepare(files, tmp_path / "full")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".partial*"))


def test_ids_of_others_are_made_distinct(tmp_path):
    prepare([write(tmp_path / "a.jsonl", rows(4))], tmp_path / "one", Preparation(fraction=0))
    lines = list(read_jsonl(tmp_path / "one/train.jsonl"))
    for line in lines:
        line["id"] = "same"
    prepare([write(tmp_path / "b.jsonl", lines)], tmp_path / "two", Preparation(fraction=0))
    ids = [row["id"] for row in read_jsonl(tmp_path / "two/train.jsonl")]
    assert len(set(ids)) == 4
    assert all(i.startswith("same") for i in ids)


def test_section(files, tmp_path):
    section = instruction_section(prepare(files, tmp_path / "out", Preparation(near=None)))
    assert isinstance(section, Section)
    assert (
        section.summary == "63 of 65 items kept; instances held out; 1 conflicts, 0 doubtful labels"
    )
    funnel, tasks, findings, _ = section.blocks
    assert sum(row[2] for row in funnel.rows if row[0] != "kept") == 63
    assert [row[0] for row in tasks.rows] == ["–", "dolly/qa"]
    assert findings.rows == (("exact input, label answers", None, 1, None, None, None, None),)


def test_jax_and_grain_stay_away():
    code = (
        "import sys, xgen_data.instruction; "
        "print([m for m in ('jax', 'grain', 'torch', 'sklearn', 'scipy') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_settings_travel_as_json():
    settings = Preparation(form="oasst", near=None, held_out=("a",), checks=Checks(min_answer=3))
    assert Preparation.from_json(json.loads(json.dumps(settings.to_json()))) == settings
