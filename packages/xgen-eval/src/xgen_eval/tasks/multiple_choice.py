"""Multiple choice from a local JSONL file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, cast

from xgen_core import CodecError, InputError, ScoringModel
from xgen_core.files import read_jsonl
from xgen_core.progress import Progress
from xgen_eval.choices import ChoiceItem, chance, choose
from xgen_eval.grading import graded_result
from xgen_eval.inputs import Inputs, check_text
from xgen_eval.rows import known_fields
from xgen_eval.task import TaskResult

__all__ = ["MultipleChoice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """A line that asks which choice follows the query."""

    query: str
    choices: tuple[str, ...]
    gold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """A line that asks after which context the continuation is likelier (Winogrande's form)."""

    context_options: tuple[str, ...]
    continuation: str
    gold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MultipleChoice:
    """Accuracy on questions in a JSONL file.

    Each line is `{"query": TEXT, "choices": [TEXT, …], "gold": INDEX}`, or
    `{"context_options": [TEXT, …], "continuation": TEXT, "gold": INDEX}`; other fields are ignored.

    Attributes:
        path: the file.
        delimiter: stands between context and choice, and is scored as part of the choice; white
            space at the end of a query is dropped before it.
    """

    path: Path | None = None
    delimiter: str = " "

    name: ClassVar[str] = "multiple_choice"
    variant: ClassVar[str] = "query-choice-v1"
    needs: ClassVar[Literal["score", "generate"]] = "score"
    summary: ClassVar[str] = "accuracy on {query, choices, gold} lines of a local file"

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """The file of questions."""
        if self.path is None:
            raise InputError(f"{self.name} reads a JSONL file: give --set {self.name}.path=FILE")
        return (self.path,)

    async def run(self, model: ScoringModel, inputs: Inputs, progress: Progress) -> TaskResult:
        """Score every choice; see `xgen_eval.task.Task`."""
        (path,) = self.files(inputs)
        items = list(read_jsonl(path, self._parse))[: inputs.limit]
        if not items:
            raise InputError(f"{path}: no questions in it")
        items = [dataclasses.replace(item, id=f"{i}") for i, item in enumerate(items, 1)]
        return graded_result(
            self.name,
            self.variant,
            await choose(model, items, progress),
            extra={"chance": chance(items)},
            title=f"Multiple choice: {path.stem}",
            caption=f"{path.name}; a choice is scored after its query and {self.delimiter!r}.",
        )

    def _parse(self, value: object) -> ChoiceItem:
        if not isinstance(value, Mapping):
            raise CodecError(f"expected an object with query, choices and gold, got {value!r:.60}")
        row = cast("Mapping[str, object]", value)
        if "context_options" in row:
            options = known_fields(_Options, row)
            texts = [options.continuation] * len(options.context_options)
            contexts, gold = options.context_options, options.gold
        else:
            question = known_fields(_Question, row)
            texts, gold = list(question.choices), question.gold
            contexts = (question.query,) * len(texts)
        for text in (*contexts, *texts):
            check_text(text)
        try:
            return ChoiceItem(
                id="line",
                contexts=tuple(c.rstrip() for c in contexts),
                continuations=tuple(self.delimiter + t for t in texts),
                choices=tuple(texts),
                gold=gold,
            )
        except ValueError as error:
            raise CodecError(str(error)) from error
