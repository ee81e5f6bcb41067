"""Which chips, and how they are wired: `v4-256`, `v4:4x4x8`, `cpu-8`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from xgen_core import InputError
from xgen_train.plan.chip import CHIPS, Chip

__all__ = ["Topology", "parse_topology"]

_ADVICE = "they look like v4-256 (128 chips), v4:4x4x8, v5e-64, v6e:16x16 or cpu-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """A slice of chips.

    Attributes:
        name: as it was asked for.
        chip: of which kind; None for CPU devices.
        shape: chips along each dim.
    """

    name: str
    chip: Chip | None
    shape: tuple[int, ...]

    @property
    def chips(self) -> int:
        """How many."""
        return math.prod(self.shape)

    @property
    def libtpu(self) -> str:
        """What libtpu calls it."""
        kind = "cpu" if self.chip is None else self.chip.libtpu
        return f"{kind}:{'x'.join(map(str, self.shape))}"


def parse_topology(name: str) -> Topology:
    """Read the name of a topology.

    `KIND-N` is an accelerator type as Google Cloud sells it: N counts cores for v4 and v5p, two a
    chip, and chips for v5e and v6e; the shape is the most compact one. `KIND:AxBxC` says the shape.
    `cpu-N` is N CPU devices.

    Raises:
        InputError: no such kind, or no slice of that size.
    """
    found = re.fullmatch(r"([a-z0-9]+?)(?:-(\d+)|:(\d+(?:x\d+)*))", name)
    kind = found.group(1).replace("v5litepod", "v5e") if found else ""
    if not found or (kind != "cpu" and kind not in CHIPS):
        raise InputError(
            f"unknown topology {name!r}: kinds are {', '.join(CHIPS)} and cpu; {_ADVICE}"
        )
    count, shape = found.group(2), found.group(3)
    if kind == "cpu":
        sizes = (int(count),) if count else tuple(map(int, shape.split("x")))
        return _checked(name, Topology(name=name, chip=None, shape=sizes))
    chip = CHIPS[kind]
    if shape:
        sizes = tuple(map(int, shape.split("x")))
        if len(sizes) != chip.dims:
            raise InputError(
                f"topology {name!r}: {kind} slices have {chip.dims} dims, got {len(sizes)}"
            )
        return _checked(name, Topology(name=name, chip=chip, shape=sizes))
    chips, rest = divmod(int(count), chip.cores)
    sizes = _compact(chips, chip.dims) if chips and not rest else None
    if sizes is None:
        unit = "cores" if chip.cores > 1 else "chips"
        raise InputError(f"topology {name!r}: no {kind} slice has {count} {unit}; {_ADVICE}")
    return Topology(name=name, chip=chip, shape=sizes)


def _checked(name: str, topology: Topology) -> Topology:
    if topology.chips < 1:
        raise InputError(f"topology {name!r} has no devices; {_ADVICE}")
    return topology


def _compact(chips: int, dims: int) -> tuple[int, ...] | None:
    """Sides 1, 2 or multiples of 4 with the smallest sum, ascending; a lone chip layer is last."""
    allowed = [s for s in range(1, chips + 1) if chips % s == 0 and (s <= 2 or s % 4 == 0)]
    if dims == 2:
        shapes = [(a, chips // a) for a in allowed if a <= chips // a and chips // a in allowed]
    else:
        shapes = [
            (a, b, chips // (a * b))
            for a in allowed
            for b in allowed
            if a <= b and chips % (a * b) == 0 and b <= chips // (a * b) in allowed
        ]
    if not shapes:
        return None
    best = min(shapes, key=sum)
    return (*best[1:], 1) if dims == 3 and best[0] == 1 else best
