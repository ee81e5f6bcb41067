"""What is tuned, on how much, and how: the part of a tuning run that no data decide."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from xgen_model import Lora
from xgen_train.recipe import OptimizerRecipe

__all__ = ["Tuning", "tuning_optimizer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How a model is tuned on examples.

    XGen's own hyper-parameters are not published. Batch, epochs, length, learning rate, warm-up and
    cosine are those of WizardLM's LLaMA-7B (70,000 evolved Alpaca items), on whose data the deck
    says XGen-7B-Inst was tuned.

    Attributes:
        start: the model: a run, a checkpoint or a Hugging Face directory.
        length: tokens in a row; no example is longer. 0 for 2,048, or the model's context if that
            is shorter.
        batch: examples in a step, about: rows hold several, and are never cut.
        epochs: passes over all examples together; by weights, each set has its own share of them.
        trained: which parameters, as `xgen_model.trained_mask` takes them; empty for the adapters
            that there are, else all.
        lora: adapters to add.
        prompt_tokens: virtual tokens of a soft prompt; 0 for none.
        prompt_text: text whose tokens' embeddings the virtual tokens begin as, over and over; empty
            for a draw.
        shared_prompt: one soft prompt for all tasks instead of one for each.
        weights: share of tokens by task; empty for shares by examples.
        cap, temperature: of shares by examples, as in T5 (`xgen_data.instruction.Mixture`).
        truncate: examples longer than a row lose their oldest turns instead of being left out.
    """

    start: str
    length: int = 0
    batch: int = 64
    epochs: float = 3.0
    trained: tuple[str, ...] = ()
    lora: Lora | None = None
    prompt_tokens: int = 0
    prompt_text: str = ""
    shared_prompt: bool = False
    weights: Mapping[str, float] = field(default_factory=dict[str, float])
    cap: int = 0
    temperature: float = 1.0
    truncate: bool = False

    def __post_init__(self) -> None:
        if not self.start:
            raise ValueError("tuning begins with a model: start names none")
        if self.batch < 1 or not (math.isfinite(self.epochs) and self.epochs > 0):
            raise ValueError("batch is at least 1, and epochs more than 0")
        if min(self.length, self.prompt_tokens, self.cap) < 0:
            raise ValueError("length, prompt_tokens and cap are not negative")
        if self.prompt_text and not self.prompt_tokens:
            raise ValueError("prompt_text says how a soft prompt begins: give prompt_tokens too")

    @property
    def selection(self) -> tuple[str, ...]:
        """The parameters that are trained: what is named, and fresh adapters always."""
        adapters = ("lora",) * (self.lora is not None) + ("soft_prompt",) * bool(self.prompt_tokens)
        return tuple(dict.fromkeys((*self.trained, *adapters))) or ("all",)


def tuning_optimizer(tuning: Tuning, steps: int) -> OptimizerRecipe:
    """AdamW without decay, two steps of warm-up where there are more, then a cosine to zero.

    Peaks: 2e-5 for weights (WizardLM's); 2e-4 for LoRA (usual for LLaMA-7B, Alpaca-LoRA's); 0.03
    for a soft prompt alone (chosen: Lester et al. 2021 take 0.3 with Adafactor).
    """
    peaks = {("soft_prompt",): 0.03, ("lora",): 2e-4}
    return OptimizerRecipe(
        learning_rate=peaks.get(tuning.selection, 2e-5),
        warmup_steps=min(2, steps - 1),
        schedule="cosine",
        final_fraction=0.0,
        beta2=0.999,
        weight_decay=0.0,
    )
