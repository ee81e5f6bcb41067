"""MT-Bench questions and answers in FastChat's form, and how a model comes to its answers.

questions   {"question_id", "category", "turns": [TEXT, …], "reference"?: [TEXT, …]}
answers     {"question_id", "model_id"?, "choices": [{"index", "turns": [TEXT, …]}]}; as in
            FastChat's grading, the first choice counts
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from xgen_core import (
    ChatTemplate,
    CodecError,
    GenerationRequest,
    InputError,
    Message,
    Model,
)
from xgen_core.codec import decode
from xgen_core.files import read_jsonl
from xgen_core.progress import Progress
from xgen_core.recipe import fingerprint
from xgen_core.records import Record, Scalar
from xgen_eval.answers import Ask, ask_all
from xgen_eval.inputs import Inputs
from xgen_eval.judges.given import GivenAnswers

__all__ = [
    "FASTCHAT_XGEN",
    "Conversation",
    "Question",
    "answer_lines",
    "converse",
    "read_answers",
    "read_questions",
]

TEMPERATURES: Mapping[str, float] = {
    "writing": 0.7,
    "roleplay": 0.7,
    "extraction": 0.0,
    "math": 0.0,
    "coding": 0.0,
    "reasoning": 0.0,
    "stem": 0.1,
    "humanities": 0.1,
}
"""FastChat's sampling temperatures by category; 0.7 for any other."""

FASTCHAT_XGEN = ChatTemplate(
    name="xgen",
    header=(
        "A chat between a curious human and an artificial intelligence assistant. The assistant "
        "gives helpful, detailed, and polite answers to the human's questions.\n\n\n"
    ),
    prefixes={"user": "### Human: ", "assistant": "### Assistant: "},
    suffixes={"user": "\n", "assistant": "\n"},
    generation_prompt="### Assistant:",
    stop=("<|endoftext|>",),
)
"""How FastChat prompts XGen-7B-8K-Inst: a line feed after header and turns alike."""

_XGEN_LEAD = "Assistant:"
"""What FastChat cuts from the beginning of XGen's answers, and of no other model's."""

Prompting = Literal["messages", "xgen"]
"""Who renders a conversation: the model by its own template, or FastChat's template for XGen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Record):
    """One question of one or two turns.

    Attributes:
        question_id: as in the file.
        category: `"writing"`, `"math"`, …
        turns: what the user says.
        reference: right answers to the turns, where the file has them.
    """

    question_id: int | str
    category: str
    turns: tuple[str, ...]
    reference: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.turns) <= 2 or not all(self.turns):
            raise ValueError(f"a question has 1 or 2 turns with text, got {len(self.turns)}")

    @property
    def temperature(self) -> float:
        """How its answers are sampled."""
        return TEMPERATURES.get(self.category, 0.7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A question with the answers there are: fewer than turns where one failed, with the reason."""

    question: Question
    answers: tuple[str, ...]
    error: str = ""


def read_questions(path: Path) -> list[Question]:
    """All questions of a file.

    Raises:
        InputError: no such file, a line that is no question, none, or one id twice.
    """
    questions = list(read_jsonl(path, _question))
    if not questions:
        raise InputError(f"{path}: no questions in it")
    seen: set[int | str] = set()
    for question in questions:
        if question.question_id in seen:
            raise InputError(f"{path}: two questions have the id {question.question_id!r}")
        seen.add(question.question_id)
    return questions


def read_answers(path: Path) -> dict[int | str, tuple[str, ...]]:
    """Answers to the turns of each question, by question id.

    Raises:
        InputError: no such file, a line that is no answer, none, one question twice, or answers of
            several models.
    """
    answers: dict[int | str, tuple[str, ...]] = {}
    models: set[str] = set()
    for key, model, turns in read_jsonl(path, _answer):
        if key in answers:
            raise InputError(f"{path}: two answers to question {key!r}")
        answers[key] = turns
        models.add(model)
    if not answers:
        raise InputError(f"{path}: no answers in it")
    if len(models) > 1:
        raise InputError(f"{path}: answers of several models: {', '.join(sorted(models))}")
    return answers


async def converse(
    model: Model,
    questions: Sequence[Question],
    inputs: Inputs,
    progress: Progress,
    *,
    prompting: Prompting,
    max_tokens: int,
) -> list[Conversation]:
    """Ask the turns of each question in order, or read what a file of answers has of them.

    A turn that was not answered ends its conversation.

    Raises:
        InputError: a file of answers lacks a question or a turn.
        ModelError: more requests of a turn failed than may.
    """
    if isinstance(model, GivenAnswers):
        given = read_answers(model.path)
        return [_given(question, given, model.path) for question in questions]
    talks = [Conversation(question=q, answers=()) for q in questions]
    for turn in range(max(len(q.turns) for q in questions)):
        asks = {
            i: Ask(id=f"{t.question.question_id}/{turn + 1}", request=request)
            for i, t in enumerate(talks)
            if len(t.answers) == turn < len(t.question.turns)
            for request in [_request(t, inputs.seed, prompting, max_tokens)]
        }
        progress.done = 0
        answered = await ask_all(model, list(asks.values()), inputs, progress)
        for i, answer in zip(asks, answered, strict=True):
            text = answer.text.strip()
            if prompting == "xgen":
                text = text.removeprefix(_XGEN_LEAD).strip()
            found = talks[i].answers if answer.error else (*talks[i].answers, text)
            talks[i] = Conversation(question=talks[i].question, answers=found, error=answer.error)
    return talks


def answer_lines(model: str, rows: Iterable[Mapping[str, Scalar]]) -> Iterator[dict[str, object]]:
    """The answers in FastChat's form, from the rows of an `mt_bench` run.

    `tstamp` is left out, for the same run writes the same bytes; FastChat's grading reads none.
    """
    turns: dict[Scalar, list[Scalar]] = {}
    for row in rows:
        if "answer" in row:
            turns.setdefault(row["question_id"], []).append(row["answer"])
    for key, texts in turns.items():
        yield {
            "question_id": key,
            "answer_id": fingerprint([model, f"{key}", *texts])[:22],
            "model_id": model,
            "choices": [{"index": 0, "turns": texts}],
        }


def _given(
    question: Question, answers: Mapping[int | str, tuple[str, ...]], path: Path
) -> Conversation:
    turns = answers.get(question.question_id, ())
    if len(turns) < len(question.turns):
        raise InputError(
            f"{path}: {len(turns)} answers to question {question.question_id!r}, which has "
            f"{len(question.turns)} turns"
        )
    return Conversation(question=question, answers=turns[: len(question.turns)])


def _request(
    talk: Conversation, seed: int, prompting: Prompting, max_tokens: int
) -> GenerationRequest:
    messages: list[Message] = []
    for i, turn in enumerate(talk.question.turns[: len(talk.answers) + 1]):
        messages.append(Message(role="user", content=turn))
        if i < len(talk.answers):
            messages.append(Message(role="assistant", content=talk.answers[i]))
    temperature = talk.question.temperature
    if prompting == "messages":
        return GenerationRequest(
            messages=tuple(messages), max_tokens=max_tokens, temperature=temperature, seed=seed
        )
    segments = FASTCHAT_XGEN.render(tuple(messages), generate=True)
    return GenerationRequest(
        prompt="".join(segment.text for segment in segments),
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        stop=FASTCHAT_XGEN.stop,
    )


def _question(value: object) -> Question:
    fields = decode(dict[str, object], value)
    known = ("question_id", "category", "turns", "reference")
    return Question.from_json({k: v for k, v in fields.items() if k in known})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice(Record):
    index: int
    turns: tuple[str, ...]


def _answer(value: object) -> tuple[int | str, str, tuple[str, ...]]:
    fields = decode(dict[str, object], value)
    for name in ("question_id", "choices"):
        if name not in fields:
            raise CodecError(f"an answer lacks the field {name!r}")
    choices = decode(tuple[_Choice, ...], fields["choices"], "choices")
    if not choices:
        raise CodecError("choices: there are none")
    key = decode(int | str, fields["question_id"], "question_id")  # pyright: ignore
    return key, f"{fields.get('model_id', '')}", choices[0].turns
