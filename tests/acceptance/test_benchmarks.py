"""Real benchmark files go through `xgen eval data add` and every task that reads them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from xgen_core import ModelInfo
from xgen_core.command import main
from xgen_core.testing import UnigramModel
from xgen_eval import TaskRecord, evaluate, load_task

FILES = {
    "arc_challenge": ("local_tasks/arc_challenge_first250.jsonl",),
    "boolq": ("local_tasks/boolq_first250.jsonl",),
    "hellaswag": ("hellaswag/hellaswag_first400.jsonl",),
    "openbookqa": ("local_tasks/openbook_qa_first250.jsonl",),
    "piqa": ("piqa/valid_first600.jsonl", "piqa/valid_first600-labels.lst"),
    "truthfulqa_mc": ("truthfulqa/TruthfulQA_v0_2022.csv",),
    "winogrande": ("local_tasks/winogrande_first250.jsonl",),
}
ITEMS = {
    "arc_challenge": 250,
    "boolq": 250,
    "hellaswag": 400,
    "openbookqa": 250,
    "piqa": 600,
    "truthfulqa_mc": 817,
    "winogrande": 250,
}
METRIC = {"truthfulqa_mc": "mc2"}
SUBJECTS = 10
QUESTIONS = 1814


class Endpoint(UnigramModel):
    """Nobody says what its tokenizer is."""

    @property
    def info(self) -> ModelInfo:
        return replace(super().info, tokenizer=None)


def add(store: Path, name: str, files: Sequence[Path], *options: str) -> None:
    """`xgen eval data add`, as a user types it."""
    arguments = ["eval", "data", "add", name, *map(str, files), "--data", str(store), *options]
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert not stop.value.code, arguments


def run(name: str, store: Path, output: Path, **settings: Any) -> tuple[TaskRecord, list[Any]]:
    async def work() -> TaskRecord:
        async with Endpoint(context_length=8192) as model:
            task = replace(load_task(name), **settings)  # pyright: ignore[reportArgumentType]
            return (await evaluate(model, [task], output=output, data=store)).tasks[name]

    record = asyncio.run(work())
    with (output / "items" / f"{name}.jsonl").open(encoding="utf-8") as rows:
        return record, [json.loads(row) for row in rows]


@pytest.mark.parametrize("name", list(FILES))
def test_every_file_is_added_and_scored(name: str, data: Path, tmp_path: Path) -> None:
    add(tmp_path / "data", name, [data / "eval" / file for file in FILES[name]])
    record, rows = run(name, tmp_path / "data", tmp_path / "run")
    assert len(rows) == ITEMS[name]
    metric = record.metrics[METRIC.get(name, "acc")]
    assert 0 < metric.value < 1
    assert metric.stderr
    assert record.files[0].name == f"{name}.{load_task(name).dataset.splits[0]}.jsonl"  # pyright: ignore[reportAttributeAccessIssue]
    clusters = {row.get("cluster", row["id"]) for row in rows}
    assert metric.n == len(clusters)
    if name == "winogrande":
        assert len(clusters) == 200  # 50 of the 250 sentences are the second of a pair


@pytest.mark.parametrize(
    ("settings", "variant"),
    [
        ({"shots": 5}, "letters-v1"),
        ({"shots": 5, "form": "answer_text"}, "answer-text-v1"),
        ({"shots": 5, "form": "original", "tokenizer": "xgen"}, "original-bare-v1"),
    ],
)
def test_mmlu_in_its_three_forms(
    settings: dict[str, Any], variant: str, data: Path, tmp_path: Path
) -> None:
    store = tmp_path / "data"
    for split in ("test", "dev"):
        files = sorted((data / "eval" / "mmlu" / split).glob("*.csv"))
        assert len(files) == SUBJECTS
        add(store, "mmlu", files, "--split", split)
    if variant == "original-bare-v1":
        # a small limit, so that some prompts must leave out shots and others need not
        settings = {**settings, "max_tokens": 600}
    record, rows = run("mmlu", store, tmp_path / "run", **settings)
    assert record.variant == variant
    assert len(rows) == QUESTIONS == record.metrics["acc"].n
    groups = [
        record.metrics[f"acc/{g}"] for g in ("stem", "humanities", "social_sciences", "other")
    ]
    assert sum(group.n for group in groups) == QUESTIONS
    mean = sum(group.value * group.n for group in groups) / QUESTIONS
    assert record.metrics["acc"].value == pytest.approx(mean)
    shots = {len(row.get("shots", "").split()) for row in rows}
    assert shots == ({2, 3, 4, 5} if variant == "original-bare-v1" else {5})
