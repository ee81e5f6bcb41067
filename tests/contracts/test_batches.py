"""Log-likelihoods of benchmarks do not depend on how many requests a model is handed at once."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from xgen_core import ScoreRequest, ScoringModel
from xgen_core.testing import ByteTokenizer
from xgen_eval.datasets import DataDirectory
from xgen_eval.inputs import Inputs
from xgen_eval.tasks.hellaswag import HellaSwag
from xgen_model import CheckpointStore, ModelConfig, create, open_local

CONFIG = ModelConfig(
    vocab_size=257,
    n_tokens=257,
    d_model=32,
    n_layers=2,
    n_heads=4,
    n_kv_heads=2,
    d_ff=64,
    context_length=192,
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("checkpoint")
    tokenizer = ByteTokenizer()
    store = CheckpointStore.create(directory, CONFIG, tokenizer_fingerprint=tokenizer.fingerprint)
    store.save(0, create(CONFIG, seed=5))
    return directory


def questions(directory: Path) -> list[ScoreRequest]:
    """Choices that share a context, of many lengths; some contexts are longer than the window."""
    rows = [
        {
            "activity_label": "Counting",
            "ctx_a": " ".join(f"number {n}" for n in range(i % 11 + 1)),
            "ctx_b": "then",
            "endings": ["on.", f"to {i} and back.", "another way " * (i % 5 + 1), "é"],
            "label": i % 4,
        }
        for i in range(24)
    ]
    path = directory / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = DataDirectory(directory / "data")
    data.add(HellaSwag.dataset, "validation", [path])
    items = HellaSwag(shots=1, shots_from="validation").items(Inputs(data=data.path))
    return [request for item in items for request in item.requests()]


def test_one_at_a_time_or_sixteen(checkpoint: Path, tmp_path: Path) -> None:
    requests = questions(tmp_path)
    assert max(len(r.context) for r in requests) > CONFIG.context_length

    async def scores(model: ScoringModel, size: int) -> list[float]:
        found = [
            await model.score(requests[start : start + size])
            for start in range(0, len(requests), size)
        ]
        return [score.logprob for part in found for score in part]

    async def work() -> list[list[float]]:
        async with open_local(str(checkpoint), tokenizer=ByteTokenizer()) as model:
            return [await scores(model, size) for size in (1, 16, len(requests))]

    single, sixteen, all_at_once = asyncio.run(work())
    assert len({round(value, 3) for value in single}) > 40
    assert sixteen == pytest.approx(single, abs=1e-5)
    assert all_at_once == pytest.approx(single, abs=1e-5)
