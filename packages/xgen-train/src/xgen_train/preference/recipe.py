"""What a run of direct preference optimisation is, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xgen_train.recipe import RunRecipe

__all__ = ["DpoRecipe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DpoRecipe(RunRecipe):
    """Everything that decides the numbers of a run over pairs of answers.

    `start` is needed: its weights are the reference that the policy is held to.

    Attributes:
        pairs: a JSONL file of `xgen_core.Preference`, by people or judges.
        template: a file with a chat template as JSON, or `xgen` for XGen-7B-Inst's; empty for the
            model's own.
        sequence_length: the most ids that a prompt with one of its answers may have; pairs with a
            longer side are dropped, and counted.
        batch_pairs: pairs in every step.
        epochs: how often each pair is read.
        loss: `dpo` is the logistic loss of the margin, `ipo` the squared one (Azar et al. 2023),
            which has a finite best margin of 1 / (2 · beta).
        beta: how strongly the policy is held to the reference (Rafailov et al.: 0.1).
        label_smoothing: chance that a pair is the wrong way round (Mitchell 2023); `dpo` only.
        length_normalised: log-probabilities are means over an answer's tokens, not sums.
        hold_out: share of the prompts whose pairs are measured and not trained on.
    """

    pairs: str
    template: str = ""
    sequence_length: int
    batch_pairs: int = 64
    epochs: int = 1
    loss: Literal["dpo", "ipo"] = "dpo"
    beta: float = 0.1
    label_smoothing: float = 0.0
    length_normalised: bool = False
    hold_out: float = 0.0

    def __post_init__(self) -> None:
        RunRecipe.__post_init__(self)
        if not self.start:
            raise ValueError("start names no model, and its weights are the reference")
        if min(self.batch_pairs, self.epochs) < 1:
            raise ValueError("batch_pairs and epochs are at least 1")
        if self.batch_pairs % self.micro_batches:
            raise ValueError(
                f"{self.batch_pairs} pairs do not divide into micro_batches {self.micro_batches}"
            )
        if not 2 <= self.sequence_length <= self.model.context_length - self.model.soft_prompt:
            raise ValueError(
                f"sequence_length {self.sequence_length} does not fit the model's context_length "
                f"{self.model.context_length}"
            )
        if self.beta <= 0:
            raise ValueError(f"beta must be positive, got {self.beta}")
        if not 0 <= self.label_smoothing < 0.5 or not 0 <= self.hold_out < 1:
            raise ValueError("label_smoothing lies in [0, 0.5) and hold_out in [0, 1)")
        if self.loss == "ipo" and self.label_smoothing:
            raise ValueError("label_smoothing belongs to the loss dpo, not to ipo")
