"""Parameters that are read in parts, from wherever they lie, by dotted path.

A path is that of `xgen_model.model` with dots: `layers.attention.query.kernel`. What is read is
float32 and finite, whatever is on disk. Everything that must not hold a model in memory (import,
export, loading onto a mesh) goes through `ParameterReader`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import jax
import numpy as np
from jaxtyping import Array

from xgen_core.errors import FormatError, InputError
from xgen_model.arrays import leaf_names
from xgen_model.config import ModelConfig
from xgen_model.model import Params, abstract_params
from xgen_model.stored_array import Index, StoredArray

__all__ = [
    "AdaptedParameters",
    "CheckpointParameters",
    "MergedParameters",
    "ParameterReader",
    "ReconfiguredParameters",
    "is_adapter",
    "load_params",
    "parameter_shapes",
]


class ParameterReader(Protocol):
    """Something that holds the parameters of a configuration."""

    @property
    def config(self) -> ModelConfig:
        """Of the parameters."""
        ...

    def read(self, name: str, index: Index) -> np.ndarray:
        """A part of one parameter, float32.

        Raises:
            XgenError: it is damaged, or holds NaN or infinity; names the file or tensor.
        """
        ...


def parameter_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Shape of every parameter by dotted path, in the order of the tree."""
    names, leaves, _ = leaf_names(abstract_params(config))
    return {name: tuple(leaf.shape) for name, leaf in zip(names, leaves, strict=True)}


def is_adapter(name: str) -> bool:
    """Whether a parameter belongs to LoRA or a soft prompt and not to the base model."""
    return name.rpartition(".")[2] in ("lora_a", "lora_b", "soft_prompt")


def load_params(reader: ParameterReader, shardings: Any = None) -> Params:
    """The whole tree as jax arrays; each device reads its own part and nothing else.

    Args:
        reader: of the parameters.
        shardings: a tree parallel to them; the first device by default.
    """
    names, leaves, structure = leaf_names(abstract_params(reader.config))
    if shardings is None:
        placed = [jax.sharding.SingleDeviceSharding(jax.devices()[0])] * len(leaves)
    else:
        placed = jax.tree.leaves(shardings)

    def load(name: str, shape: tuple[int, ...], sharding: jax.sharding.Sharding) -> Array:
        def part(index: Any) -> np.ndarray:
            bounds = [s.indices(n)[:2] for s, n in zip(index, shape, strict=True)]
            return reader.read(name, tuple(slice(*b) for b in bounds))

        return jax.make_array_from_callback(shape, sharding, part)

    found = [load(n, a.shape, s) for n, a, s in zip(names, leaves, placed, strict=True)]
    return jax.tree.unflatten(structure, found)


class CheckpointParameters:
    """Those of one step of a checkpoint.

    Args:
        config: of the checkpoint.
        step: the directory of the step.

    Raises:
        FormatError: an array is missing or has another shape than the configuration says.
    """

    def __init__(self, config: ModelConfig, step: Path) -> None:
        self._config = config
        self._arrays: dict[str, StoredArray] = {}
        for name, shape in parameter_shapes(config).items():
            array = StoredArray(step / "params" / name)
            if array.shape != shape or array.dtype != np.float32:
                raise FormatError(
                    f"{array.directory}: {array.dtype}{list(array.shape)}, expected "
                    f"float32{list(shape)} by the checkpoint's config.json"
                )
            self._arrays[name] = array

    @property
    def config(self) -> ModelConfig:
        """Of the parameters."""
        return self._config

    def read(self, name: str, index: Index) -> np.ndarray:
        """A part of one parameter; see `ParameterReader.read`."""
        found = self._arrays[name].read(index)
        if not np.isfinite(found).all():
            raise InputError(
                f"{self._arrays[name].directory}: holds NaN or infinity; take an earlier step"
            )
        return found


class ReconfiguredParameters:
    """The same parameters under another configuration.

    Args:
        inner: of the parameters.
        config: whose parameters are those of `inner`, or some of them.
    """

    def __init__(self, inner: ParameterReader, config: ModelConfig) -> None:
        self._inner = inner
        self._config = config

    @property
    def config(self) -> ModelConfig:
        """The other configuration."""
        return self._config

    def read(self, name: str, index: Index) -> np.ndarray:
        """A part of one parameter; see `ParameterReader.read`."""
        return self._inner.read(name, index)


class MergedParameters:
    """A model with its LoRA adapters worked into the kernels: `W + scale · A · B`, in float32."""

    def __init__(self, inner: ParameterReader) -> None:
        self._inner = inner
        lora = inner.config.lora
        self._targets = () if lora is None else lora.targets
        self._scale = np.float32(0 if lora is None else lora.scale)
        self._rank = 0 if lora is None else lora.rank

    @property
    def config(self) -> ModelConfig:
        """Of the parameters: without LoRA."""
        return replace(self._inner.config, lora=None)

    def read(self, name: str, index: Index) -> np.ndarray:
        """A part of one parameter; see `ParameterReader.read`."""
        found = self._inner.read(name, index)
        owner, _, leaf = name.rpartition(".")
        if leaf != "kernel" or owner.rpartition(".")[2] not in self._targets:
            return found
        layers, rows, columns = index
        rank = slice(0, self._rank)
        a = self._inner.read(f"{owner}.lora_a", (layers, rows, rank))
        b = self._inner.read(f"{owner}.lora_b", (layers, rank, columns))
        return found + self._scale * np.matmul(a, b)


class AdaptedParameters:
    """A base model with adapters from elsewhere beside it.

    Args:
        base: without adapters.
        config: of the whole: the base's with `lora` or `soft_prompt`.
        adapters: whole arrays by dotted path.

    Raises:
        InputError: the base has adapters already.
    """

    def __init__(
        self, base: ParameterReader, config: ModelConfig, adapters: Mapping[str, np.ndarray]
    ) -> None:
        if base.config.lora is not None or base.config.soft_prompt:
            raise InputError("the base model has adapters already: export it first, which merges")
        wanted = {n: s for n, s in parameter_shapes(config).items() if is_adapter(n)}
        given = {name: array.shape for name, array in adapters.items()}
        if wanted != given:
            raise ValueError(f"adapters are {given}, the configuration has {wanted}")
        self._base = base
        self._config = config
        self._adapters = dict(adapters)

    @property
    def config(self) -> ModelConfig:
        """Of the base with its adapters."""
        return self._config

    def read(self, name: str, index: Index) -> np.ndarray:
        """A part of one parameter; see `ParameterReader.read`."""
        if name in self._adapters:
            return self._adapters[name][index]
        return self._base.read(name, index)
