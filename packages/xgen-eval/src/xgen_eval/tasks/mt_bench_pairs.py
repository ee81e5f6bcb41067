"""MT-Bench, pairwise: a judge decides which of two models answers each turn better."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from xgen_core import InputError, Model
from xgen_core.progress import Progress
from xgen_eval.grading import graded_result, part_metrics
from xgen_eval.inputs import Inputs
from xgen_eval.judges.games import Match, game_metrics, play
from xgen_eval.judges.prompts import JudgePrompts
from xgen_eval.judges.questions import Conversation, given_conversations
from xgen_eval.task import TaskResult
from xgen_eval.tasks.mt_bench import MtBenchTask, Turn

__all__ = ["MtBenchPairs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MtBenchPairs(MtBenchTask):
    """Every turn beside a baseline's, judged in both orders.

    Attributes:
        baseline: answers of the other model in FastChat's form.
    """

    baseline: Path | None = None

    name: ClassVar[str] = "mt_bench_pairs"
    kind: ClassVar[str] = "pair"
    summary: ClassVar[str] = "a judge compares answers to two-turn questions with a baseline's"

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """As of `mt_bench`, and the baseline's answers.

        Raises:
            InputError: no questions, no judge or no baseline were named.
        """
        files = super(MtBenchPairs, self).files(inputs)
        if self.baseline is None:
            raise InputError(
                f"{self.name} compares with a baseline's answers in FastChat's form: --baseline "
                f"FILE, or --set {self.name}.baseline=FILE"
            )
        return (*files, self.baseline)

    async def run(self, model: Model, inputs: Inputs, progress: Progress) -> TaskResult:
        """Answer (or read answers), compare, and count; see `xgen_eval.task.Task`."""
        prompts = self.read_prompts()
        turns = await self.turns(model, inputs, progress)
        questions = list(dict.fromkeys(t.talk.question for t in turns))
        baseline = self.files(inputs)[-1]
        others = {t.question.question_id: t for t in given_conversations(questions, baseline)}
        matches = [_match(t, others[t.talk.question.question_id], prompts) for t in turns]
        played = await play(self, matches, inputs, first=self.compat)
        items = [p.graded() for p in played]
        parts = part_metrics(items, "turn") | part_metrics(items, "category")
        judge = next((j.judge for p in played for j in p.judgments), "none")
        return graded_result(
            self.name,
            self.variant,
            items,
            title="MT-Bench, pairwise",
            caption=f"Turns against those of {baseline.name}. A turn is won only if the answer is "
            "preferred in both orders; a tie in either, or a disagreement, is a tie. A turn with a "
            "judgment that cannot be read is left out and counted (unparsed). "
            f"Judge {judge}, prompts {prompts.fingerprint}.",
            extra={n: m for n, m in parts.items() if n.startswith("win_rate_adjusted/")}
            | game_metrics(played),
        )


def _match(turn: Turn, baseline: Conversation, prompts: JudgePrompts) -> Match:
    question = turn.talk.question
    ours, theirs = turn.talk.answers, baseline.answers
    prompt = prompts.choose("pair", reference=bool(turn.reference), turn=turn.number)
    shown = turn.shown()
    if not turn.error:
        shown |= {"answer": ours[turn.number - 1]}
    shown |= {"baseline": theirs[turn.number - 1]}
    return Match(
        id=turn.id,
        prompts=None
        if turn.error
        else (
            prompt.render(turn.values() | _values(ours, theirs)),
            prompt.render(turn.values() | _values(theirs, ours)),
        ),
        attributes={"category": question.category, "turn": f"turn_{turn.number}"},
        cluster=f"{question.question_id}",
        details={
            "question_id": question.question_id,
            **shown,
            "prompt": prompt.name,
            "prompts_sha256": prompts.fingerprint,
        },
        shown=turn.before() | shown,
        error=turn.error,
    )


def _values(a: tuple[str, ...], b: tuple[str, ...]) -> dict[str, str]:
    values = {"answer_a": a[0], "answer_b": b[0]}
    for name, answers in (("a", a), ("b", b)):
        values |= {f"answer_{name}_{i}": text for i, text in enumerate(answers, 1)}
    return values
