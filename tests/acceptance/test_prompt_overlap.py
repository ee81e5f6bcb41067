"""No example in our prompts is an item of a real data set, nor one in other words."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from xgen_eval.metrics import normalize_answer
from xgen_reason import load_prompts
from xgen_reason.prompts.prompt_set import prompt_sets

NEAR = 0.6
"""Share of common words, of all words of both, from which two questions count as one."""


def real_questions(data: Path) -> dict[str, list[str]]:
    """Questions of every file, by its name."""
    reason = data / "reason"
    found = {
        "hotpot_adv": _texts(json.loads((reason / "hotpot_adv/first100.json").read_text("utf-8"))),
        "medmcqa": _texts(json.loads((reason / "cok/medmcqa_medmcqa.json").read_text("utf-8"))),
        "fever": _texts(_lines(reason / "fever/first300_with_sentences.jsonl")),
        "fetaqa": _texts(_lines(reason / "fetaqa/fetaQA-v1_dev.jsonl")),
    }
    qald = json.loads((reason / "sparql/qald_10.json").read_text("utf-8"))
    found["qald"] = [
        text["string"]
        for item in qald["questions"]
        for text in item["question"]
        if text["language"] == "en"
    ]
    rows: list[str] = []
    for path in sorted((data / "eval" / "mmlu").glob("*/*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            rows += [row[0] for row in csv.reader(lines)]
    return {**found, "mmlu": rows}


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _texts(items: list[dict[str, str]]) -> list[str]:
    return [item["question"] for item in items]


def our_questions() -> dict[str, str]:
    """The question of every example, without options, and the stage that shows it."""
    return {
        normalize_answer(shot["question"].partition(" A: ")[0]): f"{name}.{stage}"
        for name in prompt_sets()
        for stage, prompt in load_prompts(name).prompts.items()
        for shot in prompt.shots
        if "question" in shot
    }


@pytest.mark.parametrize("file", ["hotpot_adv", "medmcqa", "fever", "fetaqa", "qald", "mmlu"])
def test_no_example_is_an_item(file: str, data: Path) -> None:
    real = [normalize_answer(text) for text in real_questions(data)[file]]
    assert len(real) >= 100
    words = [set(text.split()) for text in real]
    for question, place in our_questions().items():
        assert question not in real, place
        own = set(question.split())
        for text, theirs in zip(real, words, strict=True):
            near = len(own & theirs) / len(own | theirs)
            assert near < NEAR, f"{place}: {question!r} is nearly {text!r}"
