"""A `GrpoRecipe` from beginning to end."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jax

from xgen_core import CapabilityError, Run, Tokenizer
from xgen_core.run import StepLog
from xgen_model import Lora
from xgen_train.chat import open_chat, start_model
from xgen_train.origin import first_params
from xgen_train.recipe import GuardRecipe, OptimizerRecipe
from xgen_train.reinforcement.objective import GroupRelative
from xgen_train.reinforcement.prompts import encode_prompts, read_prompts
from xgen_train.reinforcement.recipe import GrpoRecipe
from xgen_train.reinforcement.reward import load_reward
from xgen_train.reinforcement.rollout import RolloutFeed
from xgen_train.reinforcement.section import reward_section
from xgen_train.rows import check_division, row_width
from xgen_train.session import Session
from xgen_train.trainer import open_mesh

__all__ = ["GrpoResult", "grpo_recipe", "train_grpo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpoResult:
    """How a run ended.

    Attributes:
        run: the run directory.
        checkpoint: the directory that `local:` opens.
        steps: optimizer steps done in all.
        prompts: that were answered.
        dropped: prompts that were not, by reason.
        first_reward: mean reward of the first step.
        reward, kl: of the last step; see `GroupRelative.values`.
    """

    run: Path
    checkpoint: Path
    steps: int
    prompts: int
    dropped: Mapping[str, int]
    first_reward: float
    reward: float
    kl: float


def grpo_recipe(
    prompts: str,
    start: str,
    reward: str,
    *,
    steps: int = 100,
    lora: Lora | None = None,
) -> GrpoRecipe:
    """A recipe for prompts, a model and a reward.

    Of DeepSeekMath (Shao et al. 2024): KL coefficient 0.04, a learning rate of 1e-6, one update for
    each batch of answers. Chosen: 16 prompts with 8 answers each where they have 16 with 64, ten
    times the rate for LoRA, no weight decay, and a guard that refuses only what is not finite,
    because gradients of this kind are zero in one step and large in the next.

    Args:
        prompts: the JSONL file.
        start: the model.
        reward: the function; see `GrpoRecipe`.
        steps: updates in all.
        lora: adapters to train instead of the model.

    Raises:
        XgenError: there is no model.
    """
    model, trained = start_model(start, lora)
    length = min(1024, model.context_length - model.soft_prompt)
    return GrpoRecipe(
        model=model,
        start=start,
        trained=trained,
        prompts=prompts,
        reward=reward,
        steps=steps,
        max_tokens=min(256, length // 2),
        sequence_length=length,
        optimizer=OptimizerRecipe(
            learning_rate=1e-6 if lora is None else 1e-5,
            warmup_steps=0,
            schedule="constant",
            weight_decay=0.0,
        ),
        guard=GuardRecipe(sigmas=0.0),
        checkpoint_every=50,
    )


def train_grpo(
    recipe: GrpoRecipe,
    output: Path | str,
    *,
    tokenizer: Tokenizer | None = None,
    tensorboard: bool | None = None,
) -> GrpoResult:
    """Run a recipe to its end, taking up what an earlier process of the same recipe left.

    Args:
        recipe: the resolved recipe.
        output: the run directory.
        tokenizer: in place of the one beside the weights.
        tensorboard: see `Monitor`.

    Raises:
        InputError: prompts, model or reward are not there or do not fit, the reward fails, or the
            directory holds a run of another recipe.
        CapabilityError: there are several processes.
        DivergedError: the loss is not finite any more.
    """
    if jax.process_count() > 1:
        raise CapabilityError(
            "answers are drawn by one process: run GRPO on the devices of one host"
        )
    reward = load_reward(recipe.reward)
    chat = open_chat(recipe, recipe.template, tokenizer)
    prompts = encode_prompts(
        read_prompts(recipe.prompts),
        chat.template,
        chat.tokenizer,
        max_tokens=recipe.sequence_length - recipe.max_tokens,
    )
    mesh = open_mesh(recipe, recipe.steps)
    width = row_width(prompts.longest + recipe.max_tokens, recipe.sequence_length)
    answers = recipe.batch_prompts * recipe.group
    check_division(mesh.shape, answers // recipe.micro_batches, width + recipe.model.soft_prompt)
    run = Run.create(output, "grpo", recipe)
    checkpoints = chat.checkpoints(run.directory / "checkpoints", recipe, recipe.steps)
    samples = StepLog(run.directory / "samples.jsonl")
    samples.cut(checkpoints.latest() or 0)
    both = f"{prompts.fingerprint} {chat.source.identity}"
    session = Session(
        recipe,
        run,
        mesh,
        feed=RolloutFeed(
            recipe,
            mesh,
            prompts=prompts,
            reward=reward,
            tokenizer=chat.tokenizer,
            origin=lambda: first_params(recipe, mesh),
            samples=samples,
            fingerprint=hashlib.sha256(both.encode()).hexdigest(),
        ),
        objective=GroupRelative(config=recipe.model, clip=recipe.clip, kl=recipe.kl),
        evaluation=None,
        checkpoints=checkpoints,
        origin=lambda: first_params(recipe, mesh),
    )
    try:
        session.run_to_end(tensorboard)
    finally:
        samples.close()
    rows = [row for row in run.metrics.rows() if "reward" in row]
    run.write_section("20-rewards", reward_section(recipe, prompts, rows, samples.rows()))
    return GrpoResult(
        run=run.directory,
        checkpoint=checkpoints.directory,
        steps=recipe.steps,
        prompts=len(prompts.kept),
        dropped=prompts.dropped,
        first_reward=rows[0]["reward"],
        reward=rows[-1]["reward"],
        kl=rows[-1]["kl"],
    )
