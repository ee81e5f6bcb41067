"""A compiled program's text, as far as a planner reads it: which instructions run how often.

A loop's body stands in the text once. How often it runs is what the compiler wrote beside it, or
else the one whole number that the loop's condition compares with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Instruction", "Program", "array_bytes", "parse_program"]

_HEADER = re.compile(r"^(ENTRY )?%?([^\s(]+) \(.*\{$")
_INSTRUCTION = re.compile(r"^\s+(?:ROOT )?%?(\S+) = (\(.*?\)|\S+) ([a-z][a-z0-9-]*)\((.*)$")
_CALLED = re.compile(r"(?:calls|to_apply|body|true_computation|false_computation)=%?([\w.-]+)")
_BRANCHES = re.compile(r"branch_computations=\{([^}]*)\}")
_CONDITION = re.compile(r"condition=%?([\w.-]+)")
_TRIPS = re.compile(r'known_trip_count[^0-9}]*"?(\d+)')
_NUMBER = re.compile(r"^[su]\d+\[\]")
_SHAPE = re.compile(r"\b(pred|[a-z]+\d+[a-z0-9]*)\[([\d,]*)\]")


class Instruction(NamedTuple):
    """One line: name, type as text, operation, and everything from the operands on."""

    name: str
    type: str
    operation: str
    rest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Instructions by computation.

    Attributes:
        entry: where it begins.
        computations: by name.
    """

    entry: str
    computations: dict[str, list[Instruction]]

    def walk(self) -> Iterator[tuple[Instruction, int]]:
        """Every instruction that runs, with how often; a branch is taken to run every time."""
        yield from self._walk(self.entry, 1)

    def _walk(self, name: str, times: int) -> Iterator[tuple[Instruction, int]]:
        for instruction in self.computations.get(name, ()):
            yield instruction, times
            inner = times
            if instruction.operation == "while":
                inner = times * (self.trips(instruction) or 1)
            for called in _called(instruction):
                yield from self._walk(called, inner)

    def trips(self, loop: Instruction) -> int | None:
        """How often a loop's body runs; None if the text does not tell."""
        known = _TRIPS.search(loop.rest)
        if known:
            return int(known.group(1))
        condition = _CONDITION.search(loop.rest)
        lines = self.computations.get(condition.group(1), []) if condition else []
        limits = {
            int(line.rest.split(")")[0])
            for line in lines
            if line.operation == "constant"
            and _NUMBER.match(line.type)
            and line.rest.split(")")[0].isdigit()
        }
        return limits.pop() if len(limits) == 1 else None

    def unknown_loops(self) -> int:
        """Loops whose count the text does not tell; they are taken to run once."""
        return sum(
            1
            for instruction, _ in self.walk()
            if instruction.operation == "while" and self.trips(instruction) is None
        )


def _called(instruction: Instruction) -> list[str]:
    names = _CALLED.findall(instruction.rest)
    for group in _BRANCHES.findall(instruction.rest):
        names += [name.strip().lstrip("%") for name in group.split(",")]
    return names


def parse_program(text: str) -> Program:
    """Read HLO text as `compiled.as_text()` gives it.

    Raises:
        ValueError: it has no entry.
    """
    computations: dict[str, list[Instruction]] = {}
    entry, current = "", None
    for line in text.splitlines():
        header = None if line.startswith(" ") else _HEADER.match(line)
        if header:
            current = computations.setdefault(header.group(2), [])
            entry = header.group(2) if header.group(1) else entry
        elif line == "}":  # a kernel's text ends in lines that only begin so
            current = None
        elif current is not None:
            found = _INSTRUCTION.match(line)
            if found:
                current.append(Instruction(*found.groups()))
    if not entry:
        raise ValueError("this is no HLO text: it has no ENTRY")
    return Program(entry=entry, computations=computations)


def array_bytes(kind: str) -> int:
    """Bytes of all arrays in a type: `bf16[4,2048]{1,0}`, or a tuple of such."""
    total = 0
    for name, dims in _SHAPE.findall(kind):
        digits = re.search(r"\d+", name)
        bits = 8 if digits is None else int(digits.group())
        count = 1
        for dim in filter(None, dims.split(",")):
            count *= int(dim)
        total += count * max(bits, 8) // 8
    return total
