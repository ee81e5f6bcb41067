"""Log-probabilities of all answers under the reference: computed once, and kept beside the run.

The reference is the model that the run starts from, adapters of its own included. Its figures do
not change while the policy moves, so no second model is held in memory, and a run that is taken up
again reads them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import numpy.typing as npt
from jax.experimental import multihost_utils

from xgen_core import FormatError
from xgen_core.files import atomic_file

__all__ = ["Reference", "cached_reference"]


class Reference(NamedTuple):
    """Log-probability of each pair's answers, in nats; trained pairs first, then held-out ones."""

    chosen: npt.NDArray[np.float32]
    rejected: npt.NDArray[np.float32]


def cached_reference(path: Path, fingerprint: str, compute: Callable[[], Reference]) -> Reference:
    """Read the reference's figures, or compute and write them.

    Args:
        path: the file.
        fingerprint: of pairs and model; a file of others is written anew.
        compute: gives the figures; called by all processes or by none.

    Raises:
        FormatError: the file is damaged.
    """
    found = _read(path, fingerprint)
    if jax.process_count() > 1:
        # one process may see the file that another has just written
        known = multihost_utils.process_allgather(np.int32(found is not None))
        found = found if np.all(known) else None
    if found is not None:
        return found
    computed = compute()
    if jax.process_index() == 0:
        with atomic_file(path) as handle:
            np.savez(handle, fingerprint=np.array(fingerprint), **computed._asdict())
    return computed


def _read(path: Path, fingerprint: str) -> Reference | None:
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            if str(arrays["fingerprint"]) != fingerprint:
                return None
            return Reference(arrays["chosen"], arrays["rejected"])
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise FormatError(
            f"{path}: damaged ({error}): remove it, and it is computed again"
        ) from error
