"""The least time that a step can take: each of three things is done at its published peak.

Arithmetic and what goes over the links are counted; the memory's traffic is a lower estimate:
weights and activations are read and written once for each product they enter, and the optimizer
reads and writes its state once. What overlaps costs nothing here, so the largest of the three is
the bound, and no run reaches it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from xgen_model import ModelConfig, parameter_count
from xgen_train.plan.chip import Chip
from xgen_train.plan.collectives import Collective
from xgen_train.plan.flops import Flops

__all__ = ["Roofline", "bound"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roofline:
    """A lower bound of a step's time.

    Attributes:
        compute_seconds, memory_seconds, link_seconds: of each alone.
        binds: which is the longest.
        step_seconds: that one.
        tokens_per_second_per_chip: at that time, an upper bound.
        mfu_percent: of the peak, by `Flops.palm`, an upper bound too.
    """

    compute_seconds: float
    memory_seconds: float
    link_seconds: float
    binds: Literal["compute", "memory", "links"]
    step_seconds: float
    tokens_per_second_per_chip: float
    mfu_percent: float


def bound(
    config: ModelConfig,
    chip: Chip,
    flops: Flops,
    collectives: Mapping[str, Collective],
    *,
    tokens: float,
    chips: int,
    tensor: int,
) -> Roofline:
    """Work it out.

    Args:
        config: of the model.
        chip: its peaks.
        flops: of a token.
        collectives: of one step on one chip.
        tokens: of one step, for each chip.
        chips: in all.
        tensor: ways that every layer is split.
    """
    compute = tokens * flops.hardware / chip.flops
    memory = _traffic(config, tokens, chips, tensor) / chip.hbm_bandwidth
    links = sum(kind.wire_bytes for kind in collectives.values()) / chip.link_bandwidth
    longest = max(compute, memory, links)
    binds = "compute" if longest == compute else "memory" if longest == memory else "links"
    rate = tokens / longest
    return Roofline(
        compute_seconds=compute,
        memory_seconds=memory,
        link_seconds=links,
        binds=binds,
        step_seconds=longest,
        tokens_per_second_per_chip=rate,
        mfu_percent=100 * rate * flops.palm / chip.flops,
    )


def _traffic(config: ModelConfig, tokens: float, chips: int, tensor: int) -> float:
    """Bytes to and from memory in one step of one chip."""
    total = parameter_count(config)
    narrow = 2 if config.dtype == "bfloat16" else 4
    # parameters and two moments, read and written
    optimizer = 6 * 4 * total / chips
    # forward, backward by input, gradient written; and once more if layers are computed again
    passes = 3 + (config.remat == "full")
    weights = passes * narrow * total / tensor
    # inputs and results of a layer's products: the stream 8 times, the MLP's inner width 4 times
    width = 8 * config.d_model + 4 * config.d_ff
    # once forward, twice backward
    activations = passes * narrow * tokens * config.n_layers * width / tensor
    return optimizer + weights + activations
