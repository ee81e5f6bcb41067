"""What a training run is: model, data, stages, optimizer and bookkeeping, as frozen values.

A recipe names its token store by path and opens nothing, so it can be printed, changed and planned
without the data.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal, Self

from xgen_model import ModelConfig

__all__ = [
    "GuardRecipe",
    "MeshShape",
    "MixtureChange",
    "OptimizerRecipe",
    "RunRecipe",
    "StageRecipe",
    "TrainRecipe",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRecipe:
    """One stretch of training at one sequence length and one mixture.

    Attributes:
        sequence_length: tokens in a row.
        steps: optimizer steps.
        weights: share of each source by tokens; empty means in proportion to the sources' sizes.
        packing: `concat` cuts windows from the line as it stands; `best_fit` puts documents
            together so that few are cut.
    """

    sequence_length: int
    steps: int
    weights: Mapping[str, float] = field(default_factory=dict[str, float])
    packing: Literal["concat", "best_fit"] = "concat"

    def __post_init__(self) -> None:
        if self.sequence_length < 1 or self.steps < 1:
            raise ValueError("a stage needs a sequence_length and steps of at least 1")
        _check_weights(self.weights)


@dataclass(frozen=True, slots=True, kw_only=True)
class MixtureChange:
    """Another mixture from a step on, to the end of the stage that the step lies in.

    Nothing is read twice or left out: see `xgen_data.Order.changed`.

    Attributes:
        step: the first step with the new mixture, 0 for the first of all.
        weights: share of each source by tokens.
    """

    step: int
    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        if self.step < 1 or not self.weights:
            raise ValueError("a change of mixture needs a step of at least 1, and weights")
        _check_weights(self.weights)


def _check_weights(weights: Mapping[str, float]) -> None:
    if any(w < 0 or not math.isfinite(w) for w in weights.values()):
        raise ValueError(f"weights must be finite and not negative: {dict(weights)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerRecipe:
    """AdamW, with LLaMA's betas, decay and clip as defaults (XGen's own are unpublished).

    Attributes:
        kind: `adamw`; or `muon` for the matrices inside layers, and AdamW for the rest.
        learning_rate: the peak, reached after `warmup_steps`.
        final_fraction: where the schedule ends, as a fraction of the peak.
        schedule: cosine; `wsd` (warm-up, stable, then linear decay over the last
            `decay_fraction` of all steps); or constant.
        weight_decay: decoupled; on matrices by name, never on norm scales.
        clip_norm: global norm that gradients are clipped to.
        muon_momentum: of Muon's moving average.
    """

    kind: Literal["adamw", "muon"] = "adamw"
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
    muon_momentum: float = 0.95

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
class GuardRecipe:
    """What happens when loss or gradient norm are not finite, or far above what was usual.

    The update of such a step is not applied. After `patience` of them in a row the run goes back to
    the last checkpoint and reads on behind it without `skip_batches` batches (PaLM's remedy, §5.1);
    after `rollbacks` of those it ends with an error.

    Attributes:
        window: steps that "usual" is taken over.
        sigmas: standard deviations above the mean of the window; 0 refuses only what is not finite.
        patience: updates refused in a row before the run goes back.
        rollbacks: how often it goes back in all.
        skip_batches: that are passed over behind the checkpoint, at least up to the refused ones.
    """

    window: int = 128
    sigmas: float = 6.0
    patience: int = 3
    rollbacks: int = 2
    skip_batches: int = 200

    def __post_init__(self) -> None:
        if self.window < 2 or self.sigmas < 0 or self.patience < 1:
            raise ValueError(
                "guard: window is at least 2, sigmas not negative, patience at least 1"
            )
        if self.rollbacks < 0 or self.skip_batches < 0:
            raise ValueError("guard: rollbacks and skip_batches are not negative")


_FREE = ("micro_batches", "checkpoint_every", "keep_last", "keep_every")
"""Fields of `RunRecipe` besides `mesh` that a run may change while it lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecipe:
    """What every kind of training has: model, optimizer, devices and bookkeeping.

    Attributes:
        model: the network, adapters included.
        start: where the first weights come from: a checkpoint, a run or a Hugging Face directory;
            empty for fresh ones.
        trained: which parameters are trained, as `xgen_model.trained_mask` takes them.
        soft_prompt_ids: ids whose embeddings a fresh soft prompt begins as; empty for a draw.
        optimizer: see `OptimizerRecipe`.
        guard: see `GuardRecipe`.
        mesh: how devices are laid out.
        micro_batches: parts that a batch is worked through in; gradients are summed in float32.
        seed: of initial weights and order of data.
        checkpoint_every: steps between checkpoints; each stage's last step is kept as well.
        keep_last: how many checkpoints to keep besides those at stage edges.
        keep_every: steps between checkpoints that are kept for good; 0 for none.
        evaluate_every: steps between held-out evaluations; they also happen at stage edges.
        evaluate_batches: batches of held-out data for each source.
    """

    model: ModelConfig
    start: str = ""
    trained: tuple[str, ...] = ("all",)
    soft_prompt_ids: tuple[int, ...] = ()
    optimizer: OptimizerRecipe = field(default_factory=OptimizerRecipe)
    guard: GuardRecipe = field(default_factory=GuardRecipe)
    mesh: MeshShape = field(default_factory=MeshShape)
    micro_batches: int = 1
    seed: int = 0
    checkpoint_every: int = 1000
    keep_last: int = 2
    keep_every: int = 0
    evaluate_every: int = 1000
    evaluate_batches: int = 8

    def __post_init__(self) -> None:
        at_least_one = (self.checkpoint_every, self.evaluate_every, self.keep_last)
        if min(at_least_one) < 1 or self.micro_batches < 1:
            raise ValueError(
                "checkpoint_every, evaluate_every, keep_last and micro_batches are at least 1"
            )
        if self.evaluate_batches < 0 or self.keep_every < 0:
            raise ValueError("evaluate_batches is 0 (no held-out loss) or more, keep_every too")
        if self.keep_every % self.checkpoint_every:
            raise ValueError(
                f"keep_every {self.keep_every} is no multiple of checkpoint_every "
                f"{self.checkpoint_every}, so nothing would be there to keep"
            )
        if not self.trained:
            raise ValueError("trained names no parameter, so nothing would be learnt")
        if self.soft_prompt_ids and len(self.soft_prompt_ids) != self.model.soft_prompt:
            raise ValueError(
                f"soft_prompt_ids are {len(self.soft_prompt_ids)} for a soft prompt of "
                f"{self.model.soft_prompt} tokens"
            )

    def until(self, step: int) -> Self:
        """The recipe as far as it decides the first `step` steps: a checkpoint belongs to it.

        Devices, micro-batches and what is kept of checkpoints change nothing but rounding.
        """
        usual = {f.name: f.default for f in fields(RunRecipe) if f.name in _FREE}
        return replace(self, mesh=MeshShape(), **usual)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRecipe(RunRecipe):
    """Everything that decides the numbers of a run over a token store.

    Attributes:
        store: token store directory.
        stages: in order; lengths must not shrink, so that packing never needs to be redone.
        changes: of the mixture inside stages, by ascending step.
        batch_tokens: tokens in every optimizer step of every stage (constant, as in XGen).
        max_epochs: passes over a source that the run may make; more is refused, as a budget larger
            than the data; 0 is as many as it takes. Up to four, repeated text is worth nearly as
            much as new text (Muennighoff et al. 2023).
        z_loss: see `LanguageModelling`.
    """

    store: str
    stages: tuple[StageRecipe, ...]
    batch_tokens: int
    changes: tuple[MixtureChange, ...] = ()
    max_epochs: float = 4.0
    z_loss: float = 0.0

    def __post_init__(self) -> None:
        # with slots, super() without arguments would look at another class
        RunRecipe.__post_init__(self)
        if not self.stages:
            raise ValueError("a recipe needs at least one stage")
        self._check_lengths()
        steps = [change.step for change in self.changes]
        if steps != sorted(set(steps)) or any(step >= self.total_steps for step in steps):
            raise ValueError(
                f"changes of the mixture must ascend and lie before step {self.total_steps}, the "
                f"end: {steps}"
            )
        if self.z_loss < 0 or self.max_epochs < 0:
            raise ValueError("z_loss and max_epochs must not be negative")

    def _check_lengths(self) -> None:
        lengths = [s.sequence_length for s in self.stages]
        if lengths != sorted(lengths):
            raise ValueError(f"stage lengths must not shrink, got {lengths}")
        for length in lengths:
            if self.batch_tokens % length:
                raise ValueError(f"batch_tokens {self.batch_tokens} is no multiple of {length}")
            if lengths[-1] % length:
                raise ValueError(f"the longest length {lengths[-1]} is no multiple of {length}")
            if self.batch_tokens // length % self.micro_batches:
                raise ValueError(
                    f"{self.batch_tokens // length} rows of {length} tokens do not divide into "
                    f"micro_batches {self.micro_batches}"
                )
        if lengths[-1] > self.model.context_length:
            raise ValueError(
                f"a stage of {lengths[-1]} tokens does not fit the model's context_length "
                f"{self.model.context_length}"
            )

    @property
    def total_steps(self) -> int:
        """Optimizer steps over all stages."""
        return sum(s.steps for s in self.stages)

    @property
    def edges(self) -> tuple[int, ...]:
        """The step after which each stage ends."""
        return tuple(itertools.accumulate(stage.steps for stage in self.stages))

    def until(self, step: int) -> Self:
        """Without the changes of the mixture that lie ahead, which may still be made."""
        recipe = RunRecipe.until(self, step)
        return replace(recipe, changes=tuple(c for c in self.changes if c.step < step))

    def stage_of(self, step: int) -> int:
        """Number of the stage that a step, 0 for the first, belongs to."""
        return bisect.bisect_right(self.edges, step)
