"""What tells the block variants apart: one row a variant.

    variant   residual     norm       positions            mlp      biases
    llama     sequential   RMSNorm    RoPE, half layout    SwiGLU   none
    qwen2     sequential   RMSNorm    RoPE, half layout    SwiGLU   query, key, value
    codegen   parallel     LayerNorm  RoPE, interleaved    GELU     up, down, head
    bloom     sequential   LayerNorm  ALiBi                GELU     all but the head

`llama` is XGen-7B itself. `codegen` is what JaxFormer trained and what PERsD tunes, `bloom`
is the student of linguistically diverse prompting. All norms have a scale, a LayerNorm a bias too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = ["BLOCKS", "PROJECTIONS", "BlockVariant"]

PROJECTIONS = ("query", "key", "value", "output", "gate", "up", "down")
"""The matrices of a layer by name; `gate` is there with SwiGLU only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockVariant:
    """One row of the table.

    Attributes:
        residual: `sequential` adds attention, then the MLP of the sum; `parallel` adds both of one
            norm's output.
        norm: RMSNorm or LayerNorm.
        positions: rotary embedding or attention biases linear in distance.
        rope_layout: `half` pairs element i with i + r/2, `interleaved` 2i with 2i + 1.
        mlp: SwiGLU with three matrices, or GELU (tanh form) with two.
        biases: projections, and `head`, that have one.
        embedding_norm: whether the embedding passes a norm.
    """

    residual: Literal["sequential", "parallel"] = "sequential"
    norm: Literal["rms", "layer"] = "rms"
    positions: Literal["rope", "alibi"] = "rope"
    rope_layout: Literal["half", "interleaved"] = "half"
    mlp: Literal["swiglu", "gelu"] = "swiglu"
    biases: frozenset[str] = frozenset()
    embedding_norm: bool = False

    @property
    def projections(self) -> tuple[str, ...]:
        """The matrices of a layer."""
        return tuple(p for p in PROJECTIONS if p != "gate" or self.mlp == "swiglu")


BLOCKS: Mapping[str, BlockVariant] = MappingProxyType(
    {
        "llama": BlockVariant(),
        "qwen2": BlockVariant(biases=frozenset({"query", "key", "value"})),
        "codegen": BlockVariant(
            residual="parallel",
            norm="layer",
            rope_layout="interleaved",
            mlp="gelu",
            biases=frozenset({"up", "down", "head"}),
        ),
        "bloom": BlockVariant(
            norm="layer",
            positions="alibi",
            mlp="gelu",
            biases=frozenset({"query", "key", "value", "output", "up", "down"}),
            embedding_norm=True,
        ),
    }
)
"""By the name that `ModelConfig.block` takes."""
