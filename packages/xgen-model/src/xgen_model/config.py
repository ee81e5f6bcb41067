"""What a decoder is: its sizes, and how it computes.

Parameters are always float32 masters; `dtype` is what layers compute in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from xgen_core.records import Record
from xgen_model.blocks import BLOCKS, BlockVariant

__all__ = ["Lora", "ModelConfig", "RopeScaling"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RopeScaling(Record):
    """How rotary frequencies are stretched for contexts longer than those trained on.

    Attributes:
        kind: `linear` divides every frequency by `factor` (position interpolation); `llama3`
            divides the low ones, keeps the high ones and blends between (Llama 3.1's rule).
        factor: by how much.
        low_frequency_factor: `llama3`: wavelengths above `original_context_length` divided by
            this are stretched fully.
        high_frequency_factor: `llama3`: wavelengths below `original_context_length` divided by
            this are kept.
        original_context_length: `llama3`: the context before stretching, in tokens.
    """

    kind: Literal["linear", "llama3"]
    factor: float
    low_frequency_factor: float = 1.0
    high_frequency_factor: float = 4.0
    original_context_length: int = 8192

    def __post_init__(self) -> None:
        if self.factor < 1:
            raise ValueError(f"factor must be at least 1, got {self.factor}")
        if not 0 < self.low_frequency_factor < self.high_frequency_factor:
            raise ValueError("low_frequency_factor must be positive and below the high one")
        if self.original_context_length < 1:
            raise ValueError("original_context_length must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora(Record):
    """Low-rank adapters beside some projections: `x · W + scale · (x · A) · B` (Hu et al. 2021).

    Attributes:
        rank: inner width of the adapters.
        alpha: numerator of the scale.
        targets: names in `xgen_model.blocks.PROJECTIONS`.
        rank_stabilised: the scale is alpha / sqrt(rank) instead of alpha / rank.
    """

    rank: int = 16
    alpha: float = 32.0
    targets: tuple[str, ...] = ("query", "value")
    rank_stabilised: bool = False

    def __post_init__(self) -> None:
        if self.rank < 1 or self.alpha <= 0 or not self.targets:
            raise ValueError("LoRA needs a rank of at least 1, a positive alpha, and a target")
        if len(set(self.targets)) != len(self.targets):
            raise ValueError(f"LoRA targets are named twice: {', '.join(self.targets)}")

    @property
    def scale(self) -> float:
        """What the product of the adapters is multiplied by."""
        return self.alpha / (math.sqrt(self.rank) if self.rank_stabilised else self.rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig(Record):
    """Shape and numerics of a decoder; the defaults are the architecture of XGen-7B.

    Attributes:
        block: a row of `xgen_model.blocks.BLOCKS`.
        vocab_size: rows of the embedding, padding included (XGen: 51,200).
        n_tokens: ids the tokenizer has (XGen: 50,313); logits of rows beyond are masked out.
        d_model, n_layers, n_heads, n_kv_heads, d_ff: the usual sizes; fewer `n_kv_heads` than
            `n_heads` is grouped-query attention.
        d_head: width of one head; None is `d_model / n_heads`.
        context_length: the longest sequence the model is meant for, in tokens.
        rope_theta: base of the rotary position frequencies.
        rope_dims: elements of a head that turn, the first ones; None is all.
        rope_scaling: for contexts beyond those trained on.
        norm_eps: added to the mean square in a norm.
        tie_embeddings: use the embedding as output matrix too.
        lora: adapters, or None.
        soft_prompt: trained virtual tokens; their ids are `vocab_size` and on.
        dtype: what layers compute in; norms, softmax and the loss are float32 anyway.
        remat: what the backward pass computes again, a name in `xgen_model.remat.POLICIES`.
        attention: name of the attention implementation, see `xgen_model.attention.door`.
        scan_layers: compile one layer and loop over it, instead of one copy of it for each.
        loss_chunk: the loss has `loss_chunk` · vocabulary logits at one time, on each device; 0 is
            all of them.
    """

    block: Literal["llama", "qwen2", "codegen", "bloom"] = "llama"
    vocab_size: int
    n_tokens: int
    d_model: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_ff: int
    context_length: int
    d_head: int | None = None
    rope_theta: float = 10_000.0
    rope_dims: int | None = None
    rope_scaling: RopeScaling | None = None
    norm_eps: float = 1e-6
    tie_embeddings: bool = False
    lora: Lora | None = None
    soft_prompt: int = 0
    dtype: Literal["float32", "bfloat16"] = "float32"
    remat: Literal["none", "full", "attention", "dots", "offload"] = "none"
    attention: Literal["auto", "reference", "chunked", "splash", "cudnn"] = "auto"
    scan_layers: bool = False
    loss_chunk: int = 4096

    def __post_init__(self) -> None:
        sizes = ("vocab_size", "n_tokens", "d_model", "n_layers", "n_heads", "n_kv_heads")
        for name in (*sizes, "d_ff", "context_length"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.n_tokens > self.vocab_size:
            raise ValueError(
                f"n_tokens {self.n_tokens} does not fit in vocab_size {self.vocab_size} rows"
            )
        self._check_heads()
        if self.rope_theta <= 0 or self.norm_eps <= 0:
            raise ValueError("rope_theta and norm_eps must be positive")
        if self.loss_chunk < 0 or self.soft_prompt < 0:
            raise ValueError("loss_chunk and soft_prompt must not be negative")
        self._check_adapters()

    def _check_heads(self) -> None:
        if self.d_head is None and self.d_model % self.n_heads:
            raise ValueError(
                f"d_model {self.d_model} does not split into {self.n_heads} heads; say d_head"
            )
        if self.n_heads % self.n_kv_heads:
            raise ValueError(
                f"n_heads {self.n_heads} must be a multiple of n_kv_heads {self.n_kv_heads}"
            )
        if self.head_dim < 1:
            raise ValueError(f"d_head must be at least 1, got {self.d_head}")
        turned = self.rotated_dims
        if self.variant.positions == "rope" and (turned % 2 or not 0 < turned <= self.head_dim):
            raise ValueError(
                f"rotary positions turn pairs: {turned} of {self.head_dim} elements of a head is "
                "not an even part of it"
            )

    def _check_adapters(self) -> None:
        if self.lora is None:
            return
        unknown = sorted(set(self.lora.targets) - set(self.variant.projections))
        if unknown:
            known = ", ".join(self.variant.projections)
            raise ValueError(f"no projections {', '.join(unknown)} to adapt; there are {known}")

    @property
    def variant(self) -> BlockVariant:
        """The row of the block table."""
        return BLOCKS[self.block]

    @property
    def head_dim(self) -> int:
        """Width of one head."""
        return self.d_model // self.n_heads if self.d_head is None else self.d_head

    @property
    def rotated_dims(self) -> int:
        """Elements of a head that rotary positions turn."""
        return self.head_dim if self.rope_dims is None else self.rope_dims
