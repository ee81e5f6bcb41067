# pyright: reportMissingImports=false
"""The matrix products of one training step of `train.py` alone, forward and backward.

    train_matmuls.py START.npz jax|torch

Linear layers and head, `y = x w`, `dx = dy wᵀ` and `dw = xᵀ dy`, each as often as a step does it;
attention's products are not among them.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from train_side import ROWS, SIZES, TIME, serve

d, f, v, n = (SIZES[name] for name in ("width", "inner", "vocabulary", "layers"))
SHAPES = (((d, 3 * d), n), ((d, d), n), ((d, 2 * f), n), ((f, d), n), ((d, v), 1))
"""In and out of each product, and how often."""


def in_jax(x: Any, w: Any, dy: Any) -> Callable[[], Any]:
    """The three products as one program."""
    import jax

    def products(x: Any, w: Any, dy: Any) -> Any:
        return x @ w, dy @ w.T, x.T @ dy

    arrays = [jax.numpy.asarray(a) for a in (x, w, dy)]
    run = jax.jit(products)
    return lambda: jax.block_until_ready(run(*arrays))


def in_torch(x: Any, w: Any, dy: Any) -> Callable[[], Any]:
    """As autograd calls them: torch's matrices are `[out, in]`."""
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    x, w, dy = (torch.from_numpy(np.ascontiguousarray(a)) for a in (x, w.T, dy))
    return lambda: (x @ w.T, dy @ w, dy.T @ x)


def main() -> None:
    """Time on demand; the "loss" is the rate in GFLOP/s."""
    make = {"jax": in_jax, "torch": in_torch}[sys.argv[2]]
    random = np.random.default_rng(0)
    tokens = ROWS * TIME
    runs = []
    for (i, o), times in SHAPES:
        sizes = ((tokens, i), (i, o), (tokens, o))
        runs.append((make(*(random.standard_normal(s, np.float32) for s in sizes)), times))
    flops = sum(6 * tokens * i * o * times for (i, o), times in SHAPES)

    def step() -> float:
        begun = time.perf_counter()
        for run, times in runs:
            for _ in range(times):
                run()
        return flops / (time.perf_counter() - begun) / 1e9

    serve({"library": sys.argv[2]}, step)


if __name__ == "__main__":
    main()
