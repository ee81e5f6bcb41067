"""The published key-value file of Lost in the Middle is read, asked by position, and graded."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import TracebackType
from typing import Self

from xgen_core import Completion, GenerationRequest, ModelInfo
from xgen_eval import evaluate
from xgen_eval.tasks.kv_retrieval import KvRetrieval


class Reader:
    """Reads the first lines of the object, and answers as people do: in a sentence."""

    def __init__(self, lines: int) -> None:
        self.lines = lines
        self.info = ModelInfo(identity=f"reads {lines} lines")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        head, _, key = (request.prompt or "").partition('\n\nKey: "')
        pairs = list(json.loads(head.partition("JSON data:\n")[2]).items())
        value = dict(pairs[: self.lines]).get(key.partition('"')[0], "not there")
        return [Completion(text=f' The value is "{value.upper()}".', finish_reason="stop")]


def test_the_published_objects_are_asked_at_every_position(data: Path, tmp_path: Path) -> None:
    (path,) = (data / "eval" / "lost_in_the_middle").glob("kv-retrieval-75_keys*.jsonl.gz")
    task = KvRetrieval(path=path)
    for lines, first, last in ((75, 1.0, 1.0), (40, 1.0, 0.0)):
        results = asyncio.run(evaluate(Reader(lines), [task], output=tmp_path / f"{lines}")).tasks[
            "kv_retrieval"
        ]
        assert results.items == 500  # 100 objects, five positions
        assert results.metrics["acc"].n == 100
        values = {name: metric.value for name, metric in results.metrics.items()}
        assert (values["acc/0"], values["acc/37"], values["acc/74"]) == (first, 1.0, last)
