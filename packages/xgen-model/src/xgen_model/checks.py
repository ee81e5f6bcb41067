"""What `xgen doctor` asks this package: devices, versions, and whether `jit` gradients are right.

Releases of jaxlib for CPU have aborted on, or miscomputed, exactly the gradient that training
needs, so the check compares it with the same computation done without the compiler.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np

from xgen_core.records import Batch, Check
from xgen_model.config import ModelConfig
from xgen_model.cross_entropy import loss
from xgen_model.model import Params, abstract_params

__all__ = ["KNOWN_BAD", "checks", "jit_difference"]

KNOWN_BAD: Mapping[str, str] = MappingProxyType(
    {
        "0.10.0": "aborts in gradients of attention on CPU (jax issue 39264)",
        "0.10.1": "aborts in gradients of attention on CPU (jax issue 39264)",
        "0.10.2": "silently wrong results under jit on CPU (jax issue 39103)",
        "0.11.1": "scans that accumulate into small slices copy the whole buffer on CPU",
    }
)
"""jaxlib releases with reports against them, and what is reported."""
_TOLERANCE = 1e-4


def jit_difference() -> float:
    """Largest relative difference of loss and gradients of a two-layer model, jit against eager.

    The difference of each gradient is taken relative to its largest element.
    """
    # Equal sizes everywhere, because without jit each operation compiles once for each shape.
    config = ModelConfig(
        vocab_size=32,
        n_tokens=30,
        d_model=32,
        n_layers=2,
        n_heads=2,
        n_kv_heads=2,
        d_ff=32,
        context_length=32,
        loss_chunk=0,
    )
    random = np.random.default_rng(0)
    ids = random.integers(0, config.n_tokens, (2, 17)).astype(np.int32)
    segments = np.array([[1] * 9 + [2] * 7, [1] * 12 + [0] * 4], np.int32)
    positions = np.broadcast_to(np.arange(16, dtype=np.int32), (2, 16))
    fields = (ids[:, :-1], ids[:, 1:], segments, positions, (segments > 0).astype(np.int32))
    batch = Batch(*(jnp.asarray(f) for f in fields))

    def mean(params: Params) -> jax.Array:
        sums = loss(config, params, batch)
        return sums.nll / sums.tokens

    both = jax.value_and_grad(mean)
    # Drawn by numpy: it saves compiling `create`.
    params = jax.tree.map(
        lambda a: jnp.asarray(random.normal(0, 0.1, a.shape), a.dtype), abstract_params(config)
    )
    compiled = jax.jit(both)(params)
    with jax.disable_jit():
        eager = both(params)
    differences = jax.tree.map(
        lambda a, b: float(np.max(np.abs(a - b)) / np.max(np.abs(b))), compiled, eager
    )
    return max(jax.tree.leaves(differences))


def checks() -> list[Check]:
    """Devices, versions and the gradient check."""
    devices = jax.devices()
    memory = (devices[0].memory_stats() or {}).get("bytes_limit")
    size = f", {memory / 2**30:.1f} GiB each" if memory else ""
    found = [
        Check(
            name="devices",
            status="ok",
            detail=f"{len(devices)} {devices[0].platform} ({devices[0].device_kind}){size}",
        )
    ]
    lib = version("jaxlib")
    listed = ", ".join(f"{n} {version(n)}" for n in ("jax", "jaxlib", "flax"))
    if lib in KNOWN_BAD:
        advice = f"{listed}; jaxlib {lib}: {KNOWN_BAD[lib]}; install another release"
        found.append(Check(name="jax", status="warning", detail=advice))
    else:
        found.append(Check(name="jax", status="ok", detail=listed))
    difference = jit_difference()
    wrong = not difference <= _TOLERANCE
    found.append(
        Check(
            name="gradients",
            status="failure" if wrong else "ok",
            detail=f"jit differs from eager by {difference:.1e} (at most {_TOLERANCE:.0e})"
            + "; this jaxlib computes wrong gradients here: install another release" * wrong,
        )
    )
    return found
