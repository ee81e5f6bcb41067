"""What a run of group relative policy optimisation is, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from xgen_train.recipe import RunRecipe

__all__ = ["GrpoRecipe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpoRecipe(RunRecipe):
    """Everything that decides the numbers of a run, the reward's own code apart.

    `start` is needed: its weights are the reference that the policy is held to.

    Answers are drawn from the policy itself (temperature 1, nothing filtered), one update follows
    each batch of them, and sampling depends on seed, step and prompt alone.

    Attributes:
        prompts: a JSONL file of `xgen_core.Example`; answers at the end of one are not shown to the
            policy, but to the reward.
        reward: the function that judges answers, `module:function` or `file.py:function`; see
            `xgen_train.reinforcement.reward`.
        template: a file with a chat template as JSON, or `xgen` for XGen-7B-Inst's; empty for the
            model's own.
        steps: updates in all; every prompt is read once an epoch, as often as the steps need.
        batch_prompts: prompts in every step.
        group: answers to each prompt, whose mean reward is the baseline.
        max_tokens: the most ids of an answer, its end included.
        sequence_length: the most ids of prompt and answer; prompts that leave less than
            `max_tokens` are dropped, and counted.
        clip: how far the ratio of new to old probability may be from 1 before it stops counting.
        kl: what the divergence from the reference is multiplied by (DeepSeekMath: 0.04).
        engine_rows: answers that are written at one time.
    """

    prompts: str
    reward: str
    template: str = ""
    steps: int
    batch_prompts: int = 16
    group: int = 8
    max_tokens: int = 256
    sequence_length: int
    clip: float = 0.2
    kl: float = 0.04
    engine_rows: int = 16

    def __post_init__(self) -> None:
        RunRecipe.__post_init__(self)
        if not self.start:
            raise ValueError("start names no model, and its weights are the reference")
        if not self.reward:
            raise ValueError("reward names no function: module:function or file.py:function")
        if min(self.steps, self.batch_prompts, self.max_tokens, self.engine_rows) < 1:
            raise ValueError("steps, batch_prompts, max_tokens and engine_rows are at least 1")
        if self.group < 2:
            raise ValueError("a group has at least 2 answers, or there is nothing to compare")
        if self.batch_prompts * self.group % self.micro_batches:
            raise ValueError(
                f"{self.batch_prompts * self.group} answers do not divide into micro_batches "
                f"{self.micro_batches}"
            )
        room = self.model.context_length - self.model.soft_prompt
        if not self.max_tokens < self.sequence_length <= room:
            raise ValueError(
                f"max_tokens {self.max_tokens} < sequence_length {self.sequence_length} <= the "
                f"model's context of {room} does not hold"
            )
        if not 0 < self.clip < 1 or self.kl < 0:
            raise ValueError("clip lies in (0, 1), and kl is not negative")
