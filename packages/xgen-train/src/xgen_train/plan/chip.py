"""What one chip can do at best, as its maker publishes it.

The figures are those of Google Cloud's page on each version's system architecture
(docs.cloud.google.com/tpu/docs/v4, v5e, v5p, v6e): peak bf16, HBM and its bandwidth, and the
bandwidth of all links to other chips, counted in one direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["CHIPS", "Chip"]

GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One kind of chip.

    Attributes:
        name: as in `v4-256`.
        flops: bf16 FLOPs a second.
        hbm_bytes: of memory.
        hbm_bandwidth: bytes a second.
        link_bandwidth: bytes a second that leave the chip over all its links together.
        cores: that an accelerator type counts for each chip: `v4-256` has 128 chips.
        dims: of the torus.
        libtpu: what libtpu calls the kind.
    """

    name: str
    flops: float
    hbm_bytes: int
    hbm_bandwidth: float
    link_bandwidth: float
    cores: int
    dims: int
    libtpu: str


CHIPS: Mapping[str, Chip] = MappingProxyType(
    {
        chip.name: chip
        for chip in (
            Chip(
                name="v4",
                flops=275e12,
                hbm_bytes=32 * GIB,
                hbm_bandwidth=1200e9,
                link_bandwidth=300e9,
                cores=2,
                dims=3,
                libtpu="v4",
            ),
            Chip(
                name="v5e",
                flops=197e12,
                hbm_bytes=16 * GIB,
                hbm_bandwidth=819e9,
                link_bandwidth=200e9,
                cores=1,
                dims=2,
                libtpu="v5e",
            ),
            Chip(
                name="v5p",
                flops=459e12,
                hbm_bytes=95 * GIB,
                hbm_bandwidth=2765e9,
                link_bandwidth=600e9,
                cores=2,
                dims=3,
                libtpu="v5",
            ),
            Chip(
                name="v6e",
                flops=918e12,
                hbm_bytes=32 * GIB,
                hbm_bandwidth=1640e9,
                link_bandwidth=448e9,
                cores=1,
                dims=2,
                libtpu="v6e",
            ),
        )
    }
)
"""By name."""
