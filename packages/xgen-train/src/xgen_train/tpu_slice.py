"""A TPU slice as GKE and Ray know it: kind of node, shape, hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Self

from xgen_core import InputError
from xgen_train.plan.topology import Topology, parse_topology

__all__ = ["TpuSlice"]

_ACCELERATORS: Mapping[str, str] = MappingProxyType(
    {
        "v4": "tpu-v4-podslice",
        "v5e": "tpu-v5-lite-podslice",
        "v5p": "tpu-v5p-slice",
        "v6e": "tpu-v6e-slice",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TpuSlice:
    """Chips that are linked among each other, on hosts of four.

    Attributes:
        kind: `v4`, `v5e`, `v5p` or `v6e`.
        topology: with its shape.
    """

    CHIPS_PER_HOST: ClassVar[int] = 4

    kind: str
    topology: Topology

    @classmethod
    def parse(cls, name: str) -> Self:
        """From a name as `xgen train plan` takes it, such as `v4-256` or `v4:4x4x8`.

        Raises:
            InputError: there is no such slice, or it has no whole hosts.
        """
        topology = parse_topology(name)
        kind = None if topology.chip is None else topology.chip.name
        if kind not in _ACCELERATORS or topology.chips % cls.CHIPS_PER_HOST:
            raise InputError(
                f"topology {name!r}: no slice of TPU hosts with {cls.CHIPS_PER_HOST} chips each; "
                f"kinds are {', '.join(_ACCELERATORS)}"
            )
        return cls(kind=kind, topology=topology)

    @property
    def shape(self) -> str:
        """As in `4x4x8`."""
        return "x".join(map(str, self.topology.shape))

    @property
    def chips(self) -> int:
        """How many."""
        return self.topology.chips

    @property
    def hosts(self) -> int:
        """How many machines, a process each."""
        return self.chips // self.CHIPS_PER_HOST

    @property
    def accelerator(self) -> str:
        """GKE's name of the kind."""
        return _ACCELERATORS[self.kind]
