import json
import re

import pytest

from xgen_core import InputError
from xgen_eval.seeded.positions import spread
from xgen_eval.tasks.kv_retrieval import KvRetrieval, kv_prompt


def reads(prompt, lines=None):
    """The value in a prompt, if it stands in the first `lines` lines of the object."""
    key = re.search(r'Key: "(.+)"', prompt)[1]
    body = prompt.partition("JSON data:\n")[2].partition("\n\nKey")[0]
    pairs = list(json.loads(body).items())[:lines]
    return dict(pairs).get(key, "nothing")


def test_the_prompt_is_the_papers():
    prompt = kv_prompt([("k1", "v1"), ("k2", "v2"), ("k3", "v3")], "k2")
    assert prompt == (
        "Extract the value corresponding to the specified key in the JSON object below.\n\n"
        'JSON data:\n{"k1": "v1",\n "k2": "v2",\n "k3": "v3"}\n\nKey: "k2"\nCorresponding value:'
    )


def test_positions_are_spread_evenly():
    assert spread(75, 5) == (0, 19, 37, 56, 74)
    assert spread(3, 5) == (0, 1, 2)


def test_a_reader_of_all_is_right_and_one_of_the_beginning_is_lost(doubles, run_task, tmp_path):
    task = KvRetrieval(keys=20, count=4, positions=(0, 9, 19))
    record, rows = run_task(doubles.Writer(reads), task, tmp_path / "all")
    assert record.metrics["acc"].value == 1
    assert record.metrics["acc"].n == 4  # objects, not the twelve prompts
    assert [r["id"] for r in rows[:4]] == ["1@0", "1@9", "1@19", "2@0"]
    assert (rows[0]["attr.position"], rows[0]["cluster"]) == (0, "1")

    first = doubles.Writer(lambda prompt: reads(prompt, lines=10).upper())
    record, _ = run_task(first, task, tmp_path / "first")
    values = {name: metric.value for name, metric in record.metrics.items()}
    assert values["acc"] == pytest.approx(2 / 3)
    assert (values["acc/0"], values["acc/9"], values["acc/19"]) == (1, 1, 0)
    assert (values["first_minus/9"], values["first_minus/19"]) == (0, 1)
    assert values["ends_minus_middle"] == -0.5
    record, _ = run_task(doubles.Writer(lambda prompt: "none"), task, tmp_path / "none")
    assert record.metrics["acc"].value == 0


def test_the_seed_alone_decides(doubles, run_task, tmp_path):
    task = KvRetrieval(keys=3, count=1, positions=(1,))
    prompts = [
        run_task(doubles.Writer(reads), task, tmp_path / f"{i}", seed=seed)[1][0]["prompt"]
        for i, seed in enumerate((1, 1, 2))
    ]
    assert prompts[0] == prompts[1] != prompts[2]
    assert '"8955b4f1-' in prompts[0]  # the same on every machine


def test_published_lines_are_read_and_wrong_ones_named(doubles, run_task, tmp_path):
    path = tmp_path / "kv.jsonl"
    pairs = [["a", "1"], ["b", "2"], ["c", "3"]]
    path.write_text(json.dumps({"ordered_kv_records": pairs, "key": "b", "value": "2"}) + "\n")
    task = KvRetrieval(path=path, positions=(0, 2))
    record, rows = run_task(doubles.Writer(reads), task, tmp_path / "run")
    assert record.metrics["acc"].value == 1
    assert record.files[0].name == "kv.jsonl"
    assert '{"b": "2",\n "a": "1",\n "c": "3"}' in rows[0]["prompt"]
    with pytest.raises(InputError, match=r"kv.jsonl:1: positions .* 0..2, got 3"):
        run_task(doubles.Writer(reads), KvRetrieval(path=path, positions=(3,)), tmp_path / "far")
    path.write_text(json.dumps({"ordered_kv_records": pairs, "key": "b", "value": "3"}))
    with pytest.raises(InputError, match=r"kv.jsonl:1: .*key 'b' is not among"):
        run_task(doubles.Writer(reads), task, tmp_path / "wrong")


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="positions"):
        KvRetrieval(keys=10, positions=(10,))
    with pytest.raises(ValueError, match="keys"):
        KvRetrieval(keys=1)
