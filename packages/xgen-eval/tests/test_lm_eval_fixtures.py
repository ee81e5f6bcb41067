"""What lm-evaluation-harness asked and computed, in a file: `tools/build_eval_fixtures.py`."""

import json
from pathlib import Path

import pytest

FIXTURES = json.loads((Path(__file__).parent / "fixtures" / "lm_eval.json").read_text("utf-8"))


@pytest.mark.parametrize("case", FIXTURES["cases"], ids=lambda case: case["name"])
def test_requests_and_metrics_are_those_of_lm_eval(case, equals_lm_eval):
    harness = {
        name: {
            "requests": [(FIXTURES["contexts"][i], *rest) for i, *rest in found["requests"]],
            "metrics": found["metrics"],
        }
        for name, found in case["harness"].items()
    }
    rows = {name: FIXTURES["rows"][name] for name in harness}
    assert equals_lm_eval(case["task"], case["settings"], rows, harness) == 8


def test_the_fixtures_say_what_made_them():
    assert FIXTURES["lm_eval"] == "0.4.13"
    assert len(FIXTURES["cases"]) >= 20
