"""The teacher repairs: one failed attempt, one reply, one refinement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xgen_core import Model
from xgen_core.lm.asker import Asker
from xgen_distill.attempt import Attempt, Refinement
from xgen_distill.configuration import Configuration, Sampling
from xgen_distill.similarity import Measure, similarity
from xgen_distill.task import Task
from xgen_distill.teacher.prompts import PROMPTS, RepairPrompt
from xgen_distill.teacher.reading import read_reply

__all__ = ["Teacher", "choose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """A model that repairs attempts.

    Attributes:
        model: entered.
        prompt: how it is asked.
        sampling: of its replies.
        gold_in_context: whether it reads the task's direct solution first.
        seed: of its requests; sample `i` has `seed + i`.
    """

    model: Model
    prompt: RepairPrompt
    sampling: Sampling
    gold_in_context: bool = False
    seed: int = 0

    @classmethod
    def of(cls, configuration: Configuration, model: Model) -> Teacher:
        """The one that a configuration describes."""
        return cls(
            model=model,
            prompt=PROMPTS[configuration.variant],
            sampling=configuration.refinements,
            gold_in_context=configuration.gold_in_context,
            seed=configuration.seed,
        )

    async def refine(self, task: Task, attempt: Attempt, *, sample: int = 0) -> Refinement:
        """One refinement of a failed attempt, not run yet.

        Raises:
            ModelError: the model did not answer.
        """
        (reply,) = await Asker(self.model, seed=self.seed).ask(
            "refine",
            self.prompt.messages(task, attempt, gold=self.gold_in_context),
            max_tokens=self.sampling.max_tokens,
            temperature=self.sampling.temperature,
            top_p=self.sampling.top_p if self.sampling.temperature else 1.0,
            first=sample,
        )
        reading = read_reply(reply.text, task)
        cut = reading.reason and reply.finish_reason == "length"
        return Refinement(
            attempt=attempt.id,
            sample=sample,
            reply=reply.text,
            program=reading.program,
            reason="cut off" if cut else reading.reason,
            similarity=similarity(attempt.program, reading.program) if reading.program else {},
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
        )


def choose(refinements: Sequence[Refinement], closest: Measure) -> list[Refinement]:
    """Mark of each attempt's refinements the passing one that is closest to it.

    Args:
        refinements: run; of any attempts, in any order, which is kept.
        closest: the measure; where it is not known of one, that one comes last. The first sample
            wins a tie.
    """
    best: dict[str, Refinement] = {}
    for one in sorted(refinements, key=lambda r: (-r.similarity.get(closest, -1.0), r.sample)):
        if not one.reason:
            best.setdefault(one.attempt, one)
    chosen = {one.id for one in best.values()}
    return [replace(one, chosen=one.id in chosen) for one in refinements]
