"""What a training run is: model, data, stages, optimizer and bookkeeping, as frozen values.

A recipe names its token store by path and opens nothing, so it can be printed, changed and planned
without the data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from xgen_model import ModelConfig

__all__ = ["MeshShape", "OptimizerRecipe", "StageRecipe", "TrainRecipe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRecipe:
    """One stretch of training at one sequence length and one mixture.

    Attributes:
        sequence_length: tokens in a row.
        steps: optimizer steps.
        weights: share of each source by tokens; empty means in proportion to the sources' sizes.
    """

    sequence_length: int
    steps: int
    weights: Mapping[str, float] = field(default_factory=dict[str, float])

    def __post_init__(self) -> None:
        if self.sequence_length < 1 or self.steps < 1:
            raise ValueError("a stage needs a sequence_length and steps of at least 1")
        if any(w < 0 or not math.isfinite(w) for w in self.weights.values()):
            raise ValueError(f"weights must be finite and not negative: {dict(self.weights)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerRecipe:
    """AdamW, with LLaMA's betas, decay and clip as defaults (XGen's own are unpublished).

    Attributes:
        learning_rate: the peak, reached after `warmup_steps`.
        final_fraction: where the schedule ends, as a fraction of the peak.
        schedule: cosine; `wsd` (warm-up, stable, then linear decay over the last
            `decay_fraction` of all steps); or constant.
        weight_decay: decoupled; on matrices by name, never on norm scales.
        clip_norm: global norm that gradients are clipped to.
    """

    learning_rate: float = 3e-4
    warmup_steps: int = 2000
    schedule: Literal["cosine", "wsd", "constant"] = "cosine"
    final_fraction: float = 0.1
    decay_fraction: float = 0.2
    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-8
    weight_decay: float = 0.1
    clip_norm: float = 1.0

    def __post_init__(self) -> None:
        if self.learning_rate <= 0 or self.clip_norm <= 0 or self.warmup_steps < 0:
            raise ValueError("learning_rate and clip_norm are positive, warmup_steps at least 0")
        if not 0 <= self.final_fraction <= 1 or not 0 < self.decay_fraction <= 1:
            raise ValueError("final_fraction lies in [0, 1] and decay_fraction in (0, 1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshShape:
    """Devices along each axis of `xgen_model.make_mesh`; one may be -1, "the rest"."""

    data: int = 1
    fsdp: int = -1
    sequence: int = 1
    tensor: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRecipe:
    """Everything that decides a training run's numbers.

    Attributes:
        store: token store directory.
        model: the network.
        stages: in order; lengths must not shrink, so that packing never needs to be redone.
        batch_tokens: tokens in every optimizer step of every stage (constant, as in XGen).
        optimizer: see `OptimizerRecipe`.
        mesh: how devices are laid out.
        seed: of initial weights and order of data.
        checkpoint_every: steps between checkpoints; each stage's last step is kept as well.
        keep_last: how many checkpoints to keep besides those at stage edges.
        evaluate_every: steps between held-out evaluations; they also happen at stage edges.
        evaluate_batches: batches of held-out data for each source.
    """

    store: str
    model: ModelConfig
    stages: tuple[StageRecipe, ...]
    batch_tokens: int
    optimizer: OptimizerRecipe = field(default_factory=OptimizerRecipe)
    mesh: MeshShape = field(default_factory=MeshShape)
    seed: int = 0
    checkpoint_every: int = 1000
    keep_last: int = 2
    evaluate_every: int = 1000
    evaluate_batches: int = 8

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError("a recipe needs at least one stage")
        lengths = [s.sequence_length for s in self.stages]
        if lengths != sorted(lengths):
            raise ValueError(f"stage lengths must not shrink, got {lengths}")
        for length in lengths:
            if self.batch_tokens % length:
                raise ValueError(f"batch_tokens {self.batch_tokens} is no multiple of {length}")
            if lengths[-1] % length:
                raise ValueError(f"the longest length {lengths[-1]} is no multiple of {length}")
        if lengths[-1] > self.model.context_length:
            raise ValueError(
                f"a stage of {lengths[-1]} tokens does not fit the model's context_length "
                f"{self.model.context_length}"
            )
        if min(self.checkpoint_every, self.evaluate_every, self.keep_last) < 1:
            raise ValueError("checkpoint_every, evaluate_every and keep_last are at least 1")
        if self.evaluate_batches < 0:
            raise ValueError("evaluate_batches is 0 (no held-out loss) or more")

    @property
    def total_steps(self) -> int:
        """Optimizer steps over all stages."""
        return sum(s.steps for s in self.stages)

    @property
    def edges(self) -> tuple[int, ...]:
        """The step after which each stage ends."""
        ends: list[int] = []
        for stage in self.stages:
            ends.append((ends[-1] if ends else 0) + stage.steps)
        return tuple(ends)
