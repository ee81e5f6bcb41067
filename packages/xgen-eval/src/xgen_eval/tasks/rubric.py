"""Answers rated by rubrics: helpfulness, harmlessness, honesty, or the user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from xgen_core import GenerationRequest, InputError, Message, Model
from xgen_core.progress import Progress
from xgen_eval.answers import Ask, ask_all
from xgen_eval.grading import Graded, graded_result
from xgen_eval.inputs import Inputs
from xgen_eval.judges.judge import JudgedTask, Judgment, judged_by
from xgen_eval.judges.prompted import Prompted, prompt_details, read_prompted
from xgen_eval.judges.repeats import (
    agreement_metric,
    mean_of,
    round_metrics,
    unparsed_metric,
)
from xgen_eval.judges.rubrics import Rubric, conversation_text, read_rubric, rubric_file
from xgen_eval.judges.verdicts import read_rating
from xgen_eval.task import Metric, TaskResult

__all__ = ["RubricTask", "Rubrics", "Written"]


class Written(NamedTuple):
    """A prompt with what the model wrote, or why it wrote nothing."""

    row: Prompted
    answer: str | None
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RubricTask(JudgedTask):
    """What rating and comparing by rubrics share.

    Attributes:
        max_tokens: longest answer of a model that is asked.
        temperature: it samples with.
    """

    max_tokens: int = 1024
    temperature: float = 0.0

    async def write(
        self, model: Model, rows: Sequence[Prompted], inputs: Inputs, progress: Progress
    ) -> list[Written]:
        """The model's answers to the prompts."""
        asks = [Ask(id=row.id, request=self._prompt(row.prompt, inputs.seed)) for row in rows]
        answered = await ask_all(model, asks, inputs, progress)
        return [
            Written(row, None if a.error else a.text.strip(), a.error)
            for row, a in zip(rows, answered, strict=True)
        ]

    def _prompt(self, messages: tuple[Message, ...], seed: int) -> GenerationRequest:
        return GenerationRequest(
            messages=messages,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            seed=seed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rubrics(RubricTask):
    """Ratings of answers, one metric for each rubric.

    Attributes:
        rubrics: by name, or `FILE.toml:NAME`.
        prompts: what a model is asked, in the form of `xgen_eval.judges.prompted`; a file of
            answers brings its own.
    """

    rubrics: tuple[str, ...] = ("helpfulness", "harmlessness", "honesty")
    prompts: Path | None = None

    name: ClassVar[str] = "rubric"
    variant: ClassVar[str] = "rating-v1"
    summary: ClassVar[str] = "a judge rates answers by helpfulness, harmlessness, honesty"

    def __post_init__(self) -> None:
        super(Rubrics, self).__post_init__()
        if not self.rubrics or len(set(self.rubrics)) < len(self.rubrics):
            raise ValueError(f"rubrics must be different, and at least one: {self.rubrics}")

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """Answers or prompts, files of rubrics, and what the judge reads from.

        Raises:
            InputError: no answers and no prompts, or no judge, were named.
        """
        source = self.answers or self.prompts
        if source is None:
            raise InputError(
                f"{self.name} needs a file of answers, or prompts for a model: --prompts FILE, or "
                f"--set {self.name}.prompts=FILE"
            )
        files = [path for name in self.rubrics if (path := rubric_file(name)) is not None]
        return tuple(dict.fromkeys((source, *files, *self.judge_files())))

    async def run(self, model: Model, inputs: Inputs, progress: Progress) -> TaskResult:
        """Answer (or read answers), and rate each by each rubric; see `xgen_eval.task.Task`."""
        rubrics = {rubric.name: rubric for rubric in map(read_rubric, self.rubrics)}
        source = self.files(inputs)[0]
        given = self.given(model)
        rows = read_prompted(source, 0 if given is None else 1)[: inputs.limit]
        if given is None:
            written = await self.write(model, rows, inputs, progress)
        else:
            written = [Written(row, row.answers[0], "") for row in rows]
        asked = {
            f"{row.id}#{name}": rubric.single(row.prompt, answer)
            for row, answer, _ in written
            if answer is not None
            for name, rubric in rubrics.items()
        }
        judged = await self.ask_judge(asked, inputs)
        ratings = {
            (w.row.id, name): [
                read_rating(text, lowest=rubric.lowest, highest=rubric.highest)
                for text in judged[f"{w.row.id}#{name}"].texts
            ]
            for w in written
            if w.answer is not None
            for name, rubric in rubrics.items()
        }
        items = [_graded(w, rubrics, judged, ratings) for w in written]
        scales = ", ".join(f"{r.name} {r.lowest} to {r.highest}" for r in rubrics.values())
        return graded_result(
            self.name,
            self.variant,
            items,
            title="Ratings by rubric",
            caption=f"Mean ratings ({scales}). A judgment without a rating is left out and counted "
            f"(unparsed). {judged_by(judged)}.",
            extra=_rounds(rubrics, ratings),
        )


def _graded(
    written: Written,
    rubrics: Mapping[str, Rubric],
    judged: Mapping[str, Judgment],
    ratings: Mapping[tuple[str, str], Sequence[float | None]],
) -> Graded:
    row, answer, error = written
    scores: dict[str, float] = {}
    said: dict[str, str] = {}
    judges: dict[str, str] = {}
    read: list[float | None] = []
    for name in rubrics if answer is not None else ():
        judgment = judged[f"{row.id}#{name}"]
        values = ratings[row.id, name]
        mean = mean_of(values)
        if mean is not None:
            scores[name] = mean
        judges[f"{name}_sha256"] = rubrics[name].fingerprint
        read += values
        said |= {f"{name}_{key}": text for key, text in judgment.shown().items()}
        judges["judge"] = judgment.judge
        error = error or judgment.error
    if read:
        scores["unparsed"] = read.count(None) / len(read)
    answers = {} if answer is None else {"answer": answer}
    return Graded(
        id=row.id,
        scores=scores,
        details={**prompt_details(row.prompt), **answers, **judges, **said},
        shown={"prompt": conversation_text(row.prompt), **answers, **said},
        error=error,
    )


def _rounds(
    rubrics: Mapping[str, Rubric], ratings: Mapping[tuple[str, str], Sequence[float | None]]
) -> dict[str, Metric]:
    metrics = unparsed_metric(r for values in ratings.values() for r in values)
    for name in rubrics:
        rounds = [values for (_, rubric), values in ratings.items() if rubric == name and values]
        metrics |= round_metrics(name, rounds)
        kappa = agreement_metric(rounds, quadratic=True)
        metrics |= {f"kappa/{name}": m for m in kappa.values()}
    return metrics
