"""What the C library does with memory that a step gives back, on the CPU.

XLA asks for a step's temporary memory anew each time. glibc hands blocks of that size back to the
kernel as soon as they are free, so the next step touches every page for the first time again: a
quarter of the time of a small model's step (`tools/bench/train.py`).
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util

import jax

__all__ = ["keep_freed_memory"]

# of mallopt(3)
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, for the next step, where training is on the CPU.

    Numbers do not change; the process stays as large as it once was. Call it before JAX starts its
    devices: their threads keep the pools of memory that they began with. Calling it again does
    nothing more.

    Returns:
        Whether it was done: not where an accelerator may be used, nor without glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if _is_cpu() else None
    if mallopt is None:
        return False
    # One pool that grows by brk alone, and is never trimmed: other pools, and blocks of their own,
    # go back to the kernel.
    wanted = ((_ARENA_MAX, 1), (_MMAP_MAX, 0), (_TRIM_THRESHOLD, -1))
    return all(mallopt(name, value) == 1 for name, value in wanted)


def _is_cpu() -> bool:
    """Known without starting a device, which would be too late."""
    chosen = jax.config.jax_platforms
    if chosen:
        return chosen == "cpu"
    plugins = importlib.metadata.entry_points(group="jax_plugins")
    return not plugins and importlib.util.find_spec("libtpu") is None
