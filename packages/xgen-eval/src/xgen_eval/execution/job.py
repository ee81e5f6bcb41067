"""What a child is to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from xgen_eval.execution.limits import Limits

__all__ = ["Job", "roles"]

_ROLES = Path(__file__).parent / "roles"


@cache
def roles() -> tuple[str, ...]:
    """Names of the programs that a child can run: the modules of `xgen_eval.execution.roles`.

    Each has `main(channel: Channel, payload: bytes) -> None`. It and what it imports come from the
    standard library or from modules of `xgen_eval.execution` that do; they are loaded before the
    fork.
    """
    return tuple(sorted(p.stem for p in _ROLES.glob("*.py") if p.stem != "__init__"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of a role in a child of its own.

    Attributes:
        role: which program, one of `roles()`.
        payload: handed to its `main`.
        modules: third-party modules that it may import beside the standard library, `"numpy"` say;
            those of the `Sandbox` or fewer.
        limits: what it may use.
    """

    role: str
    payload: bytes
    modules: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if self.role not in roles():
            raise ValueError(f"no role {self.role!r}: there are {', '.join(roles())}")
