"""What an attack is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from xgen_eval.execution import Limits

STRICT = Limits(
    wall_seconds=1.0, cpu_seconds=1, memory_bytes=1 << 28, output_bytes=1 << 16, file_bytes=1 << 16
)
OFF = Limits(
    wall_seconds=60, cpu_seconds=60, memory_bytes=1 << 40, output_bytes=1 << 30, file_bytes=1 << 30
)


@dataclass(frozen=True, kw_only=True)
class Attack:
    """A program that tries to reach out of its sandbox, in a harmless form.

    Attributes:
        name: what it tries.
        code: a script. It finds its targets in the dictionary `W`, and prints ESCAPED when it has
            had its way; what it does to a target shows without its word.
        ending: it has had its way only if it also comes to its own end.
        effect: looks at the targets for what the script should not have been able to do.
        root: only root could do it even without a sandbox.
        kernel: kernels may lack or forbid what it uses, sandbox or not.
    """

    name: str
    code: str
    ending: bool = False
    effect: Callable[[Any], bool] = field(default=lambda world: False)
    root: bool = False
    kernel: bool = False
