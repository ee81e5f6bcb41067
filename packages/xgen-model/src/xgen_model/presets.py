"""Named shapes, and what a shape costs.

Only `xgen-7b-*` are published shapes (config.json of Salesforce/xgen-7b-8k-base); the others are
ours, with the same vocabulary where they are meant for real text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from xgen_core.codec import unknown_name
from xgen_core.errors import InputError
from xgen_model.config import ModelConfig

__all__ = ["PRESETS", "parameter_count", "preset", "training_flops_per_token"]

_XGEN_7B_8K = ModelConfig(
    vocab_size=51_200,
    n_tokens=50_313,
    d_model=4096,
    n_layers=32,
    n_heads=32,
    n_kv_heads=32,
    d_ff=11_008,
    context_length=8192,
    dtype="bfloat16",
    remat="full",
    scan_layers=True,
    loss_chunk=1024,
)

PRESETS: Mapping[str, ModelConfig] = MappingProxyType(
    {
        "tiny": ModelConfig(
            vocab_size=2048,
            n_tokens=2048,
            d_model=128,
            n_layers=4,
            n_heads=4,
            n_kv_heads=4,
            d_ff=344,
            context_length=1024,
        ),
        "small": ModelConfig(
            vocab_size=8192,
            n_tokens=8192,
            d_model=512,
            n_layers=8,
            n_heads=8,
            n_kv_heads=8,
            d_ff=1376,
            context_length=2048,
        ),
        "xgen-1b": ModelConfig(
            vocab_size=51_200,
            n_tokens=50_313,
            d_model=2048,
            n_layers=16,
            n_heads=16,
            n_kv_heads=16,
            d_ff=5504,
            context_length=8192,
            dtype="bfloat16",
            remat="full",
            scan_layers=True,
            loss_chunk=1024,
        ),
        "xgen-7b-4k": replace(_XGEN_7B_8K, context_length=4096),
        "xgen-7b-8k": _XGEN_7B_8K,
    }
)
"""`tiny` 1.3M (the quickstart), `small` 34M, `xgen-1b` 1.0B, and the two released 7B models."""


def preset(name: str) -> ModelConfig:
    """A preset by name.

    Raises:
        InputError: no such preset; names the nearest.
    """
    if name not in PRESETS:
        raise InputError(unknown_name(name, list(PRESETS), "model preset"))
    return PRESETS[name]


def parameter_count(config: ModelConfig) -> int:
    """Exact number of parameters, padding rows of the vocabulary included."""
    import jax

    from xgen_model.model import abstract_params

    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(abstract_params(config)))


def training_flops_per_token(config: ModelConfig, length: int) -> int:
    """FLOPs of one token's forward and backward pass in a sequence of `length`.

    6 for each parameter, the input embedding included, plus 12 · layers · d · length for the
    attention scores, causality not counted: the customary `6N + 12Lds` (54.3 GF for XGen-7B at
    8,192). Recomputation is not counted either.
    """
    return (
        6 * parameter_count(config)
        + 12 * config.n_layers * config.n_heads * config.head_dim * length
    )
