"""What benchmarks of likelihood share: rows from the data directory, shots, choices, accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

from xgen_core import ScoringModel
from xgen_core.progress import Progress
from xgen_core.records import Record
from xgen_eval.choices import ChoiceItem, accuracies, chance, choose
from xgen_eval.datasets import DataSet, data_directory
from xgen_eval.grading import graded_result
from xgen_eval.inputs import Inputs
from xgen_eval.task import Metric, TaskResult

__all__ = ["ChoiceBenchmark"]

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceBenchmark(Generic[R]):
    """A benchmark whose questions are answered by the likeliest choice.

    A subclass is a frozen dataclass that names its data set and says how a row is asked (`item`).

    Attributes:
        shots: solved examples before each question.
        split: of the data set; empty is its first one.
    """

    shots: int = 0
    split: str = ""

    name: ClassVar[str]
    variant: ClassVar[str]
    summary: ClassVar[str]
    title: ClassVar[str]
    caption: ClassVar[str]
    dataset: ClassVar[DataSet[Any]]
    shot_split: ClassVar[str] = ""
    parts: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[Literal["score", "generate"]] = "score"

    def __post_init__(self) -> None:
        if self.shots < 0:
            raise ValueError(f"shots must not be negative, got {self.shots}")
        if self.shots and not self.shot_split:
            raise ValueError(f"{self.name} is asked without shots, got {self.shots}")

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """The questions, and the examples if there are shots."""
        data = data_directory(inputs.data)
        splits = [self.split or self.dataset.splits[0]]
        splits += [self.shot_split] if self.shots else []
        return tuple(dict.fromkeys(data.file(self.dataset, split) for split in splits))

    async def run(self, model: ScoringModel, inputs: Inputs, progress: Progress) -> TaskResult:
        """Score every choice of every question; see `xgen_eval.task.Task`."""
        items = self.items(inputs)
        return graded_result(
            self.name,
            self.variant,
            await choose(model, items, progress, self.grade),
            extra={"chance": chance(items)} | self.overall(items),
            parts=self.parts,
            title=self.title,
            caption=self.caption,
        )

    def items(self, inputs: Inputs) -> list[ChoiceItem]:
        """The questions as they are asked, at most `inputs.limit`.

        Raises:
            InputError: the data was not added, or is damaged.
        """
        data = data_directory(inputs.data)
        rows: Sequence[R] = data.read(self.dataset, self.split or self.dataset.splits[0])
        pool: Sequence[R] = data.read(self.dataset, self.shot_split) if self.shots else ()
        rows = rows[: inputs.limit]
        return [
            self.item(row, shots)
            for row, shots in zip(rows, self.choose_shots(rows, pool), strict=True)
        ]

    def item(self, row: R, shots: Sequence[R]) -> ChoiceItem:
        """How one row is asked, after these solved examples."""
        raise NotImplementedError

    def choose_shots(self, rows: Sequence[R], pool: Sequence[R]) -> list[Sequence[R]]:
        """The solved examples of every row: the first of the pool."""
        return [pool[: self.shots]] * len(rows)

    def grade(self, item: ChoiceItem, sums: Sequence[float]) -> Mapping[str, float]:
        """Scores of one item from the summed log-probabilities of its choices."""
        return accuracies(item, sums)

    def overall(self, items: Sequence[ChoiceItem]) -> dict[str, Metric]:
        """Metrics that are not means over items."""
        return {}
