"""What every benchmark answered by generation does with requests and failures."""

import pytest

from xgen_core import ModelError
from xgen_eval.tasks.multiplication import Multiplication

TASK = Multiplication(digits=(1,), count=3)


def answer(prompt):
    a, b = prompt.split("\n")[-1].removesuffix(" =").split(" x ")
    return f" {int(a) * int(b)}"


def test_failed_requests_are_said_or_count_as_wrong(doubles, run_task, tmp_path):
    bad = run_task(doubles.Writer(answer), TASK, tmp_path / "right")[1][1]["prompt"]

    def breaks(prompt):
        if prompt == bad:
            raise ModelError("the cable is cut")
        return answer(prompt)

    with pytest.raises(ModelError, match=r"1 of 3 requests failed, the first \(1x1-2\): the cable"):
        run_task(doubles.Writer(breaks), TASK, tmp_path / "run")
    record, rows = run_task(doubles.Writer(breaks), TASK, tmp_path / "run", allow_failures=1)
    assert record.metrics["acc"].value == pytest.approx(2 / 3)
    assert record.metrics["failed"].value == pytest.approx(1 / 3)
    assert (rows[1]["error"], rows[1]["acc"]) == ("the cable is cut", 0)
    assert "answer" not in rows[1]


def test_a_prompt_may_be_sent_as_a_message(doubles, run_task, tmp_path):
    model = doubles.Writer(answer)
    chat = Multiplication(digits=(1,), count=1, chat=True)
    record, rows = run_task(model, chat, tmp_path / "run")
    (request,) = model.requests
    assert request.prompt is None
    assert rows[0]["prompt"] == f"[user]\n{request.messages[0].content}"
    assert record.metrics["acc"].value == 1
    with pytest.raises(ValueError, match="max_tokens"):
        Multiplication(max_tokens=0)
