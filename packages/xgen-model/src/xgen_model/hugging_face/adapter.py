"""LoRA adapters and soft prompts in PEFT's format, both ways.

    adapter_config.json         peft_type LORA or PROMPT_TUNING
    adapter_model.safetensors   base_model.model.MODULE.lora_{A,B}.weight, or prompt_embeddings

`lora_A.weight` is `[rank, in]`, ours transposed. PEFT adapts whole modules, so where a model fuses
query, key and value (CodeGen, BLOOM) an adapter of one of them has no PEFT form.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from xgen_core.errors import CapabilityError, InputError
from xgen_core.files import atomic_directory, read_json, write_json
from xgen_model.config import Lora, ModelConfig
from xgen_model.hugging_face.safetensors_file import Planned, write_safetensors
from xgen_model.hugging_face.tensors import ARCHITECTURES
from xgen_model.hugging_face.weight_file import WeightFile, open_weight_file
from xgen_model.parameters import ParameterReader, is_adapter, parameter_shapes
from xgen_model.stored_array import whole

__all__ = ["export_adapter", "is_adapter_directory", "read_adapter"]

_CONFIG = "adapter_config.json"
_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
_PREFIX = "base_model.model."
_PROMPT = "prompt_embeddings"
_SIDES = {"lora_a": "lora_A.weight", "lora_b": "lora_B.weight"}
_UNSUPPORTED: Mapping[str, tuple[object, ...]] = {
    "bias": ("none",),
    "use_dora": (False,),
    "fan_in_fan_out": (False,),
    "lora_bias": (False,),
    "modules_to_save": (None, []),
    "rank_pattern": ({}, None),
    "alpha_pattern": ({}, None),
    "target_parameters": (None, []),
    "trainable_token_indices": (None, [], {}),
    "init_lora_weights": (True, False, "gaussian", "orthogonal"),
    "layer_replication": (None,),
    "alora_invocation_tokens": (None,),
    "arrow_config": (None,),
    "use_qalora": (False,),
    "use_bdlora": (None, False),
    "monteclora_config": (None,),
    "velora_config": (None,),
}
"""Fields of a LoRA configuration that change what is computed, and the values that do not."""


def is_adapter_directory(directory: Path) -> bool:
    """Whether a PEFT adapter lies in it."""
    return (directory / _CONFIG).is_file()


def export_adapter(reader: ParameterReader, target: Path, *, base_name: str | None = None) -> str:
    """Write the adapter of a model as a PEFT directory; returns its `peft_type`.

    Args:
        reader: of a model with LoRA or a soft prompt.
        target: where; must not exist or be empty.
        base_name: of the base model, for PEFT to find it.

    Raises:
        CapabilityError: the model has no adapter, or one that PEFT has no form for; names it.
        InputError: something lies there already, or a weight is NaN or infinite.
    """
    config = reader.config
    if config.lora is not None and config.soft_prompt:
        raise CapabilityError(
            "this model has LoRA and a soft prompt, and a PEFT adapter is one of them: PEFT has no "
            "form for both together"
        )
    if config.lora is None and not config.soft_prompt:
        raise CapabilityError("this model has neither LoRA nor a soft prompt to export")
    document = {"base_model_name_or_path": base_name, "task_type": "CAUSAL_LM"}
    document |= {"inference_mode": True}
    if config.lora is None:
        document |= _prompt_config(config)
        shape = (config.soft_prompt, config.d_model)
        planned = [Planned(_PROMPT, shape, iter([reader.read("soft_prompt", whole(shape))]))]
    else:
        modules = _modules(config, config.lora.targets)
        document |= _lora_config(config.lora, modules)
        planned = list(_planned(reader, modules))
    with atomic_directory(target) as new:
        write_safetensors(new / _WEIGHTS[0], planned, "float32")
        write_json(new / _CONFIG, document)
    return str(document["peft_type"])


def _prompt_config(config: ModelConfig) -> dict[str, Any]:
    return {
        "peft_type": "PROMPT_TUNING",
        "num_virtual_tokens": config.soft_prompt,
        "token_dim": config.d_model,
        "num_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "num_transformer_submodules": 1,
        "prompt_tuning_init": "RANDOM",
    }


def _lora_config(lora: Lora, modules: Mapping[str, str]) -> dict[str, Any]:
    return {
        "peft_type": "LORA",
        "r": lora.rank,
        "lora_alpha": int(lora.alpha) if lora.alpha.is_integer() else lora.alpha,
        "use_rslora": lora.rank_stabilised,
        "target_modules": [m.rpartition("{}.")[2] for m in modules.values()],
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
    }


def _modules(config: ModelConfig, targets: Iterable[str]) -> dict[str, str]:
    """Dotted owners of adapted kernels → modules.

    Raises:
        CapabilityError: one is part of a fused module.
    """
    architecture = ARCHITECTURES[config.block]
    owners = {owner.rpartition(".")[2]: owner for owner in architecture.modules}
    fused = [t for t in targets if t in architecture.fused]
    if fused:
        module = architecture.modules[owners[fused[0]]].rpartition(".")[2]
        raise CapabilityError(
            f"LoRA of {', '.join(fused)}: {architecture.name} has query, key and value in one "
            f"{module}, and PEFT adapts only whole modules: merge it by exporting the model"
        )
    return {owners[t]: architecture.modules[owners[t]] for t in targets}


def _planned(reader: ParameterReader, modules: Mapping[str, str]) -> Iterable[Planned]:
    config = reader.config
    shapes = parameter_shapes(config)
    for layer, (owner, module) in itertools.product(range(config.n_layers), modules.items()):
        for leaf, suffix in _SIDES.items():
            name = f"{owner}.{leaf}"
            index = (slice(layer, layer + 1), *whole(shapes[name][1:]))
            part = reader.read(name, index)[0].T
            yield Planned(f"{_PREFIX}{module.format(layer)}.{suffix}", part.shape, iter([part]))


def read_adapter(directory: Path, base: ModelConfig) -> tuple[ModelConfig, dict[str, np.ndarray]]:
    """A PEFT adapter as the base's configuration with it, and its parameters by dotted path.

    Args:
        directory: with `adapter_config.json`.
        base: of the model it is for, without adapters.

    Raises:
        InputError: not an adapter that is computed here, not for this base, tensors missing, left
            over, of another shape, or not finite; names the field or tensor.
        CapabilityError: the base fuses what it adapts.
        MissingExtraError: its weights are a PyTorch file, and PyTorch is not installed.
    """
    path = directory / _CONFIG
    document = read_json(path)
    if not isinstance(document, dict):
        raise InputError(f"{path}: expected an object with the fields of an adapter")
    name = next((n for n in _WEIGHTS if (directory / n).is_file()), None)
    if name is None:
        raise InputError(f"{directory}: no weights: expected {_WEIGHTS[0]}")
    file = open_weight_file(directory / name)
    kind = document.get("peft_type")
    if kind == "PROMPT_TUNING":
        rows = _whole_number(document, "num_virtual_tokens", path)
        config = replace(base, soft_prompt=rows)
        wanted = {_PROMPT: (rows, base.d_model)}
        _compare(file, wanted)
        return config, {"soft_prompt": _read(file, _PROMPT)}
    if kind != "LORA":
        raise InputError(f"{path}: peft_type is {kind!r}, expected LORA or PROMPT_TUNING")
    return _read_lora(document, path, file, base)


def _read_lora(
    document: Mapping[str, Any], path: Path, file: WeightFile, base: ModelConfig
) -> tuple[ModelConfig, dict[str, np.ndarray]]:
    for field, harmless in _UNSUPPORTED.items():
        if document.get(field, harmless[0]) not in harmless:
            raise InputError(
                f"{path}: {field} is {document[field]!r}, expected {harmless[0]!r}: this decoder "
                "computes no other kind of LoRA"
            )
    alpha = document.get("lora_alpha")
    if not isinstance(alpha, (int, float)) or alpha <= 0:
        raise InputError(f"{path}: lora_alpha is {alpha!r}, expected a positive number")
    lora = Lora(
        rank=_whole_number(document, "r", path),
        alpha=float(alpha),
        targets=_targets(file, base),
        rank_stabilised=document.get("use_rslora") is True,
    )
    config = replace(base, lora=lora)
    modules = _modules(config, lora.targets)
    shapes = {n: s for n, s in parameter_shapes(config).items() if is_adapter(n)}
    homes: dict[str, tuple[str, int]] = {}
    for name in shapes:
        owner, _, leaf = name.rpartition(".")
        for layer in range(base.n_layers):
            homes[f"{_PREFIX}{modules[owner].format(layer)}.{_SIDES[leaf]}"] = (name, layer)
    _compare(file, {t: shapes[name][:0:-1] for t, (name, _) in homes.items()})
    found = {name: np.empty(shape, np.float32) for name, shape in shapes.items()}
    for tensor, (name, layer) in homes.items():
        found[name][layer] = _read(file, tensor).T
    return config, found


def _targets(file: WeightFile, base: ModelConfig) -> tuple[str, ...]:
    """What is adapted, by the names of the tensors: target_modules may be a pattern."""
    architecture = ARCHITECTURES[base.block]
    found = []
    for owner, module in architecture.modules.items():
        name = f"{_PREFIX}{module.format(0)}.{_SIDES['lora_a']}"
        if owner.startswith("layers.") and name in file.tensors:
            target = owner.rpartition(".")[2]
            # Of a fused module one name is enough to be told that it has no place here.
            found.append(target)
    if not found:
        raise InputError(
            f"{file.path}: no LoRA tensors of a {architecture.name}'s first layer; is it for "
            "another model?"
        )
    return tuple(found)


def _compare(file: WeightFile, wanted: Mapping[str, tuple[int, ...]]) -> None:
    for name, shape in wanted.items():
        if name not in file.tensors:
            raise InputError(f"{file.path}: no tensor {name} {list(shape)}")
        if file.tensors[name].shape != shape:
            raise InputError(
                f"{file.path}: {name} is {list(file.tensors[name].shape)}, expected {list(shape)} "
                "by its configuration and the base model"
            )
    left = sorted(set(file.tensors) - set(wanted))
    if left:
        raise InputError(f"{file.path}: holds a tensor {left[0]}, for which there is no place")


def _read(file: WeightFile, name: str) -> np.ndarray:
    found = file.read(name, whole(file.tensors[name].shape))
    if not np.isfinite(found).all():
        raise InputError(f"{file.path}: {name} holds NaN or infinity")
    return found


def _whole_number(document: Mapping[str, Any], field: str, path: Path) -> int:
    value = document.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{path}: {field} is {value!r}, expected a positive whole number")
    return value
