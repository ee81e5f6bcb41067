import json

import pytest

from xgen_core import InputError
from xgen_eval.datasets import DataDirectory
from xgen_eval.tasks.gsm8k import Gsm8k, flexible_extract, strict_match


@pytest.fixture
def data(tmp_path):
    """Problems n + n, with their reasoning."""
    directory = tmp_path / "data"
    for split, numbers in (("test", range(4)), ("train", range(100, 110))):
        path = tmp_path / f"{split}.jsonl"
        rows = (
            {"question": f"What is {n} plus {n}?", "answer": f"It is twice {n}.\n#### {2 * n:,}"}
            for n in numbers
        )
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        DataDirectory(directory).add(Gsm8k.dataset, split, [path])
    return directory


def solve(prompt):
    n = int(prompt.rpartition("What is ")[2].split()[0])
    return f" It is {n} + {n} = {2 * n}.\n#### {2 * n}"


def test_prompts_have_solved_examples(doubles, data, run_task, tmp_path):
    model = doubles.Writer(solve)
    record, rows = run_task(model, Gsm8k(), tmp_path / "run", data=data)
    assert record.variant == "lm-eval-3.0-5-shot"
    assert record.metrics["strict_match"].value == record.metrics["flexible_extract"].value == 1
    prompt = rows[2]["prompt"]
    assert prompt.endswith("\n\nQuestion: What is 2 plus 2?\nAnswer:")
    assert prompt.count("\n\nQuestion: ") == 5
    assert "Question: What is 103 plus 103?\nAnswer: It is twice 103.\n#### 206\n\n" in prompt
    assert rows[0]["prompt"].rpartition("\n\n")[0] != prompt.rpartition("\n\n")[0]
    assert model.requests[0].stop == ("Question:", "</s>", "<|im_end|>")
    assert (model.requests[0].temperature, rows[0]["attr.steps"]) == (0, 1)
    _, rows = run_task(model, Gsm8k(shots=0), tmp_path / "none", data=data)
    assert rows[2]["prompt"] == "Question: What is 2 plus 2?\nAnswer:"


@pytest.mark.parametrize(
    ("answer", "strict", "flexible"),
    [
        ("so #### 1,234.", 1, 1),
        ("it costs $1,234.00", 0, 0),  # the harness compares texts, not values
        ("it costs $1,234.", 0, 1),
        ("#### 5\n\nQuestion 1234", 0, 1),
        ("#### 1234 of 5", 1, 0),
        ("none", 0, 0),
    ],
)
def test_numbers_are_read_strictly_and_flexibly(
    answer, strict, flexible, doubles, run_task, tmp_path
):
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps({"question": "q", "answer": "r\n#### 1234"}))
    DataDirectory(tmp_path).add(Gsm8k.dataset, "test", [path])
    model = doubles.Writer(lambda prompt: answer)
    record, _ = run_task(model, Gsm8k(shots=0), tmp_path / "run", data=tmp_path)
    values = (record.metrics["strict_match"].value, record.metrics["flexible_extract"].value)
    assert values == (strict, flexible)


def test_extraction_alone():
    assert strict_match("#### -3 #### 4") == "-3"
    assert flexible_extract("5 apples and 12") == "12"
    assert flexible_extract("no") == "[invalid]"


def test_rows_without_a_number_and_missing_shots_are_named(data, doubles, run_task, tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text(json.dumps({"question": "q", "answer": "7"}))
    with pytest.raises(
        InputError, match=r"bad.jsonl:1: not a row of gsm8k: answer: expected '####"
    ):
        DataDirectory(tmp_path).add(Gsm8k.dataset, "test", [path])
    with pytest.raises(InputError, match="train has 10 rows, 11 shots"):
        run_task(doubles.Writer(solve), Gsm8k(shots=11), tmp_path / "run", data=data)
