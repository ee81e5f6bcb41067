"""What a decoder is: its sizes, and how it computes.

Parameters are always float32 masters; `dtype` is what layers compute in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xgen_core.records import Record

__all__ = ["ModelConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig(Record):
    """Shape and numerics of a Llama-family decoder, the architecture of XGen-7B.

    Attributes:
        vocab_size: rows of the embedding, padding included (XGen: 51,200).
        n_tokens: ids the tokenizer has (XGen: 50,313); logits of rows beyond are masked out.
        d_model, n_layers, n_heads, n_kv_heads, d_ff: the usual sizes; fewer `n_kv_heads` than
            `n_heads` is grouped-query attention.
        context_length: the longest sequence the model is meant for, in tokens.
        rope_theta: base of the rotary position frequencies.
        norm_eps: added to the mean square in RMSNorm.
        tie_embeddings: use the embedding as output matrix too.
        dtype: what layers compute in; norms, softmax and the loss are float32 anyway.
        remat: what the backward pass computes again: nothing, whole layers, or all but their
            matrix products.
        attention: name of the attention implementation, see `xgen_model.attention`.
        scan_layers: compile one layer and loop over it, instead of one copy of it for each.
        loss_chunk: tokens whose logits exist at one time in the loss; 0 means all.
    """

    vocab_size: int
    n_tokens: int
    d_model: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_ff: int
    context_length: int
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-6
    tie_embeddings: bool = False
    dtype: Literal["float32", "bfloat16"] = "float32"
    remat: Literal["none", "full", "dots"] = "none"
    attention: str = "blocks"
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
        if self.d_model % self.n_heads or self.head_dim % 2:
            raise ValueError(
                f"d_model {self.d_model} must split into {self.n_heads} heads of an even size, "
                "because rotary positions turn pairs"
            )
        if self.n_heads % self.n_kv_heads:
            raise ValueError(
                f"n_heads {self.n_heads} must be a multiple of n_kv_heads {self.n_kv_heads}"
            )
        if self.rope_theta <= 0 or self.norm_eps <= 0:
            raise ValueError("rope_theta and norm_eps must be positive")
        if self.loss_chunk < 0:
            raise ValueError(f"loss_chunk must not be negative, got {self.loss_chunk}")

    @property
    def head_dim(self) -> int:
        """Width of one head."""
        return self.d_model // self.n_heads
