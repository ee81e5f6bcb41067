"""What a device can do at best, where that is published: the measure of utilisation."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from jax.sharding import Mesh

from xgen_train.plan.chip import CHIPS

__all__ = ["mesh_peak", "peak_flops"]

_KINDS: Mapping[str, float] = MappingProxyType(
    {
        "TPU v4": CHIPS["v4"].flops,
        "TPU v5 lite": CHIPS["v5e"].flops,
        "TPU v5e": CHIPS["v5e"].flops,
        "TPU v5p": CHIPS["v5p"].flops,
        "TPU v5": CHIPS["v5p"].flops,
        "TPU v6 lite": CHIPS["v6e"].flops,
        "TPU v6e": CHIPS["v6e"].flops,
        # dense bf16, by NVIDIA's data sheets of the SXM modules
        "NVIDIA A100": 312e12,
        "NVIDIA H100": 989e12,
        "NVIDIA H200": 989e12,
    }
)
"""By the beginning of JAX's `device_kind`; of two that match, the longer one counts."""


def peak_flops(device_kind: str) -> float | None:
    """Bf16 FLOPs a second of a device; None where nobody publishes them (CPUs).

    Args:
        device_kind: as JAX names it.
    """
    matching = [kind for kind in _KINDS if device_kind.startswith(kind)]
    return _KINDS[max(matching, key=len)] if matching else None


def mesh_peak(mesh: Mesh) -> float | None:
    """Bf16 FLOPs a second of all devices of a mesh together; None where it is not known."""
    peak = peak_flops(mesh.devices.flat[0].device_kind)
    return None if peak is None else peak * mesh.size
