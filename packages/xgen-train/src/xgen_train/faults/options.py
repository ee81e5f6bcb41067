"""What a run is told about faults; decides nothing that it computes."""

from __future__ import annotations

from dataclasses import dataclass

from xgen_train.faults.fault import Fault

__all__ = ["FaultOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultOptions:
    """How a run is watched, and what is done to it.

    Attributes:
        watchdog: seconds without a finished step after which the run ends; 0 for never.
        inject: faults to make.
    """

    watchdog: float = 600.0
    inject: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        if self.watchdog < 0:
            raise ValueError(f"watchdog must not be negative, got {self.watchdog}")
