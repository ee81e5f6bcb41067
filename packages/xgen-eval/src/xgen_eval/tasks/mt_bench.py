"""MT-Bench (Zheng et al. 2023): a judge rates both turns of open questions from 1 to 10."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from xgen_core import InputError, Model
from xgen_core.progress import Progress
from xgen_core.report import Plot, bar_plot
from xgen_eval.grading import Graded, graded_result, metrics_of, part_metrics
from xgen_eval.inputs import Inputs
from xgen_eval.judges.judge import JudgedTask, Judgment, judged_by
from xgen_eval.judges.prompts import JudgePrompts, read_prompts
from xgen_eval.judges.questions import (
    Conversation,
    Prompting,
    Question,
    converse,
    given_conversations,
    read_answers,
    read_questions,
)
from xgen_eval.judges.repeats import (
    agreement_metric,
    mean_of,
    round_metrics,
    unparsed_metric,
)
from xgen_eval.judges.verdicts import read_rating
from xgen_eval.task import Metric, TaskResult

__all__ = ["MtBench", "MtBenchTask", "Turn"]

_REFERENCED = ("math", "reasoning", "coding")
_UNIT = "of 10"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of a conversation, as it is judged.

    Attributes:
        talk: the conversation.
        number: 1 or 2.
        reference: right answers up to this turn; empty where it is judged without.
    """

    talk: Conversation
    number: int
    reference: tuple[str, ...]

    @property
    def id(self) -> str:
        """Question and turn, `81/1`."""
        return f"{self.talk.question.question_id}/{self.number}"

    @property
    def error(self) -> str:
        """Why the model gave no answer to this turn, or to the one before it."""
        return self.talk.error if len(self.talk.answers) < self.number else ""

    def values(self) -> dict[str, str]:
        """Question and references for a prompt's places, without the answers."""
        turns = self.talk.question.turns
        values = {"question": turns[0]} | {f"question_{i}": t for i, t in enumerate(turns, 1)}
        return values | {f"ref_answer_{i}": text for i, text in enumerate(self.reference, 1)}

    def before(self) -> dict[str, str]:
        """What was said before a second turn, for the page."""
        if self.number == 1 or not self.talk.answers:
            return {}
        return {"before": f"{self.talk.question.turns[0]}\n\n{self.talk.answers[0]}"}

    def shown(self) -> dict[str, str]:
        """What a reader sees of it, before answers and judgments."""
        shown = {"question": self.talk.question.turns[self.number - 1]}
        return shown | ({"reference": self.reference[-1]} if self.reference else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class MtBenchTask(JudgedTask):
    """What rating and comparing share: questions, references, prompts, and how answers come about.

    Attributes:
        questions: file in FastChat's form.
        references: answers to the questions of math, reasoning and coding, in FastChat's form.
        prompts: the judge's prompts in FastChat's form; ours where none are given.
        prompting: `messages`, or `xgen` for FastChat's template of XGen-7B-8K-Inst, which it alone
            strips of a leading "Assistant:".
        max_tokens: longest answer.
        compat: read judgments as FastChat does, by their first match instead of their last.
    """

    questions: Path | None = None
    references: Path | None = None
    prompts: Path | None = None
    prompting: Prompting = "messages"
    max_tokens: int = 1024
    compat: bool = False

    kind: ClassVar[str]

    @property
    def variant(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whose prompts judge, how judgments are read, and who renders what the model is asked."""
        prompts = "own-prompts" if self.prompts is None else "given-prompts"
        reading = "first" if self.compat else "last"
        template = "-xgen-template" if self.prompting == "xgen" else ""
        return f"{self.kind}-{prompts}-{reading}{template}-v1"

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """Questions, references, prompts, and what the judge reads from.

        Raises:
            InputError: no questions or no judge were named.
        """
        if self.questions is None:
            raise InputError(
                f"{self.name} reads questions in FastChat's form: --questions FILE, or --set "
                f"{self.name}.questions=FILE"
            )
        given = (self.questions, self.references, self.prompts, self.answers)
        return (*(path for path in given if path is not None), *self.judge_files())

    async def turns(self, model: Model, inputs: Inputs, progress: Progress) -> list[Turn]:
        """All turns of all questions with the model's answers.

        Raises:
            InputError: a file is not what it should be, or a reference is missing.
            ModelError: more requests failed than may.
        """
        path = self.files(inputs)[0]
        questions = read_questions(path)[: inputs.limit]
        references = {} if self.references is None else read_answers(self.references)
        needed = {q.question_id: self._reference(q, references) for q in questions}
        given = self.given(model)
        if given is not None:
            talks = given_conversations(questions, given)
        else:
            talks = await converse(
                model,
                questions,
                inputs,
                progress,
                prompting=self.prompting,
                max_tokens=self.max_tokens,
            )
        return [
            Turn(
                talk=talk,
                number=number,
                reference=needed[talk.question.question_id][:number],
            )
            for talk in talks
            for number in range(1, len(talk.question.turns) + 1)
        ]

    def read_prompts(self) -> JudgePrompts:
        """The prompts of the file, or our own."""
        return read_prompts(self.prompts)

    def _reference(
        self, question: Question, references: Mapping[int | str, tuple[str, ...]]
    ) -> tuple[str, ...]:
        if question.category not in _REFERENCED:
            return ()
        found = references.get(question.question_id, question.reference)
        if len(found) < len(question.turns):
            where = self.references or self.questions
            raise InputError(
                f"{where}: no reference answer to each turn of question {question.question_id!r} "
                f"({question.category}), which is judged by it: give --references FILE, in the "
                "form of answers"
            )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class MtBench(MtBenchTask):
    """Ratings of one model's answers: the mean over all judged turns, by turn and by category."""

    name: ClassVar[str] = "mt_bench"
    kind: ClassVar[str] = "single"
    summary: ClassVar[str] = "a judge rates answers to two-turn questions from 1 to 10"

    async def run(self, model: Model, inputs: Inputs, progress: Progress) -> TaskResult:
        """Answer (or read answers), judge, and average; see `xgen_eval.task.Task`."""
        prompts = self.read_prompts()
        turns = await self.turns(model, inputs, progress)
        chosen = {
            t.id: prompts.choose("single", reference=bool(t.reference), turn=t.number)
            for t in turns
        }
        judged = await self.ask_judge(
            {t.id: chosen[t.id].render(_values(t)) for t in turns if not t.error}, inputs
        )
        ratings = {
            name: [read_rating(text, first=self.compat) for text in judgment.texts]
            for name, judgment in judged.items()
        }
        items = [
            _graded(
                t,
                {"prompt": chosen[t.id].name, "prompts_sha256": prompts.fingerprint},
                judged.get(t.id),
                ratings.get(t.id, []),
            )
            for t in turns
        ]
        rounds = [r for r in ratings.values() if r]
        scores = _scores(items)
        return graded_result(
            self.name,
            self.variant,
            items,
            title="MT-Bench",
            caption="Ratings from 1 to 10; the mean is over all judged turns, and the turns of a "
            "question are one unit of its standard error. A judgment without a rating is left out "
            f"and counted (unparsed). {judged_by(judged)}, prompts {prompts.fingerprint}.",
            extra=scores
            | unparsed_metric(r for ratings in rounds for r in ratings)
            | round_metrics("score", rounds, _UNIT)
            | agreement_metric(rounds, quadratic=True),
            blocks=_bars(items),
        )


def _values(turn: Turn) -> dict[str, str]:
    answers = turn.talk.answers
    named = {f"answer_{i}": text for i, text in enumerate(answers, 1)}
    return turn.values() | named | {"answer": answers[0]}


def _graded(
    turn: Turn,
    prompt: Mapping[str, str],
    judgment: Judgment | None,
    ratings: Sequence[float | None],
) -> Graded:
    question = turn.talk.question
    scores: dict[str, float] = {}
    mean = mean_of(ratings)
    if mean is not None:
        scores["score"] = mean
    if ratings:
        scores["unparsed"] = sum(r is None for r in ratings) / len(ratings)
    answer = {} if turn.error else {"answer": turn.talk.answers[turn.number - 1]}
    return Graded(
        id=turn.id,
        scores=scores,
        attributes={"category": question.category, "turn": f"turn_{turn.number}"},
        cluster=f"{question.question_id}",
        details={
            "question_id": question.question_id,
            **turn.shown(),
            **answer,
            **prompt,
            **(judgment.details() if judgment else {}),
        },
        shown=turn.before() | turn.shown() | answer | (judgment.shown() if judgment else {}),
        error=turn.error or (judgment.error if judgment else ""),
    )


def _scores(items: Sequence[Graded]) -> dict[str, Metric]:
    """The score of all turns, of each turn, and of each category."""
    found = metrics_of(items) | part_metrics(items, "turn") | part_metrics(items, "category")
    return {
        name: dataclasses.replace(metric, unit=_UNIT)
        for name, metric in found.items()
        if name.split("/")[0] == "score"
    }


def _bars(items: Sequence[Graded]) -> tuple[Plot, ...]:
    found = part_metrics(items, "category")
    rows = [
        {"category": name.partition("/")[2], "score": metric.value}
        for name, metric in found.items()
        if name.startswith("score/")
    ]
    if not rows:
        return ()
    return (
        bar_plot(
            rows=rows,
            x="score",
            y="category",
            x_title="mean rating, of 10",
            description="Mean rating of the answers in each category.",
        ),
    )
