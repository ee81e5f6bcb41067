"""Files of Hugging Face weights, read tensor by tensor, or in parts of one.

safetensors files, and PyTorch's `.bin` (XGen's own published weights are three), which needs the
`[torch]` extra and is read with `weights_only=True`: a file that holds anything but tensors is
refused, nothing in it is ever run. Elements on disk are float32, bfloat16 or float16, and float32
when read.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import numpy as np

from xgen_core.errors import InputError, MissingExtraError
from xgen_model.stored_array import Index

__all__ = ["Held", "PyTorchFile", "SafetensorsFile", "WeightFile", "open_weight_file"]

_DTYPES = ("F32", "BF16", "F16")
_POINTER = b"version https://git-lfs"


class Held(NamedTuple):
    """What a file says of one tensor."""

    shape: tuple[int, ...]
    dtype: str


class WeightFile(Protocol):
    """A file with tensors in it."""

    @property
    def path(self) -> Path:
        """Where."""
        ...

    @property
    def tensors(self) -> Mapping[str, Held]:
        """What is in it, by name."""
        ...

    def read(self, name: str, index: Index) -> np.ndarray:
        """A part of one tensor, as float32."""
        ...


class SafetensorsFile:
    """A `.safetensors` file.

    It is opened anew for each read: what was read is then mapped into memory no longer, and a
    file of 5 GB does not add up to 5 GB.

    Raises:
        InputError: the file is damaged or truncated.
    """

    def __init__(self, path: Path) -> None:
        from safetensors import SafetensorError, safe_open

        self.path = path
        try:
            with safe_open(path, "np") as file:
                slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
                self.tensors: Mapping[str, Held] = {
                    name: Held(tuple(found.get_shape()), found.get_dtype())
                    for name, found in slices.items()
                }
        except SafetensorError as error:
            raise InputError(
                f"{path}: damaged or truncated ({error}): fetch the file again"
            ) from error

    def read(self, name: str, index: Index) -> np.ndarray:
        """See `WeightFile.read`."""
        from safetensors import safe_open

        with safe_open(self.path, "np") as file:
            found = file.get_slice(name)[index] if index else file.get_tensor(name)
        return np.asarray(found).astype(np.float32, copy=False)


class PyTorchFile:
    """A PyTorch `.bin` file in its zip format, mapped into memory rather than read.

    Raises:
        MissingExtraError: PyTorch is not installed.
        InputError: the file is damaged or truncated, or holds anything but tensors.
    """

    def __init__(self, path: Path) -> None:
        torch = _torch(path)
        self.path = path
        self._float32 = torch.float32
        self._loaded = _load(torch, path)
        known = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16"}
        self.tensors: Mapping[str, Held] = {
            name: Held(tuple(found.shape), known.get(found.dtype, str(found.dtype)))
            for name, found in self._loaded.items()
        }

    def read(self, name: str, index: Index) -> np.ndarray:
        """See `WeightFile.read`."""
        part = self._loaded[name][index] if index else self._loaded[name]
        return part.detach().to(self._float32, copy=True).contiguous().numpy()


def _torch(path: Path) -> Any:
    try:
        import torch  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise MissingExtraError(f"{path}, a PyTorch file,", "xgen-model[torch]") from None
    return torch


def _load(torch: Any, path: Path) -> Mapping[str, Any]:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path}: holds more than tensors, and nothing else is loaded from a pickle"
        ) from error
    except (RuntimeError, OSError, EOFError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{path}: damaged, truncated, or older than PyTorch 1.6 ({reason}): fetch it again"
        ) from error
    tensors = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    if not tensors or not all(isinstance(t, torch.Tensor) for t in tensors.values()):
        raise InputError(f"{path}: expected tensors by name")
    return tensors


def open_weight_file(path: Path) -> WeightFile:
    """A file of weights by its suffix; only float32, bfloat16 and float16 may be in it.

    Raises:
        InputError: it is missing, damaged, or holds tensors of another kind; names the tensor.
        MissingExtraError: a `.bin` file, and PyTorch is not installed.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    with path.open("rb") as handle:
        if handle.read(len(_POINTER)) == _POINTER:
            raise InputError(f"{path}: a Git LFS pointer, not the weights: run git lfs pull there")
    file = PyTorchFile(path) if path.suffix == ".bin" else SafetensorsFile(path)
    for name, held in file.tensors.items():
        if held.dtype not in _DTYPES:
            raise InputError(
                f"{path}: {name} is {held.dtype}; only {', '.join(_DTYPES)} are read: "
                "dequantise it first"
            )
    return file
