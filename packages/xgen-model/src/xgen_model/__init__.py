"""The XGen decoder in JAX: weights in and out, sharding, adapters, generation and scoring.

Names are imported when first used, so that `import xgen_model` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xgen_model.adapters import add_lora, add_soft_prompt, merge_lora
    from xgen_model.checkpoint import CheckpointStore, DamagedError
    from xgen_model.config import Lora, ModelConfig, RopeScaling
    from xgen_model.cross_entropy import LossSums, TokenScores, loss, row_losses, token_logprobs
    from xgen_model.engine.generation import generate
    from xgen_model.engine.sample import Sampling
    from xgen_model.hugging_face.adapter import export_adapter, read_adapter
    from xgen_model.hugging_face.config import hugging_face_config
    from xgen_model.hugging_face.exporter import export_model
    from xgen_model.importer import import_model
    from xgen_model.local import LocalModel, open_local
    from xgen_model.mesh import batch_sharding, constrain, make_mesh, mesh_sizes, on_mesh
    from xgen_model.model import Params, abstract_params, create, forward, logits
    from xgen_model.placement import as_read, place_batch, row_part
    from xgen_model.presets import PRESETS, parameter_count, preset, training_flops_per_token
    from xgen_model.processes import Processes
    from xgen_model.sharding import logical_axes, shardings
    from xgen_model.soft_prompt import virtual_ids, with_soft_prompt
    from xgen_model.source import ModelSource, find_checkpoint, open_source
    from xgen_model.trained import join, split, trained_mask

__all__ = [
    "PRESETS",
    "CheckpointStore",
    "DamagedError",
    "LocalModel",
    "Lora",
    "LossSums",
    "ModelConfig",
    "ModelSource",
    "Params",
    "Processes",
    "RopeScaling",
    "Sampling",
    "TokenScores",
    "abstract_params",
    "add_lora",
    "add_soft_prompt",
    "as_read",
    "batch_sharding",
    "constrain",
    "create",
    "export_adapter",
    "export_model",
    "find_checkpoint",
    "forward",
    "generate",
    "hugging_face_config",
    "import_model",
    "join",
    "logical_axes",
    "logits",
    "loss",
    "make_mesh",
    "merge_lora",
    "mesh_sizes",
    "on_mesh",
    "open_local",
    "open_source",
    "parameter_count",
    "place_batch",
    "preset",
    "read_adapter",
    "row_losses",
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
    "adapters": (
        "add_lora",
        "add_soft_prompt",
        "merge_lora",
    ),
    "checkpoint": (
        "CheckpointStore",
        "DamagedError",
    ),
    "config": (
        "Lora",
        "ModelConfig",
        "RopeScaling",
    ),
    "cross_entropy": (
        "LossSums",
        "TokenScores",
        "loss",
        "row_losses",
        "token_logprobs",
    ),
    "engine.generation": ("generate",),
    "engine.sample": ("Sampling",),
    "hugging_face.adapter": (
        "export_adapter",
        "read_adapter",
    ),
    "hugging_face.config": ("hugging_face_config",),
    "hugging_face.exporter": ("export_model",),
    "importer": ("import_model",),
    "local": (
        "LocalModel",
        "open_local",
    ),
    "mesh": (
        "batch_sharding",
        "constrain",
        "make_mesh",
        "mesh_sizes",
        "on_mesh",
    ),
    "model": (
        "Params",
        "abstract_params",
        "create",
        "forward",
        "logits",
    ),
    "placement": (
        "as_read",
        "place_batch",
        "row_part",
    ),
    "presets": (
        "PRESETS",
        "parameter_count",
        "preset",
        "training_flops_per_token",
    ),
    "processes": ("Processes",),
    "sharding": (
        "logical_axes",
        "shardings",
    ),
    "soft_prompt": (
        "virtual_ids",
        "with_soft_prompt",
    ),
    "source": (
        "ModelSource",
        "find_checkpoint",
        "open_source",
    ),
    "trained": (
        "join",
        "split",
        "trained_mask",
    ),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
