"""Attention forward and backward here: `python tools/bench/attention.py`.

Whole documents in float32, heads of 64. For each shape and implementation: the quickest and the
median run, time to compile, and the temporary memory that XLA reports for the compiled program.
"""

from __future__ import annotations

import time

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from xgen_model.attention import attention

SHAPES = ((32, 128, 8), (16, 256, 8), (8, 512, 8), (1, 2048, 8), (1, 8192, 8))
"""Rows, tokens and heads."""
HEAD = 64
RUNS = 9
LONGEST_REFERENCE = 2048
"""Beyond it the reference needs gigabytes for its scores."""


def measure(implementation: str, rows: int, tokens: int, heads: int) -> str:
    """One line about one implementation and shape."""
    random = np.random.default_rng(0)
    shape = (rows, tokens, heads, HEAD)
    query, key, value, weights = (
        jnp.asarray(random.standard_normal(shape), jnp.float32) for _ in range(4)
    )
    segments = jnp.ones((rows, tokens), jnp.int32)
    positions = jnp.broadcast_to(jnp.arange(tokens, dtype=jnp.int32), (rows, tokens))

    def total(query: Array, key: Array, value: Array, segments: Array, positions: Array) -> Array:
        mixed = attention(
            query,
            key,
            value,
            segments=segments,
            positions=positions,
            implementation=implementation,
        )
        return jnp.sum(mixed * weights)

    arguments = (query, key, value, segments, positions)
    begun = time.perf_counter()
    compiled = jax.jit(jax.grad(total, argnums=(0, 1, 2))).lower(*arguments).compile()
    compiling = time.perf_counter() - begun
    seconds: list[float] = []
    for _ in range(RUNS + 1):
        begun = time.perf_counter()
        jax.block_until_ready(compiled(*arguments))
        seconds.append(time.perf_counter() - begun)
    seconds = sorted(seconds[1:])
    memory = compiled.memory_analysis()
    temporary = memory.temp_size_in_bytes / 2**20 if memory is not None else float("nan")
    return (
        f"{rows:3d} x {tokens:5d} x {heads} {implementation:10s} {seconds[0] * 1e3:8.1f} ms, "
        f"median {seconds[RUNS // 2] * 1e3:8.1f}; compiled in {compiling:.1f} s; "
        f"{temporary:6.0f} MiB"
    )


def main() -> None:
    """Print a line for each shape and implementation."""
    for shape in SHAPES:
        for implementation in ("reference", "chunked"):
            if implementation == "chunked" or shape[1] <= LONGEST_REFERENCE:
                print(measure(implementation, *shape), flush=True)


if __name__ == "__main__":
    main()
