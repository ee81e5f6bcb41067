"""What a dry run counts is what the methods ask when nothing is certain."""

import asyncio
import json

import pytest

from xgen_reason import Question
from xgen_reason.configuration import Configuration
from xgen_reason.planning import plan_questions

CHOICE = Question(id="2", text="Which?", kind="choice", options={"A": "one", "B": "two"})


@pytest.mark.parametrize(
    ("method", "calls"),
    [
        ("standard", 1),
        ("cot", 1),
        ("cot-sc", 5),
        ("verify-edit", 5 + 3 * 2 + 1),
        ("chain-of-knowledge", 5 + 1 + 3 * 2 + 2 + 1),
        ("react", 7 * 2),
        ("cot-sc-react", 21 + 7 * 2),
    ],
)
@pytest.mark.parametrize(
    "question", [Question(id="1", text="Where?"), CHOICE], ids=["short", "choice"]
)
def test_three_steps(tmp_path, method, calls, question):
    rules = tmp_path / "rules.jsonl"
    rules.write_text(json.dumps({"pattern": ".", "replies": ["never asked"]}) + "\n")
    asked = Configuration(model=f"scripted:{rules}", method=method, sources=("paragraphs:",))
    plans = asyncio.run(plan_questions(asked, [question], output=tmp_path / "run"))
    assert plans[0].generate_plan.worst.calls == calls
