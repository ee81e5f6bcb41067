"""How well untrusted code is held, in layers that do not depend on each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from xgen_core.records import Record

__all__ = ["FULL", "LANDLOCK", "LAYERS", "LIMITS", "NONE", "SECCOMP", "Layer", "Level"]

Layer = Literal["limits", "landlock", "seccomp", "namespaces"]

LAYERS: tuple[Layer, ...] = get_args(Layer)
"""From the weakest: limits (rlimits, a session and, for root, an unprivileged user), Landlock
(files, TCP, signals), seccomp (system calls) and namespaces (a root directory of its own, no
network, no sight of other processes)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level(Record):
    """Which layers hold a child.

    Attributes:
        layers: those that were tried on a child and found to hold, in the order of `LAYERS`.
        details: what a layer is on this machine, by layer.
        missing: why a layer that was wanted is not there, by layer.
    """

    layers: tuple[Layer, ...]
    details: Mapping[str, str] = field(default_factory=dict[str, str])
    missing: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        if list(self.layers) != [layer for layer in LAYERS if layer in self.layers]:
            raise ValueError(f"layers are some of {', '.join(LAYERS)}, in this order")
        if self.layers and self.layers[0] != "limits":
            raise ValueError("no layer holds without limits: they forbid new privileges")

    @property
    def strict(self) -> bool:
        """Whether it is enough for unread code: seccomp, with Landlock or namespaces.

        Namespaces alone are not: they leave vsock, which reaches the host of a virtual machine, and
        what children share in them.
        """
        held = set(self.layers)
        return "seccomp" in held and not held.isdisjoint(("landlock", "namespaces"))

    @property
    def name(self) -> str:
        """The layers in a word, `"limits+landlock+seccomp"`; `"none"` without any."""
        return "+".join(self.layers) or "none"

    def __str__(self) -> str:
        """One line: what holds, and what does not and why."""
        held = ", ".join(
            f"{layer} ({self.details[layer]})" if self.details.get(layer) else layer
            for layer in reversed(self.layers)
        )
        lacking = "; ".join(f"no {layer}: {why}" for layer, why in self.missing.items())
        return (held or "no isolation") + (f"; {lacking}" if lacking else "")


NONE = Level(layers=())
LIMITS = Level(layers=("limits",))
LANDLOCK = Level(layers=("limits", "landlock"))
SECCOMP = Level(layers=("limits", "landlock", "seccomp"))
FULL = Level(layers=LAYERS)
