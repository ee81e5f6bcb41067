"""Questions over several documents (Lost in the Middle, Liu et al. 2023), by the right one's place.

Only the paper's oracle file (question, answers, the one document with the answer) is needed. The
other documents are synthesised: documents of other questions that do not hold an answer. They are
easier to tell apart than the paper's, which a retriever found in all of Wikipedia, so figures are
not comparable with the published ones; the variant says what the distractors are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from xgen_core import CodecError, InputError
from xgen_core.records import Record, Scalar
from xgen_core.report import Block
from xgen_eval.answers import Answered, Ask
from xgen_eval.curves import curve
from xgen_eval.datasets import DataSet, Raw, data_directory
from xgen_eval.generation import GenerationBenchmark
from xgen_eval.grading import Graded
from xgen_eval.inputs import Inputs
from xgen_eval.metrics import best_subspan_em, normalize_answer
from xgen_eval.seeded.draws import integer
from xgen_eval.seeded.overlap import WordIndex
from xgen_eval.seeded.positions import check_positions, position_metrics
from xgen_eval.task import Metric

__all__ = ["MultidocQa", "OracleRow", "qa_prompt"]

_PROMPT = (
    "Write a high-quality answer for the given question using only the provided search results "
    "(some of which might be irrelevant).\n\n{documents}\n\n"
)
_QUESTION = "Question: {question}\nAnswer:"
_TRIES = 50
"""Random draws for each document wanted; more than enough unless there are too few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleRow(Record):
    """A question, its answers, and the document that has one."""

    id: str
    question: str
    answers: tuple[str, ...]
    title: str
    text: str


def parse_oracle(raw: Raw) -> OracleRow:
    """A row of `nq-open-oracle.jsonl`: `question`, `answers`, `ctxs` with the gold document."""
    answers, documents = raw.value("answers"), raw.value("ctxs")
    if not isinstance(answers, list) or not answers or not all(isinstance(a, str) for a in answers):
        raise CodecError(f"answers: expected a list of texts, got {answers!r:.60}")
    if not isinstance(documents, list) or not all(isinstance(d, Mapping) for d in documents):
        raise CodecError(f"ctxs: expected a list of documents, got {documents!r:.60}")
    gold = [d for d in documents if d.get("isgold", len(documents) == 1)]
    if len(gold) != 1:
        raise CodecError(f"ctxs: expected one document with isgold, got {len(gold)}")
    document = Raw(fields=gold[0], stem=raw.stem, number=raw.number)
    return OracleRow(
        id=f"{raw.number}",
        question=raw.text("question"),
        answers=tuple(answers),
        title=document.text("title"),
        text=document.text("text"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MultidocQa(GenerationBenchmark):
    """Every question is asked with its document at each position, with it alone, and without any.

    Attributes:
        documents: in a prompt, the right one included.
        distractors: `overlap` takes those that share most words with the question (rare words
            count more), the most alike first; `random` draws them.
        positions: of the right one, from 0; empty is the paper's 0, 4, 9, 14, … below `documents`.
    """

    documents: int = 20
    distractors: Literal["overlap", "random"] = "overlap"
    positions: tuple[int, ...] = ()
    max_tokens: int = 100

    name: ClassVar[str] = "multidoc_qa"
    procedure: ClassVar[str] = "liu-2023-v1"
    summary: ClassVar[str] = "questions over many documents, by the right one's place"
    title: ClassVar[str] = "Questions over documents by position"
    caption: ClassVar[str] = (
        "best_subspan_em: an answer stands in the first line written. Distractors are documents "
        "of other questions (synthesised). closed_book: no document; oracle: the "
        "right one alone. Each question is asked in all these ways (clusters)."
    )
    parts: ClassVar[tuple[str, ...]] = ("position",)
    dataset: ClassVar[DataSet[OracleRow]] = DataSet(
        name="nq_oracle",
        row=OracleRow,
        parse=parse_oracle,
        about="nelson-liu/lost-in-the-middle qa_data/nq-open-oracle.jsonl.gz; CC BY-SA 3.0",
    )

    def __post_init__(self) -> None:
        GenerationBenchmark.__post_init__(self)
        if self.documents < 2:
            raise ValueError(f"documents must be at least 2, got {self.documents}")
        check_positions(self.positions, self.documents)

    @property
    def variant(self) -> str:
        """The procedure, and that the distractors are not the paper's."""
        return f"{self.procedure}-synthesised-{self.distractors}"

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """The oracle file."""
        return (data_directory(inputs.data).file(self.dataset, "test"),)

    def asks(self, inputs: Inputs) -> list[Ask]:
        """Every question in every way; `inputs.limit` counts questions."""
        rows = data_directory(inputs.data).read(self.dataset, "test")
        positions = self.positions or tuple(sorted({0, *range(4, self.documents, 5)}))
        index = WordIndex([f"{row.title} {row.text}" for row in rows])
        asks: list[Ask] = []
        for row in rows[: inputs.limit]:
            if self.distractors == "overlap":
                order = index.ranked(row.question)
            else:
                order = _drawn(len(rows), inputs.seed, row.id, _TRIES * self.documents)
            others = self._distractors(row, [rows[number] for number in order])
            asks.append(self._ask(row, "closed_book", []))
            asks.append(self._ask(row, "oracle", [row]))
            asks.extend(
                self._ask(row, "documents", [*others[:p], row, *others[p:]], p) for p in positions
            )
        return asks

    def grade(self, answered: Answered) -> Mapping[str, float]:
        """Best-subspan EM, under a name of its own without documents and with the right one."""
        setting = answered.ask.attributes["setting"]
        name = "best_subspan_em" if setting == "documents" else f"{setting}"
        return {name: best_subspan_em(answered.text, answered.ask.references)}

    def overall(self, items: Sequence[Graded]) -> dict[str, Metric]:
        """Paired differences between positions."""
        return position_metrics(items, "best_subspan_em")

    def blocks(self, items: Sequence[Graded]) -> Sequence[Block]:
        """The curve by position."""
        return (
            curve(
                items,
                ("best_subspan_em",),
                "position",
                x_title=f"position of the right document among {self.documents}",
                caption="Closed book and oracle stand in the table.",
            ),
        )

    def _ask(
        self,
        row: OracleRow,
        setting: str,
        documents: Sequence[OracleRow],
        position: int | None = None,
    ) -> Ask:
        attributes: dict[str, Scalar] = {"setting": setting}
        if position is not None:
            attributes |= {"position": position, "documents": self.documents}
        return Ask(
            id=f"{row.id}@{setting if position is None else position}",
            request=self.request(qa_prompt(row.question, documents)),
            references=row.answers,
            attributes=attributes,
            cluster=row.id,
        )

    def _distractors(self, row: OracleRow, candidates: Sequence[OracleRow]) -> list[OracleRow]:
        """The first documents of other titles that do not have an answer."""
        answers = [normalize_answer(answer) for answer in row.answers]
        wanted = self.documents - 1
        found: dict[str, OracleRow] = {}
        for other in candidates:
            holds = normalize_answer(f"{other.title} {other.text}")
            if other.title != row.title and not any(answer in holds for answer in answers):
                found.setdefault(other.title, other)
            if len(found) == wanted:
                return list(found.values())
        raise InputError(
            f"{self.dataset.name}: too few documents without an answer to question {row.id} "
            f"({len(found)} of {wanted}, {self.distractors}): lower {self.name}.documents or add "
            "more rows"
        )


def _drawn(below: int, seed: int, question: str, count: int) -> list[int]:
    return [integer(below, seed, "distractor", question, draw) for draw in range(count)]


def qa_prompt(question: str, documents: Sequence[OracleRow]) -> str:
    """The paper's prompt; without documents its closed-book one."""
    asked = _QUESTION.format(question=question)
    if not documents:
        return asked
    lines = (f"Document [{i}](Title: {d.title}) {d.text}" for i, d in enumerate(documents, 1))
    return _PROMPT.format(documents="\n".join(lines)) + asked
