"""A TPU slice as GKE knows it: kind, chips along each dim, hosts."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import NamedTuple, Self

from xgen_core import InputError

__all__ = ["TpuSlice"]

_CHIPS_PER_HOST = 4


class _Kind(NamedTuple):
    accelerator: str  # what GKE labels the nodes with
    dims: int
    cores: int  # that a name such as v4-256 counts for each chip


_KINDS = {
    "v4": _Kind("tpu-v4-podslice", 3, 2),
    "v5e": _Kind("tpu-v5-lite-podslice", 2, 1),
    "v5p": _Kind("tpu-v5p-slice", 3, 2),
    "v6e": _Kind("tpu-v6e-slice", 2, 1),
}
_NAME = re.compile(r"(?P<kind>v\d+[a-z]?)(-(?P<count>\d+)|:(?P<chips>\d+(x\d+)+))")


@dataclass(frozen=True, slots=True, kw_only=True)
class TpuSlice:
    """Chips that are linked among each other.

    Attributes:
        kind: `v4`, `v5e`, `v5p` or `v6e`.
        shape: chips along each dim.
    """

    kind: str
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.kind not in _KINDS or len(self.shape) != _KINDS[self.kind].dims:
            raise ValueError(f"no slice {self.kind} of {self.topology} chips")

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `v4-256`, which counts cores on v4 and v5p and chips elsewhere, or `v4:4x4x8`.

        Raises:
            InputError: there is no such slice.
        """
        found = _NAME.fullmatch(text)
        kind = _KINDS.get(found["kind"]) if found else None
        if found is None or kind is None:
            raise InputError(
                f"no TPU slice {text!r}: they look like v4-256, or v4:4x4x8 by chips; the kinds "
                f"are {', '.join(_KINDS)}"
            )
        if found["chips"]:
            shape = tuple(map(int, found["chips"].split("x")))
        else:
            shape = _even(int(found["count"]), kind)
        if len(shape) != kind.dims or math.prod(shape) % _CHIPS_PER_HOST:
            raise InputError(
                f"no TPU slice {text!r}: {found['kind']} has {kind.dims} dims, and "
                f"{_CHIPS_PER_HOST} chips a host"
            )
        return cls(kind=found["kind"], shape=shape)

    @property
    def topology(self) -> str:
        """As in `4x4x8`."""
        return "x".join(map(str, self.shape))

    @property
    def chips(self) -> int:
        """How many."""
        return math.prod(self.shape)

    @property
    def hosts(self) -> int:
        """How many machines, a process each."""
        return self.chips // _CHIPS_PER_HOST

    @property
    def accelerator(self) -> str:
        """GKE's name of the kind."""
        return _KINDS[self.kind].accelerator


def _even(count: int, kind: _Kind) -> tuple[int, ...]:
    """Powers of two as near to each other as they can be, as slices named by a number have them."""
    chips, rest = divmod(count, kind.cores)
    powers = chips.bit_length() - 1
    if rest or chips != 2**powers:
        return ()
    shape = sorted(2 ** ((powers + i) // kind.dims) for i in range(kind.dims))
    # the smallest slice with three dims is written 2x2x1
    return tuple(reversed(shape)) if shape[0] == 1 else tuple(shape)
