"""Small trained models on disk: one `.npz` of plain arrays, with a header that says what it is."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from xgen_core import FormatError, InputError
from xgen_core.files import atomic_file, check_format

__all__ = ["load_arrays", "quantile_of", "save_arrays"]

QUANTILES = np.linspace(0.0, 1.0, 1001)
"""What a calibrated model keeps of the values of its calibration documents: every 0.1 %."""


def save_arrays(
    path: Path | str, header: Mapping[str, object], arrays: Mapping[str, npt.NDArray[Any]]
) -> Path:
    """Write arrays and a JSON header (with `format` and `version`), atomically."""
    encoded = np.frombuffer(json.dumps(header, sort_keys=True).encode("utf-8"), np.uint8)
    with atomic_file(path) as handle:
        np.savez(handle, allow_pickle=False, header=encoded, **dict(arrays))
    return Path(path)


def load_arrays(
    path: Path | str, *, name: str, version: int
) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Read what `save_arrays` wrote.

    Raises:
        InputError: no such file.
        FormatError: not such a file, damaged, or of another format or version.
    """
    try:
        with Path(path).open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        header = json.loads(arrays.pop("header").tobytes())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; train the model first") from None
    except (ValueError, KeyError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise FormatError(f"{path}: not a {name} file, or damaged: {error}") from error
    return check_format(header, name=name, version=version, path=path), arrays


def quantile_of(quantiles: npt.NDArray[np.float64], share: float, path: Path | str) -> float:
    """The value below which `share` of the calibration documents lie.

    Raises:
        InputError: the model at `path` was trained without calibration documents.
    """
    if len(quantiles) == 0:
        raise InputError(
            f"{path}: has no quantiles, as it was trained without calibration documents; give a "
            "threshold, or train it again with some"
        )
    return float(np.interp(share, QUANTILES, quantiles))
