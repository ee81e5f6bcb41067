"""Two answers compared by a rubric, in both orders: verdicts, and with them pairs for DPO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from xgen_core import InputError, Model
from xgen_core.progress import Progress
from xgen_eval.grading import graded_result
from xgen_eval.inputs import Inputs
from xgen_eval.judges.games import Match, game_metrics, play
from xgen_eval.judges.prompted import Prompted, prompt_details, read_prompted
from xgen_eval.judges.rubrics import Rubric, conversation_text, read_rubric, rubric_file
from xgen_eval.task import TaskResult
from xgen_eval.tasks.rubric import RubricTask, Written

__all__ = ["RubricPairs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RubricPairs(RubricTask):
    """Which of two answers is better by one rubric.

    Attributes:
        rubric: by name, or `FILE.toml:NAME`.
        baseline: the other answers, and the prompts of a model that is asked; a file of answers
            whose lines have two each needs none.
    """

    rubric: str = "helpfulness"
    baseline: Path | None = None

    name: ClassVar[str] = "rubric_pairs"
    variant: ClassVar[str] = "both-orders-v1"
    summary: ClassVar[str] = "a judge says which of two answers is better by a rubric"

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """Answers, baseline, a file of rubrics, and what the judge reads from.

        Raises:
            InputError: no answers and no baseline, or no judge, were named.
        """
        if self.answers is None and self.baseline is None:
            raise InputError(
                f"{self.name} compares with other answers: --baseline FILE, or --set "
                f"{self.name}.baseline=FILE"
            )
        given = (self.answers, self.baseline, rubric_file(self.rubric))
        return (*(path for path in given if path is not None), *self.judge_files())

    async def run(self, model: Model, inputs: Inputs, progress: Progress) -> TaskResult:
        """Answer (or read answers), and compare; see `xgen_eval.task.Task`."""
        rubric = read_rubric(self.rubric)
        pairs = await self._pairs(model, inputs, progress)
        played = await play(self, [_match(*pair, rubric) for pair in pairs], inputs)
        judge = next((j.judge for p in played for j in p.judgments), "none")
        return graded_result(
            self.name,
            self.variant,
            [p.graded() for p in played],
            title=f"Preferences by {rubric.name}",
            caption="An answer wins only if it is preferred in both orders; a tie in either, or a "
            "disagreement, is a tie. A pair with a judgment that cannot be read is left out and "
            f"counted (unparsed). Judge {judge}, rubric {rubric.fingerprint}.",
            extra=game_metrics(played),
        )

    async def _pairs(
        self, model: Model, inputs: Inputs, progress: Progress
    ) -> list[tuple[Written, str]]:
        """What is under test, and the other answer."""
        given = self.given(model)
        if given is not None and self.baseline is None:
            rows = read_prompted(given, 2)[: inputs.limit]
            return [(Written(row, row.answers[0], ""), row.answers[1]) for row in rows]
        assert self.baseline is not None
        others = read_prompted(self.baseline, 1)[: inputs.limit]
        if given is None:
            written = await self.write(model, others, inputs, progress)
        else:
            written = _joined(read_prompted(given, 1), others, given, self.baseline)
        return [(w, other.answers[0]) for w, other in zip(written, others, strict=True)]


def _joined(
    rows: Sequence[Prompted], others: Sequence[Prompted], path: Path, baseline: Path
) -> list[Written]:
    """The rows in the order of the others, by id."""
    found = {row.id: row for row in rows}
    for other in others:
        if other.id not in found:
            raise InputError(f"{path}: no line with the id {other.id!r}, which {baseline} has")
        if found[other.id].prompt != other.prompt:
            raise InputError(f"{path} and {baseline}: two prompts have the id {other.id!r}")
    return [Written(found[o.id], found[o.id].answers[0], "") for o in others]


def _match(written: Written, other: str, rubric: Rubric) -> Match:
    row, answer, error = written
    answers = {"answer_b": other} if answer is None else {"answer_a": answer, "answer_b": other}
    return Match(
        id=row.id,
        prompts=None
        if answer is None
        else (rubric.pair(row.prompt, answer, other), rubric.pair(row.prompt, other, answer)),
        details={
            **prompt_details(row.prompt),
            **answers,
            "rubric": rubric.name,
            "rubric_sha256": rubric.fingerprint,
        },
        shown={"prompt": conversation_text(row.prompt), **answers},
        error=error,
    )
