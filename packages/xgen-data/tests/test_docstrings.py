import json
from pathlib import Path

from click.testing import CliRunner

from xgen_data.cli import data
from xgen_data.instruction import read_examples
from xgen_data.instruction.docstrings import docstring_examples
from xgen_data.steps import Drop


def test_what_a_function_does_is_answered_by_its_docstring() -> None:
    found = {example.id.partition(":")[0]: example for example in docstring_examples()}
    example = found["dataclasses.is_dataclass"]
    question, answer = example.messages
    assert question.content == "What does dataclasses.is_dataclass(obj) do?"
    assert answer.content == "Returns True if obj is a dataclass or an instance of a dataclass."
    assert [message.trained for message in example.messages] == [False, True]
    assert example.task == "dataclasses"
    assert not any(part.startswith("_") for e in found.values() for part in e.task.split("."))


def test_the_command_writes_examples_that_are_read_back(tmp_path: Path) -> None:
    file = tmp_path / "new" / "docstrings.jsonl"
    done = CliRunner().invoke(data, ["docstrings", "--output", str(file)])
    assert done.exit_code == 0, done.output
    count = len(file.read_text().splitlines())
    assert f"{count:,} examples" in done.output
    assert count > 1000
    items = list(read_examples(file))
    assert not any(isinstance(item, Drop) for item in items)
    assert items[0].to_json() == json.loads(file.read_text().splitlines()[0])
