"""The XGen decoder in JAX: weights, sharding, checkpoints, generation and scoring.

Names are imported when first used, so that `import xgen_model` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xgen_model.adapters import add_lora, add_soft_prompt, merge_lora
    from xgen_model.checkpoint import CheckpointStore
    from xgen_model.config import Lora, ModelConfig, RopeScaling
    from xgen_model.cross_entropy import LossSums, TokenScores, loss, token_logprobs
    from xgen_model.generation import generate
    from xgen_model.local import LocalModel, find_checkpoint, open_local
    from xgen_model.mesh import batch_sharding, constrain, make_mesh, on_mesh
    from xgen_model.model import Params, abstract_params, create, forward, logits
    from xgen_model.placement import place_batch, row_part
    from xgen_model.presets import PRESETS, parameter_count, preset, training_flops_per_token
    from xgen_model.sample import Sampling
    from xgen_model.sharding import logical_axes, shardings
    from xgen_model.soft_prompt import virtual_ids, with_soft_prompt
    from xgen_model.trained import join, split, trained_mask

__all__ = [
    "PRESETS",
    "CheckpointStore",
    "LocalModel",
    "Lora",
    "LossSums",
    "ModelConfig",
    "Params",
    "RopeScaling",
    "Sampling",
    "TokenScores",
    "abstract_params",
    "add_lora",
    "add_soft_prompt",
    "batch_sharding",
    "constrain",
    "create",
    "find_checkpoint",
    "forward",
    "generate",
    "join",
    "logical_axes",
    "logits",
    "loss",
    "make_mesh",
    "merge_lora",
    "on_mesh",
    "open_local",
    "parameter_count",
    "place_batch",
    "preset",
    "row_part",
    "shardings",
    "split",
    "token_logprobs",
    "trained_mask",
    "training_flops_per_token",
    "virtual_ids",
    "with_soft_prompt",
]

_HOMES = {
    "adapters": ("add_lora", "add_soft_prompt", "merge_lora"),
    "checkpoint": ("CheckpointStore",),
    "config": ("Lora", "ModelConfig", "RopeScaling"),
    "generation": ("generate",),
    "local": ("LocalModel", "find_checkpoint", "open_local"),
    "cross_entropy": ("LossSums", "TokenScores", "loss", "token_logprobs"),
    "model": ("Params", "abstract_params", "create", "forward", "logits"),
    "placement": ("place_batch", "row_part"),
    "presets": ("PRESETS", "parameter_count", "preset", "training_flops_per_token"),
    "sample": ("Sampling",),
    "mesh": ("batch_sharding", "constrain", "make_mesh", "on_mesh"),
    "soft_prompt": ("virtual_ids", "with_soft_prompt"),
    "trained": ("join", "split", "trained_mask"),
    "sharding": ("logical_axes", "shardings"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
