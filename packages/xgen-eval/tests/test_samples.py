import asyncio
import json

import pytest

from xgen_core import InputError, open_model
from xgen_core.files import read_json
from xgen_eval import evaluate
from xgen_eval.tasks.samples import Samples


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "rules.jsonl"
    path.write_text(json.dumps({"pattern": ".", "replies": ["zero", "one", "two"]}) + "\n")
    return path


def run(rules, task, output, documents=(), **options):
    async def work():
        async with open_model(f"scripted:{rules}") as model:
            return await evaluate(model, [task], output=output, documents=documents, **options)

    results = asyncio.run(work())
    rows = (output / "items/samples.jsonl").read_text("utf-8").splitlines()
    return results.tasks["samples"], [json.loads(r) for r in rows]


def test_prompt_and_reference_are_neighbours_in_the_document(rules, documents, tmp_path):
    texts = {f"{i}": f"Document {i} tells a story of many words. " * 20 for i in range(20)}
    held_out = documents([(i, "x", t) for i, t in texts.items()])
    task = Samples(count=5, prompt_chars=40, reference_chars=30)
    record, items = run(rules, task, tmp_path / "run", [held_out], seed=1)
    assert len(items) == 5
    for item in items:
        text = texts[item["id"].removeprefix("x/")]
        assert text.startswith(item["prompt"] + item["reference"])
        assert 0 < len(item["prompt"]) <= 40
        assert len(item["reference"]) == 30
        assert item["reference"].startswith(
            " "
        )  # cut at white space, which goes with the next word
        assert item["completion"] == "one"  # the seed reaches the model
    assert record.metrics["stopped"].value == 1
    _, other = run(rules, task, tmp_path / "other", [held_out], seed=2)
    assert [r["id"] for r in other] != [r["id"] for r in items]


def test_given_prompts_need_no_documents(rules, tmp_path):
    task = Samples(prompts=("Hello", "Bye"))
    _, items = run(rules, task, tmp_path / "run")
    assert [(r["prompt"], r["completion"]) for r in items] == [("Hello", "zero"), ("Bye", "zero")]
    block = read_json(tmp_path / "run/sections/20-samples-0.json")["blocks"][0]
    assert block["items"][1]["fields"]["completion"] == "zero"
    with pytest.raises(InputError, match="give --documents"):
        run(rules, Samples(), tmp_path / "none")


def test_documents_too_short_to_cut_are_refused(rules, documents, tmp_path):
    with pytest.raises(InputError, match="long enough"):
        run(rules, Samples(), tmp_path / "run", [documents([("1", "x", "a")])])


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="temperature"):
        Samples(temperature=-1)
