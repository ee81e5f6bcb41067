"""What benchmarks of likelihood share: rows from the data directory, shots, choices, accuracy."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Generic, Literal, TypeVar

from xgen_core import InputError, ModelInfo, ScoringModel
from xgen_core.progress import Progress
from xgen_eval.choices import ChoiceItem, accuracies, chance, choose
from xgen_eval.datasets import DataSet, data_directory
from xgen_eval.grading import graded_result, part_metrics
from xgen_eval.inputs import Inputs
from xgen_eval.questions import QuestionRow, Row
from xgen_eval.task import Metric, TaskResult

__all__ = ["ChoiceBenchmark", "QuestionBenchmark"]

R = TypeVar("R", bound=Row)

_SEED = 1234
"""Of the stream from which examples are drawn, as in lm-evaluation-harness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceBenchmark(Generic[R]):
    """A benchmark whose questions are answered by the likeliest choice.

    A subclass is a frozen dataclass that names its data set and says how a row is asked (`item`).

    Attributes:
        shots: solved examples before each question.
        split: of the data set; empty is its first one.
        shots_from: split of the examples; empty is the benchmark's own.

    Class attributes beside those of a task:
        procedure: the exact way of asking, which `variant` names.
        title, caption: of the section.
        dataset: what is asked.
        shot_split: where examples come from; empty where it is asked without.
        parts: attributes whose values get metrics `NAME/PART`, `finer` those that get `NAME@PART`.
        numbered: ids are numbers of lines, so that rows of equal content are one row.
    """

    shots: int = 0
    split: str = ""
    shots_from: str = ""

    name: ClassVar[str]
    procedure: ClassVar[str]
    summary: ClassVar[str]
    title: ClassVar[str]
    caption: ClassVar[str]
    dataset: ClassVar[DataSet[Any]]
    shot_split: ClassVar[str] = ""
    parts: ClassVar[tuple[str, ...]] = ()
    finer: ClassVar[tuple[str, ...]] = ()
    numbered: ClassVar[bool] = False
    needs: ClassVar[Literal["score", "generate"]] = "score"

    def __post_init__(self) -> None:
        if self.shots < 0:
            raise ValueError(f"shots must not be negative, got {self.shots}")
        if self.shots and not self.shot_split:
            raise ValueError(f"{self.name} is asked without shots, got {self.shots}")

    @property
    def variant(self) -> str:
        """The exact procedure."""
        return self.procedure

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """The questions, and the examples if there are shots."""
        data = data_directory(inputs.data)
        splits = [self._split, self._shots_from] if self.shots else [self._split]
        return tuple(dict.fromkeys(data.file(self.dataset, split) for split in splits))

    async def run(self, model: ScoringModel, inputs: Inputs, progress: Progress) -> TaskResult:
        """Score every choice of every question; see `xgen_eval.task.Task`."""
        self.check(model.info)
        items = self.items(inputs)
        graded = await choose(model, items, progress, self.grade)
        finer = {
            name.replace("/", "@", 1): metric
            for attribute in self.finer
            for name, metric in part_metrics(graded, attribute).items()
        }
        return graded_result(
            self.name,
            self.variant,
            graded,
            extra=finer | self.overall(items),
            parts=self.parts,
            title=self.title,
            caption=self.caption,
        )

    def items(self, inputs: Inputs) -> list[ChoiceItem]:
        """The questions as they are asked, at most `inputs.limit`.

        Raises:
            InputError: the data was not added, is damaged, or has too few examples.
        """
        data = data_directory(inputs.data)
        rows: Sequence[R] = data.read(self.dataset, self._split)
        pool: Sequence[R] = data.read(self.dataset, self._shots_from) if self.shots else ()
        shots = self.choose_shots(rows, pool) if self.shots else [()] * len(rows)
        chosen = list(zip(rows, shots, strict=True))[: inputs.limit]
        return [self.item(row, examples) for row, examples in chosen]

    def check(self, info: ModelInfo) -> None:
        """Refuse a model that the settings do not fit.

        Raises:
            InputError: it does not.
        """

    def item(self, row: R, shots: Sequence[R]) -> ChoiceItem:
        """How one row is asked, after these solved examples."""
        raise NotImplementedError

    def grade(self, item: ChoiceItem, sums: Sequence[float]) -> Mapping[str, float]:
        """Scores of one item from the summed log-probabilities of its choices."""
        return accuracies(item, sums)

    def choose_shots(self, rows: Sequence[R], pool: Sequence[R]) -> list[Sequence[R]]:
        """The solved examples of every row, drawn as lm-evaluation-harness 0.4 draws them.

        One stream goes through all rows in their order, so the first n rows have the same examples
        whatever comes after them. Unless a test split is asked with examples of another split, one
        example more is drawn and the row itself is left out; copies of it are, too.
        """
        stream = Random(_SEED)
        spare = self._split != "test" or self._shots_from == "test"
        self.check_pool(len(pool), self.shots + spare)
        chosen: list[Sequence[R]] = []
        for row in rows:
            drawn = stream.sample(pool, self.shots + spare)
            if spare:
                drawn = [example for example in drawn if not self._same(example, row)]
            if len(drawn) < self.shots:
                others = [example for example in pool if not self._same(example, row)]
                self.check_pool(len(others), self.shots)
                drawn = stream.sample(others, self.shots)
            chosen.append(drawn[: self.shots])
        return chosen

    def check_pool(self, found: int, needed: int, what: str = "") -> None:
        """Refuse a split with too few examples.

        Raises:
            InputError: it has fewer than are needed.
        """
        if found < needed:
            raise InputError(
                f"{self.name} with {self.shots} shots needs {needed} examples{what}, the split "
                f"{self._shots_from} has {found}"
            )

    def overall(self, items: Sequence[ChoiceItem]) -> dict[str, Metric]:
        """Metrics that are not means over items: what guessing gets."""
        return {"chance": chance(items)}

    @property
    def _split(self) -> str:
        return self.split or self.dataset.splits[0]

    @property
    def _shots_from(self) -> str:
        return self.shots_from or self.shot_split

    def _same(self, one: R, other: R) -> bool:
        return (dataclasses.replace(one, id=other.id) if self.numbered else one) == other


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionBenchmark(ChoiceBenchmark[QuestionRow]):
    """A benchmark that asks `query`, and offers each choice after a space."""

    shot_split: ClassVar[str] = "train"

    def query(self, row: QuestionRow) -> str:
        """The question as it is put."""
        raise NotImplementedError

    def item(self, row: QuestionRow, shots: Sequence[QuestionRow]) -> ChoiceItem:
        """Solved examples, each closed by an empty line, then the query."""
        solved = "".join(f"{self.query(s)} {s.choices[s.gold]}\n\n" for s in shots)
        return ChoiceItem(
            id=row.id,
            contexts=(solved + self.query(row),) * len(row.choices),
            continuations=tuple(f" {c}" for c in row.choices),
            choices=row.choices,
            gold=row.gold,
            shots=tuple(s.id for s in shots),
        )
