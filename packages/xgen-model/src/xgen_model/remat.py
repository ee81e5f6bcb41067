"""What the backward pass computes again instead of keeping, by name.

none    keep everything
full    keep the input of each layer only
dots    keep what matrix products without a batch dim give, compute the rest again
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import jax

from xgen_model.attention.marks import RESIDUAL

__all__ = ["KEPT_OF_ATTENTION", "POLICIES", "rematerialised"]

F = TypeVar("F", bound=Callable[..., Any])

KEPT_OF_ATTENTION = ("attention_query", "attention_key", "attention_value", "attention_mixed")
"""Names that `Attention` gives to arrays, with `jax.ad_checkpoint.checkpoint_name`."""

POLICIES: Mapping[str, Callable[..., bool] | None] = MappingProxyType(
    {
        "full": None,
        "attention": jax.checkpoint_policies.save_only_these_names(*KEPT_OF_ATTENTION, RESIDUAL),
        "dots": jax.checkpoint_policies.dots_with_no_batch_dims_saveable,
        "offload": jax.checkpoint_policies.offload_dot_with_no_batch_dims("device", "pinned_host"),
    }
)
"""Name → policy of `jax.checkpoint`; `none` is not in it, since it means no checkpoint at all."""


def rematerialised(layer: F, policy: str, *, scanned: bool) -> F:
    """The layer's function, to be differentiated under a policy.

    Args:
        layer: a pure function.
        policy: `none` or a name in `POLICIES`.
        scanned: the layer is the body of a scan, which cannot be merged with its forward pass.
    """
    if policy == "none":
        return layer
    return jax.checkpoint(layer, policy=POLICIES[policy], prevent_cse=not scanned)
