"""What `xgen data decontaminate` finds is joined to the rows of an evaluation."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from xgen_core import Document
from xgen_core.testing import UnigramModel
from xgen_data.decontamination import Benchmark, Decontaminate, decontaminate, write_report
from xgen_eval import evaluate
from xgen_eval.analysis.contamination import clean_and_dirty, read_findings
from xgen_eval.analysis.items import open_runs
from xgen_eval.datasets import data_directory
from xgen_eval.tasks.arc import ArcChallenge

QUESTIONS = [
    f"Which of the {count} stones that a river carries to its mouth is the {order} one to sink"
    f" when the water slows down near town {order}?"
    for count, order in [(3, "first"), (5, "second"), (7, "third"), (9, "fourth")]
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    raw = tmp_path / "raw.jsonl"
    rows = [
        {
            "id": f"stone_{i}",
            "question": {
                "stem": question,
                "choices": [{"label": x, "text": f"the {x} stone"} for x in "ABCD"],
            },
            "answerKey": "A",
        }
        for i, question in enumerate(QUESTIONS)
    ]
    raw.write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = data_directory(tmp_path / "data")
    data.add(ArcChallenge.dataset, "test", [raw])

    async def work() -> None:
        async with UnigramModel() as model:
            tasks = [ArcChallenge()]
            await evaluate(model, tasks, output=tmp_path / "run", data=tmp_path / "data")

    asyncio.run(work())
    return tmp_path / "run"


@pytest.mark.parametrize("name", ["arc_challenge", "stones"])
def test_items_of_the_stored_file_are_rows(run: Path, tmp_path: Path, name: str) -> None:
    stored = tmp_path / "data/arc_challenge.test.jsonl"
    step = Decontaminate(benchmarks=(Benchmark(name=name, path=str(stored)),))
    documents = [
        Document(id="quotes", text=f"On rivers. {QUESTIONS[2]} They ask it often.", source="web"),
        Document(id="other", text="Stones are heavier than water, so they sink.", source="web"),
    ]
    write_report(tmp_path / "report", decontaminate(documents, step), step)
    (opened,) = open_runs([run])
    items = opened.items("arc_challenge")
    findings = read_findings(tmp_path / "report")
    flagged = findings.flagged(items)
    assert [(row, f.document) for row, f in flagged.items()] == [("stone_2", "quotes")]
    (line,) = clean_and_dirty([items], findings)
    assert (line.flagged, line.items) == (1, 4)
