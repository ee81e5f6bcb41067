"""What the sides of `train.py` share: shapes, settings, and lines of JSON with the driver.

A side is a process. It prints one line about itself when it is ready; then, for every number `n`
that it reads, it trains `n` steps and prints a line with the seconds and the loss of each.
Standard library and numpy only, so that every side's interpreter can import it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "BETAS",
    "CLIP",
    "DECAY",
    "EPSILON",
    "RATE",
    "ROWS",
    "SIZES",
    "TIME",
    "load",
    "serve",
]

ROWS, TIME = 8, 512
SIZES = {"layers": 8, "width": 512, "heads": 8, "inner": 1376, "vocabulary": 8192}
"""Those of `xgen_model.preset("small")`."""
RATE, BETAS, EPSILON, DECAY, CLIP = 3e-4, (0.9, 0.95), 1e-8, 0.1, 1.0


def load(path: str) -> tuple[npt.NDArray[np.int32], dict[str, npt.NDArray[np.float32]]]:
    """Token ids `[ROWS, TIME + 1]`, and the weights by dotted name, from `train_ours.py`."""
    with np.load(Path(path)) as found:
        arrays = {name: found[name] for name in found.files}
    return arrays.pop("ids"), arrays


def serve(about: dict[str, Any], step: Callable[[], float]) -> None:
    """Answer the driver until it closes the pipe.

    Args:
        about: what to print first; versions, say. `compile_seconds` of the first step is added.
        step: trains on the batch once more, and gives the loss before the update.
    """
    out = os.fdopen(os.dup(1), "w")
    # what libraries print must not come between the lines
    os.dup2(2, 1)
    begun = time.perf_counter()
    loss = step()
    about = {**about, "first_step_seconds": time.perf_counter() - begun, "first_loss": loss}
    print(json.dumps(about), file=out, flush=True)
    for line in sys.stdin:
        seconds: list[float] = []
        losses: list[float] = []
        for _ in range(int(line)):
            begun = time.perf_counter()
            losses.append(step())
            seconds.append(time.perf_counter() - begun)
        print(json.dumps({"seconds": seconds, "losses": losses}), file=out, flush=True)
