"""Memory of one device, as the compiler has assigned it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import jax

__all__ = ["Memory", "assigned_temporaries", "read_memory"]

_TEMPORARY = re.compile(r"^allocation \d+: size (\d+),(.*)preallocated-temp", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes of one device's memory.

    Attributes:
        arguments_bytes: state and batch.
        temporaries_bytes: the block that the compiler has laid all temporary arrays out in.
        outputs_bytes: new state and metrics.
        aliased_bytes: of the outputs, what takes the place of arguments.
        code_bytes: the program.
        counted_temporaries_bytes: the compiler's other figure, `temp_size_in_bytes`. libtpu 0.0.52
            gives the same; 0.0.37 gives more than its own assignment has.
    """

    arguments_bytes: int
    temporaries_bytes: int
    outputs_bytes: int
    aliased_bytes: int
    code_bytes: int
    counted_temporaries_bytes: int

    @property
    def total(self) -> int:
        """What a step takes of the device's memory."""
        kept = self.outputs_bytes - self.aliased_bytes
        return self.arguments_bytes + self.temporaries_bytes + kept + self.code_bytes


def read_memory(compiled: jax.stages.Compiled, assigned: int | None) -> Memory:
    """From a compiled program, and the size of its block of temporaries where that is known."""
    found = compiled.memory_analysis()
    counted = int(found.temp_size_in_bytes)
    return Memory(
        arguments_bytes=int(found.argument_size_in_bytes),
        temporaries_bytes=counted if assigned is None else assigned,
        outputs_bytes=int(found.output_size_in_bytes),
        aliased_bytes=int(found.alias_size_in_bytes),
        code_bytes=int(found.generated_code_size_in_bytes),
        counted_temporaries_bytes=counted,
    )


def assigned_temporaries(dump: Path) -> int | None:
    """The size of the block, from the buffer assignment that the compiler wrote; None without one.

    Blocks with a colour lie in other memories than the large one (a v4's 128 MiB of CMEM, say).
    """
    files = list(dump.glob("*buffer-assignment.txt"))
    if len(files) != 1:
        return None
    blocks = _TEMPORARY.findall(files[0].read_text(encoding="utf-8"))
    sizes = [int(size) for size, notes in blocks if "color" not in notes]
    return sum(sizes) if sizes else None
