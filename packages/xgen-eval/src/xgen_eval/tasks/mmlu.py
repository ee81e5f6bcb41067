"""MMLU (Hendrycks et al. 2021): questions of 57 subjects, in the three ways that tables rest on."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Literal

from xgen_core import CodecError, InputError, ModelInfo, Tokenizer, open_tokenizer
from xgen_eval.benchmark import ChoiceBenchmark
from xgen_eval.choices import ChoiceItem, accuracies, accuracy, chance
from xgen_eval.datasets import DataSet, Hub, Raw
from xgen_eval.questions import QuestionRow
from xgen_eval.task import Metric
from xgen_eval.tasks.mmlu_subjects import SUBJECTS

__all__ = ["Mmlu", "MmluRow"]

_LETTERS = ("A", "B", "C", "D")
_SUFFIXES = ("_test", "_dev", "_val")


@dataclass(frozen=True, slots=True, kw_only=True)
class MmluRow(QuestionRow):
    """A question of one subject, with four choices."""

    subject: str

    def __post_init__(self) -> None:
        QuestionRow.__post_init__(self)
        if len(self.choices) != len(_LETTERS):
            raise ValueError(f"expected 4 choices, got {len(self.choices)}")
        if self.subject not in SUBJECTS:
            raise ValueError(f"{self.subject!r} is none of the {len(SUBJECTS)} subjects")


def parse_mmlu(raw: Raw) -> MmluRow:
    """A row of the release (a CSV file a subject, named after it) or of the hub."""
    subject = raw.text("subject") if "subject" in raw.fields else raw.stem
    for suffix in _SUFFIXES:
        subject = subject.removesuffix(suffix)
    if subject not in SUBJECTS:
        raise CodecError(
            f"subject: {subject!r} is none of the {len(SUBJECTS)}; files are named after their "
            "subject, such as astronomy_test.csv"
        )
    if "choices" in raw.fields:
        choices = raw.texts("choices")
    else:
        choices = tuple(raw.text(f"choice{i}") for i in range(len(_LETTERS)))
    answer = raw.value("answer")
    return MmluRow(
        id=f"{subject}/{raw.number}",
        subject=subject,
        question=raw.text("question"),
        choices=choices,
        gold=_LETTERS.index(str(answer)) if answer in _LETTERS else raw.number_of("answer"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mmlu(ChoiceBenchmark[MmluRow]):
    """MMLU; shots come from the subject's dev rows.

    Attributes:
        form: which way of asking.
            "letters": choices in the prompt, their letters scored (lm-evaluation-harness).
            "original": the authors' code of 2021, two spaces after "about" included. Where a prompt
            has more than `max_tokens`, it leaves out shots, the last one first.
            "answer_text": choices in the prompt, and their texts scored (the harness until 2023).
        letter: what is scored for a letter: " A" ("spaced") or "A" ("bare"); empty is the form's
            own. The original code compares the ids of "A" without a space, which in a vocabulary
            like GPT-2's are others than those of " A" in its own shots.
        max_tokens: longest prompt of the original form; 2,048 in its code.
        tokenizer: what counts them, the model's: a name, a directory or `scheme:rest`.
    """

    form: Literal["letters", "original", "answer_text"] = "letters"
    letter: Literal["", "spaced", "bare"] = ""
    max_tokens: int = 2048
    tokenizer: str = ""

    name: ClassVar[str] = "mmlu"
    summary: ClassVar[str] = "questions of 57 subjects, with four groups and the mean over all"
    title: ClassVar[str] = "MMLU"
    caption: ClassVar[str] = (
        "acc is the mean over all questions, and over those of a group; metrics by subject are in "
        "results.json. Where anatomy belongs: the harness says stem, the authors other."
    )
    shot_split: ClassVar[str] = "dev"
    parts: ClassVar[tuple[str, ...]] = ("group",)
    finer: ClassVar[tuple[str, ...]] = ("subject",)
    dataset: ClassVar[DataSet[MmluRow]] = DataSet(
        name="mmlu",
        row=MmluRow,
        parse=parse_mmlu,
        splits=("test", "dev", "validation"),
        columns=("question", "choice0", "choice1", "choice2", "choice3", "answer"),
        hub=Hub(
            path="cais/mmlu",
            configurations=tuple(sorted(SUBJECTS)),
            splits={"test": "test", "dev": "dev", "validation": "validation"},
        ),
        about="hendrycks/test, MIT",
    )

    def __post_init__(self) -> None:
        ChoiceBenchmark.__post_init__(self)
        if self.form not in ("letters", "original", "answer_text"):
            raise ValueError(f"form is letters, original or answer_text, got {self.form!r}")
        if self.letter not in ("", "spaced", "bare"):
            raise ValueError(f"letter is spaced or bare, got {self.letter!r}")
        if self.letter and self.form == "answer_text":
            raise ValueError("the form answer_text scores no letters")
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens must be at least 1, got {self.max_tokens}")

    @property
    def variant(self) -> str:
        """`letters-v1`, `original-bare-v1`, `answer-text-v1`, or the same with the other letter."""
        if self.form == "answer_text":
            return "answer-text-v1"
        usual = self.form == "letters" and not self._bare
        return "letters-v1" if usual else f"{self.form}-{'bare' if self._bare else 'spaced'}-v1"

    def check(self, info: ModelInfo) -> None:
        """Prompts are counted with the model's own tokenizer."""
        if self.form != "original" or not self.tokenizer or info.tokenizer is None:
            return
        if _open(self.tokenizer).fingerprint != info.tokenizer:
            raise InputError(
                f"mmlu.tokenizer={self.tokenizer} is not the tokenizer of {info.identity}, whose "
                "prompts it should count"
            )

    def choose_shots(
        self, rows: Sequence[MmluRow], pool: Sequence[MmluRow]
    ) -> list[Sequence[MmluRow]]:
        """The first dev rows of the subject; the form answer_text draws them as its code did."""
        by_subject: dict[str, list[MmluRow]] = {}
        for row in pool:
            by_subject.setdefault(row.subject, []).append(row)
        for subject in dict.fromkeys(row.subject for row in rows):
            found = len(by_subject.get(subject, ()))
            self.check_pool(found, self.shots, f" of {subject}")
        if self.form == "answer_text":
            return self._drawn(rows, by_subject)
        return [by_subject[row.subject][: self.shots] for row in rows]

    def item(self, row: MmluRow, shots: Sequence[MmluRow]) -> ChoiceItem:
        """The description of the subject, shots, the question, and letters or texts."""
        prompt = self._prompt(row, shots)
        while self.form == "original" and shots and not self._fits(prompt):
            shots = shots[:-1]
            prompt = self._prompt(row, shots)
        texts = row.choices if self.form == "answer_text" else _LETTERS
        space = "" if self._bare else " "
        stem = self.form == "letters" and row.subject == "anatomy"
        return ChoiceItem(
            id=row.id,
            contexts=(prompt,) * len(texts),
            continuations=tuple(f"{space}{text}" for text in texts),
            choices=texts,
            gold=row.gold,
            shots=tuple(s.id for s in shots),
            attributes={
                "subject": row.subject,
                "group": "stem" if stem else SUBJECTS[row.subject],
            },
        )

    def grade(self, item: ChoiceItem, sums: Sequence[float]) -> Mapping[str, float]:
        """Letters are alike in length: only texts have an acc_norm."""
        return (accuracies if self.form == "answer_text" else accuracy)(item, sums)

    def overall(self, items: Sequence[ChoiceItem]) -> dict[str, Metric]:
        """What guessing gets, and how many subjects there are: a part of them is another test."""
        count = len({item.attributes["subject"] for item in items})
        subjects = Metric(value=float(count), n=count, unit=f"of {len(SUBJECTS)}")
        return {"chance": chance(items), "subjects": subjects}

    @property
    def _bare(self) -> bool:
        return (self.letter or {"original": "bare"}.get(self.form, "spaced")) == "bare"

    def _prompt(self, row: MmluRow, shots: Sequence[MmluRow]) -> str:
        solved = "".join(f"{self._query(s)} {self._answer(s)}\n\n" for s in shots)
        if self.form == "answer_text":
            return solved + self._query(row)
        space = "  " if self.form == "original" else " "
        about = row.subject.replace("_", " ")
        return (
            f"The following are multiple choice questions (with answers) about{space}{about}.\n\n"
            f"{solved}{self._query(row)}"
        )

    def _query(self, row: MmluRow) -> str:
        listed = "".join(
            f"\n{letter}. {text}" for letter, text in zip(_LETTERS, row.choices, strict=True)
        )
        if self.form == "answer_text":
            return f"Question: {row.question}\nChoices:{listed}\nAnswer:"
        question = row.question.strip() if self.form == "letters" else row.question
        return f"{question}{listed}\nAnswer:"

    def _answer(self, row: MmluRow) -> str:
        return row.choices[row.gold] if self.form == "answer_text" else _LETTERS[row.gold]

    def _fits(self, prompt: str) -> bool:
        # a token is at least one byte
        if len(prompt.encode("utf-8")) < self.max_tokens:
            return True
        if not self.tokenizer:
            raise InputError(
                "the original form counts the tokens of long prompts: give the model's tokenizer, "
                "--set mmlu.tokenizer=NAME or a directory"
            )
        tokenizer = _open(self.tokenizer)
        count = len(tokenizer.encode(prompt)) + (tokenizer.bos_id is not None)
        return count <= self.max_tokens

    def _drawn(
        self, rows: Sequence[MmluRow], by_subject: Mapping[str, Sequence[MmluRow]]
    ) -> list[Sequence[MmluRow]]:
        """As the harness of 2023 (v0.3): a subject's questions shuffled, each drawing in turn."""
        numbers: dict[str, list[int]] = {}
        for i, row in enumerate(rows):
            numbers.setdefault(row.subject, []).append(i)
        chosen: list[Sequence[MmluRow]] = [()] * len(rows)
        for subject, own in numbers.items():
            stream = Random(42)
            stream.shuffle(own)
            for i in own:
                chosen[i] = stream.sample(by_subject[subject], self.shots)
        return chosen


@functools.lru_cache(maxsize=1)
def _open(uri: str) -> Tokenizer:
    return open_tokenizer(uri)
