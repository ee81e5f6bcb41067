"""Batches of answers by the policy as it is: drawn, judged, and compared inside their groups."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float

from xgen_core import Batch, Tokenizer
from xgen_core.run import StepLog
from xgen_data import Encoded
from xgen_model import (
    ModelConfig,
    Params,
    abstract_params,
    join,
    on_mesh,
    place_batch,
    split,
    token_logprobs,
    trained_mask,
)
from xgen_train.epochs import Epochs
from xgen_train.reinforcement.objective import Rollouts
from xgen_train.reinforcement.prompts import Prompt, Prompts
from xgen_train.reinforcement.recipe import GrpoRecipe
from xgen_train.reinforcement.reward import Reward, rewards_of
from xgen_train.reinforcement.sampler import Drawn, draw_groups, group_seed
from xgen_train.rows import row_width, stack_rows

__all__ = ["RolloutFeed", "advantages"]

Floats = npt.NDArray[np.float32]


def advantages(rewards: Float[np.ndarray, "g n"]) -> tuple[Floats, Floats]:
    """How much better each answer is than its group, in standard deviations of the group.

    Args:
        rewards: of `n` answers to each of `g` prompts.

    Returns:
        Advantages `[g, n]` (0 in a group of equal rewards) and standard deviations `[g]`.
    """
    spread = rewards.std(axis=1)
    # of equal numbers the mean, and so the deviation, may miss 0 by rounding
    spread[np.ptp(rewards, axis=1) == 0] = 0.0
    centred = rewards - rewards.mean(axis=1, keepdims=True)
    safe = np.where(spread > 0, spread, 1.0)[:, None]
    found = np.where(spread[:, None] > 0, centred / safe, 0.0)
    return found.astype(np.float32), spread.astype(np.float32)


class RolloutFeed:
    """Answers to the prompts, in an order of its own each epoch; see `xgen_train.Feed`.

    What a step reads depends on the weights before it, the seed, the step and the prompts.

    Args:
        recipe: of the run.
        mesh: its devices.
        prompts: all of them.
        reward: judges answers.
        tokenizer: from ids to text.
        origin: makes the weights that the run starts from.
        samples: where the first group of each step is written.
        fingerprint: of prompts and start.
    """

    def __init__(
        self,
        recipe: GrpoRecipe,
        mesh: Mesh,
        *,
        prompts: Prompts,
        reward: Reward,
        tokenizer: Tokenizer,
        origin: Callable[[], Params],
        samples: StepLog,
        fingerprint: str,
    ) -> None:
        self._recipe, self._mesh = recipe, mesh
        self._prompts, self._reward, self._tokenizer = prompts.kept, reward, tokenizer
        self._origin, self._samples, self._fingerprint = origin, samples, fingerprint
        self._epochs = Epochs(len(prompts.kept), recipe.batch_prompts, recipe.seed)
        self._width = row_width(prompts.longest + recipe.max_tokens, recipe.sequence_length)
        self._logprobs = _compile_logprobs(recipe.model, mesh)

    @property
    def total_steps(self) -> int:
        """The recipe's."""
        return self._recipe.steps

    @property
    def edges(self) -> tuple[int, ...]:
        """The end."""
        return (self.total_steps,)

    @property
    def fingerprint(self) -> str:
        """Of prompts and start."""
        return self._fingerprint

    def stage(self, step: int) -> int:
        """There is one."""
        return 0

    def tokens_before(self, step: int) -> int:
        """Room for prompts and answers in all steps before; nobody knows yet what will fill it."""
        return step * self._recipe.batch_prompts * self._recipe.group * self._width

    def digest(self, step: int) -> str:
        """Sixteen hex digits of which prompts the step reads."""
        return hashlib.sha256(self._epochs.batch(step).astype("<i8").tobytes()).hexdigest()[:16]

    def sources(self, step: int) -> Sequence[str]:
        """The task of each answer's prompt."""
        tasks = [prompt.example.task for prompt in self._chosen(step)]
        return [task or "prompts" for task in tasks for _ in range(self._recipe.group)]

    def _chosen(self, step: int) -> list[Prompt]:
        return [self._prompts[number] for number in self._epochs.batch(step)]

    def batches(
        self, start: int, part: int, parts: int, params: Callable[[], Params]
    ) -> Iterator[Any]:
        """`Rollouts` of the policy before each step.

        Raises:
            InputError: the reward fails.
        """
        mask = trained_mask(abstract_params(self._recipe.model), self._recipe.trained)
        # what is frozen is the policy's own, so LoRA holds no second model
        first, _ = split(self._origin(), mask)
        for step in range(start, self.total_steps):
            policy = params()
            groups = self._draw(policy, step)
            _, frozen = split(policy, mask)
            yield self._judged(step, groups, join(first, frozen))

    def _draw(self, policy: Params, step: int) -> list[list[Drawn]]:
        recipe, numbers = self._recipe, self._epochs.batch(step).tolist()
        return draw_groups(
            recipe.model,
            policy,
            [self._prompts[number].ids for number in numbers],
            [group_seed(recipe.seed, step, number) for number in numbers],
            group=recipe.group,
            max_tokens=recipe.max_tokens,
            eos_id=self._tokenizer.eos_id,
            rows=recipe.engine_rows,
        )

    def _judged(self, step: int, groups: list[list[Drawn]], reference: Params) -> Rollouts:
        prompts, eos_id = self._chosen(step), self._tokenizer.eos_id
        rewards = np.zeros((len(groups), self._recipe.group))
        for number, (prompt, group) in enumerate(zip(prompts, groups, strict=True)):
            answers = [
                self._tokenizer.decode([i for i in drawn.ids if i != eos_id]) for drawn in group
            ]
            rewards[number] = rewards_of(self._reward, self._recipe.reward, prompt.example, answers)
            if number == 0:
                row = {"id": prompt.example.id, "answers": answers}
                self._samples.append(step + 1, {**row, "rewards": rewards[0].tolist()})
        advantage, spread = advantages(rewards)
        text, old = self._rows(prompts, groups)
        placed = place_batch(self._mesh, text)
        return Rollouts(
            text=text,
            old=old,
            reference=np.asarray(self._logprobs(reference, placed)),
            advantage=advantage.reshape(-1),
            reward=rewards.reshape(-1).astype(np.float32),
            spread=np.repeat(spread, self._recipe.group),
            finished=np.array([g.ids[-1] == eos_id for group in groups for g in group], np.float32),
        )

    def _rows(
        self, prompts: Sequence[Prompt], groups: list[list[Drawn]]
    ) -> tuple[Batch[np.ndarray], Floats]:
        """Prompts and answers as rows, and what the answers' tokens cost when they were drawn."""
        pairs = [(p.ids, d) for p, group in zip(prompts, groups, strict=True) for d in group]
        texts = [
            Encoded(
                np.array([*ids, *drawn.ids], np.uint32),
                np.array([0] * len(ids) + [1] * len(drawn.ids), np.uint8),
            )
            for ids, drawn in pairs
        ]
        text = stack_rows(self._recipe.model, texts, self._width)
        old = np.zeros(text.inputs.shape, np.float32)
        # in a row, the targets that count are the answer's ids in order
        old[text.loss_mask == 1] = np.concatenate([drawn.logprobs for _, drawn in pairs])
        return text, old


def _compile_logprobs(
    config: ModelConfig, mesh: Mesh
) -> Callable[[Params, Batch[jax.Array]], Float[Array, "b t"]]:
    def logprobs(params: Params, batch: Batch[Array]) -> Float[Array, "b t"]:
        return token_logprobs(config, params, batch).logprob

    return on_mesh(mesh, jax.jit(logprobs, out_shardings=NamedSharding(mesh, PartitionSpec())))
