import json

import pytest
from click.testing import CliRunner

from xgen_core import ChatTemplate, InputError
from xgen_data import TokenStore
from xgen_data.cli import data


@pytest.fixture
def alpaca(tmp_path):
    rows = [
        {"instruction": f"What is {i} plus one?", "input": "", "output": f"It is {i + 1}."}
        for i in range(80)
    ]
    rows.append({"instruction": "Say nothing.", "input": "", "output": ""})
    path = tmp_path / "alpaca.json"
    path.write_text(json.dumps(rows))
    return path


def run(*arguments):
    return CliRunner().invoke(data, [str(a) for a in arguments])


def test_from_a_published_file_to_a_store(alpaca, tmp_path):
    result = run("instruct", alpaca, "-o", tmp_path / "i", "--fraction", "0.2", "--json")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["files"][0]["read"] == 81
    template = ChatTemplate(
        name="t", prefixes={"user": "U:", "assistant": "A:"}, suffixes={"assistant": "<end>"}
    )
    (tmp_path / "t.json").write_text(json.dumps(template.to_json()))
    arguments = ["encode", tmp_path / "i", "-o", tmp_path / "s", "--tokenizer", "bytes:"]
    result = run(*arguments, "--template", tmp_path / "t.json", "--json")
    assert result.exit_code == 0, result.output
    rows = {row["split"]: row for row in json.loads(result.stdout)["tokens"]}
    assert rows["train"]["documents"] + rows["validation"]["documents"] <= 80
    assert rows["validation"]["documents"] > 5
    store = TokenStore.open(tmp_path / "s")
    assert store.line("train", "i").masked
    result = run(*arguments)
    assert isinstance(result.exception, InputError)
    assert "has no chat template: give --template FILE" in str(result.exception)


def test_the_plain_output(alpaca, tmp_path):
    result = run("instruct", alpaca, "-o", tmp_path / "i")
    assert "alpaca.json: 81 read" in result.output
    assert "dropped 1: " in result.output
    assert "train.jsonl: " in result.output
