"""A fault that is made on purpose, and how it is written: `kill@137,nan@200,hang@300:1`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from xgen_core import InputError

__all__ = ["KINDS", "Fault", "parse_faults"]

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "kill": "SIGKILL to the process",
        "term": "SIGTERM to the process, as a scheduler sends it",
        "nan": "NaN in loss and gradient of the step, each time that it is run",
        "slow": "two seconds of doing nothing",
        "hang": "the main thread waits for ever",
        "freeze": "SIGSTOP: the whole process stands still",
        "corrupt-checkpoint": "a flipped bit in the largest file of the newest checkpoint",
    }
)
"""What each does, right before its step."""

_FORM = re.compile(r"(?P<kind>[a-z-]+)@(?P<step>[0-9]+)(?::(?P<process>[0-9]+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault.

    Attributes:
        kind: of `KINDS`.
        step: before which it happens, 1 for the first.
        process: to which it happens.
    """

    kind: str
    step: int
    process: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault {self.kind!r}; there are {', '.join(KINDS)}")
        if self.step < 1 or self.process < 0:
            raise ValueError("steps count from 1, processes from 0")

    def __str__(self) -> str:
        return f"{self.kind}@{self.step}" + (f":{self.process}" if self.process else "")


def parse_faults(text: str) -> tuple[Fault, ...]:
    """Faults from `KIND@STEP` or `KIND@STEP:PROCESS`, with commas between.

    Raises:
        InputError: it does not say that; names the part that does not.
    """
    found: list[Fault] = []
    for part in text.split(",") if text else ():
        form = _FORM.fullmatch(part.strip())
        if form is None:
            raise InputError(
                f"fault {part.strip()!r}: expected KIND@STEP or KIND@STEP:PROCESS, as in "
                f"kill@137,nan@200; kinds are {', '.join(KINDS)}"
            )
        try:
            found.append(
                Fault(kind=form["kind"], step=int(form["step"]), process=int(form["process"] or 0))
            )
        except ValueError as error:
            raise InputError(f"fault {part.strip()!r}: {error}") from error
    return tuple(found)
