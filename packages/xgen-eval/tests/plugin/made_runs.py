"""Run directories with rows that a test chose, made as any evaluation makes them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from eval_doubles import ByteModel, unigram

from xgen_core.report import Text
from xgen_eval import Metric, TaskResult, evaluate
from xgen_eval.grading import Graded, graded_result

GIVEN: dict[str, Sequence[Graded]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A task whose items are given in `GIVEN`, so that they are no setting; it asks no model."""

    name: str
    data: Path
    variant: str = "v1"
    shots: int = 0
    parts: tuple[str, ...] = ()
    extra: Mapping[str, Metric] = field(default_factory=dict)
    needs = "generate"
    summary = "given items"

    def files(self, inputs) -> tuple[Path, ...]:
        return (self.data,)

    async def run(self, model, inputs, progress) -> TaskResult:
        return graded_result(
            self.name,
            self.variant,
            GIVEN[self.name],
            title=self.name,
            caption="given",
            parts=self.parts,
            extra=self.extra,
            blocks=(Text(text="given"),),
        )


class MadeRuns:
    """Makes run directories below a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def run(
        self,
        name: str,
        tasks: Mapping[str, Sequence[Graded]],
        *,
        data: str = "questions",
        seed: int = 0,
        **settings,
    ) -> Path:
        """A finished run; `settings` are fields of `Made`."""
        file = self.directory / f"{data}.jsonl"
        file.write_text(data)
        GIVEN.update(tasks)
        made = [Made(name=task, data=file, **settings) for task in tasks]
        model = ByteModel(unigram, identity=f"model-{name}")
        asyncio.run(evaluate(model, made, output=self.directory / name, seed=seed))
        return self.directory / name


def right_wrong(pattern: str, **fields) -> list[Graded]:
    """Items that are right where the pattern has a 1: ids q0, q1, …"""
    return [Graded(id=f"q{i}", scores={"acc": float(c)}, **fields) for i, c in enumerate(pattern)]


def scored(
    values: Sequence[float], metric: str = "f1", clusters: Sequence[str] = ()
) -> list[Graded]:
    """Items with a score each: ids q0, q1, …"""
    return [
        Graded(id=f"q{i}", scores={metric: v}, cluster=clusters[i] if clusters else "")
        for i, v in enumerate(values)
    ]
