"""What one run of untrusted code may use."""

from __future__ import annotations

from dataclasses import dataclass

from xgen_core.records import Record

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(Record):
    """What one child may use before it is ended.

    Attributes:
        wall_seconds: from its start, sleeping included; the parent kills it.
        cpu_seconds: processor time; the kernel kills it.
        memory_bytes: of address space, the interpreter's own 30 MB (110 MB with numpy) included;
            more is a `MemoryError` inside.
        output_bytes: on standard output and standard error together; more ends it.
        file_bytes: largest file it may write, where it may write at all.
        open_files: descriptors, the four it is born with included.
    """

    wall_seconds: float = 10.0
    cpu_seconds: int = 10
    memory_bytes: int = 1 << 30
    output_bytes: int = 1 << 20
    file_bytes: int = 1 << 20
    open_files: int = 32

    def __post_init__(self) -> None:
        if not 0 < self.wall_seconds < 1e6:
            raise ValueError(f"wall_seconds must lie in (0, 1e6), got {self.wall_seconds}")
        if self.cpu_seconds < 1:
            raise ValueError(f"cpu_seconds must be at least 1, got {self.cpu_seconds}")
        if self.memory_bytes < 1 << 26:
            raise ValueError(f"memory_bytes must be at least 64 MiB, got {self.memory_bytes}")
        if self.output_bytes < 0 or self.file_bytes < 0:
            raise ValueError("output_bytes and file_bytes must not be negative")
        if self.open_files < 8:
            raise ValueError(f"open_files must be at least 8, got {self.open_files}")
