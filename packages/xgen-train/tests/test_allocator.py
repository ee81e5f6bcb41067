"""A step's memory stays with the process where training is on the CPU."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import resource, jax, jax.numpy as jnp
from xgen_train.allocator import keep_freed_memory
if {asked}:
    assert keep_freed_memory()
double = jax.jit(lambda x: x * 2)
x = jnp.ones((4096, 4096))
faults = []
for _ in range(24):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    jax.block_until_ready(double(x))
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(sorted(faults[-8:])[4])  # once the pool has grown to its size
"""


def _faults(asked: bool) -> int:
    """Pages touched for the first time by a repeated computation, usually."""
    program = PROGRAM.format(asked=asked)
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return int(run.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_freed_memory_is_used_again_by_the_next_step() -> None:
    pages = 4096 * 4096 * 4 // 4096  # of one array
    assert _faults(False) > pages / 2
    assert _faults(True) < pages / 10
