"""The XGen decoder in JAX: weights, sharding, checkpoints, generation and scoring.

Names are imported when first used, so that `import xgen_model` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xgen_model.checkpoint import CheckpointStore
    from xgen_model.config import Lora, ModelConfig, RopeScaling
    from xgen_model.cross_entropy import LossSums, TokenScores, loss, token_logprobs
    from xgen_model.engine.generation import generate
    from xgen_model.engine.sample import Sampling
    from xgen_model.local import LocalModel, find_checkpoint, open_local
    from xgen_model.mesh import batch_sharding, constrain, make_mesh
    from xgen_model.model import Params, abstract_params, create, forward, logits
    from xgen_model.presets import PRESETS, parameter_count, preset, training_flops_per_token
    from xgen_model.sharding import logical_axes, shardings

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
    "batch_sharding",
    "constrain",
    "create",
    "find_checkpoint",
    "forward",
    "generate",
    "logical_axes",
    "logits",
    "loss",
    "make_mesh",
    "open_local",
    "parameter_count",
    "preset",
    "shardings",
    "token_logprobs",
    "training_flops_per_token",
]

_HOMES = {
    "checkpoint": ("CheckpointStore",),
    "config": ("Lora", "ModelConfig", "RopeScaling"),
    "engine.generation": ("generate",),
    "local": ("LocalModel", "find_checkpoint", "open_local"),
    "cross_entropy": ("LossSums", "TokenScores", "loss", "token_logprobs"),
    "model": ("Params", "abstract_params", "create", "forward", "logits"),
    "presets": ("PRESETS", "parameter_count", "preset", "training_flops_per_token"),
    "engine.sample": ("Sampling",),
    "mesh": ("batch_sharding", "constrain", "make_mesh"),
    "sharding": ("logical_axes", "shardings"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
