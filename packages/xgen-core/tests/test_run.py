import asyncio
import json

import pytest

from xgen_core import FormatError, InputError, Run
from xgen_core.concurrency import Failure
from xgen_core.report import Section, Text

RECIPE = {"name": "r", "stages": [{"steps": 10}, {"steps": 20}]}


def test_a_resumed_run_leaves_the_same_metrics(tmp_path):
    whole = Run.create(tmp_path / "whole", "train", RECIPE)
    for step in range(1, 11):
        whole.metrics.append(step, {"loss": 1 / step})
    whole.close()

    cut = Run.create(tmp_path / "cut", "train", RECIPE)
    for step in range(1, 8):
        cut.metrics.append(step, {"loss": 1 / step})
    cut.close()
    with (tmp_path / "cut" / "metrics.jsonl").open("ab") as handle:
        handle.write(b'{"step": 8, "lo')  # killed in the middle of a line
    cut = Run.create(tmp_path / "cut", "train", RECIPE)
    assert [row["step"] for row in cut.metrics.rows()] == list(range(1, 8))
    cut.metrics.cut(5)
    for step in range(6, 11):
        cut.metrics.append(step, {"loss": 1 / step})
    cut.close()
    name = "metrics.jsonl"
    assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_cutting_drops_a_torn_line_even_when_every_step_stays(tmp_path):
    run = Run.create(tmp_path, "train", RECIPE)
    run.metrics.append(1, {"loss": 2.0})
    run.close()
    path = tmp_path / "metrics.jsonl"
    good = path.read_bytes()
    for torn in (b'{"step"', b'{"step": 2, "loss": 1.0}'):
        path.write_bytes(good + torn)
        run.metrics.cut(100)
        assert path.read_bytes() == good
    run.metrics.cut(0)
    assert path.read_bytes() == b""
    Run.create(tmp_path, "train", RECIPE).timings.cut(3)  # no file is no error


def test_damage_in_the_middle_is_not_cut_away_silently(tmp_path):
    run = Run.create(tmp_path, "train", RECIPE)
    (tmp_path / "metrics.jsonl").write_bytes(b'{"step": 1}\n{"st\n{"step": 3}\n')
    with pytest.raises(FormatError, match=r"metrics\.jsonl:2: damaged line"):
        run.metrics.cut(3)


def test_another_recipe_is_refused_by_its_first_difference(tmp_path):
    Run.create(tmp_path, "train", RECIPE)
    other = {"name": "r", "stages": [{"steps": 10}, {"steps": 25}]}
    with pytest.raises(InputError, match=r"stages\.1\.steps was 20, now 25"):
        Run.create(tmp_path, "train", other)
    with pytest.raises(InputError, match="kind was 'train', now 'eval'"):
        Run.create(tmp_path, "eval", RECIPE)
    assert Run.create(tmp_path, "train", RECIPE).recipe == RECIPE


def test_what_is_not_a_run_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"not a run directory \(no run\.json in it\)"):
        Run.open(tmp_path)
    (tmp_path / "run.json").write_text('{"format": "xgen-run", "version": 99}')
    with pytest.raises(FormatError, match="xgen-run version 99, but this release reads 1"):
        Run.open(tmp_path)


def test_metrics_refuse_what_json_cannot_hold(tmp_path):
    run = Run.create(tmp_path, "train", RECIPE)
    with pytest.raises(ValueError, match="not JSON compliant"):
        run.metrics.append(1, {"loss": float("nan")})
    run.close()
    assert run.metrics.rows() == []


def test_sections_come_back_in_name_order(tmp_path):
    run = Run.create(tmp_path, "train", RECIPE)
    run.write_section("20-b", Section(title="second", blocks=()))
    run.write_section("10-a", Section(title="first", blocks=(Text(text="t"),)))
    sections = [Section.from_json(value) for value in run.sections()]
    assert [s.title for s in sections] == ["first", "second"]
    assert sections[0].blocks == (Text(text="t"),)


def test_items_of_several_files_are_worked_on_together(tmp_path):
    run = Run.create(tmp_path / "run", "eval", {})
    items = [("a", 1), ("b", 1), ("a", 2)]
    begun = []

    async def work(item):
        begun.append(item)
        await asyncio.sleep(0)
        if len(begun) == len(items) and item == ("a", 2):  # all are in work at one time
            raise InputError("no")
        return {"n": item[1]}

    def go():
        return asyncio.run(
            run.map(items, work, key=lambda item: f"{item[1]}", name=lambda item: item[0])
        )

    assert [r.reason if isinstance(r, Failure) else r["n"] for r in go()] == [1, 1, "no"]
    assert [r["n"] for r in go()] == [1, 1, 2]
    assert begun == [*items, ("a", 2)], "only what failed is worked on again"
    rows = (tmp_path / "run/items/a.jsonl").read_text().splitlines()
    assert [json.loads(row) for row in rows] == [{"id": "1", "n": 1}, {"id": "2", "n": 2}]
    items.append(("b", 1))
    with pytest.raises(InputError, match="b: two items are called '1'"):
        go()
