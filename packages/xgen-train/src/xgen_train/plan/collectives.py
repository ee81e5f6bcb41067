"""What chips say to each other in one step, by kind, counted in the compiled program.

Two figures each. `bytes` is the size of the whole array: what an all-gather puts together, what a
reduce-scatter or an all-reduce adds up. `wire_bytes` is what leaves one chip at least, in a group
of g: (g - 1)/g of it, and twice that for an all-reduce.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from xgen_train.plan.hlo import Instruction, Program, array_bytes

__all__ = ["KINDS", "Collective", "count_collectives"]

KINDS = ("all-gather", "reduce-scatter", "all-reduce", "all-to-all", "collective-permute")


@dataclass(frozen=True, slots=True, kw_only=True)
class Collective:
    """One kind, over a whole step, on one chip.

    Attributes:
        count: how often it runs.
        bytes: of the whole arrays.
        wire_bytes: that leave the chip.
    """

    count: int = 0
    bytes: int = 0
    wire_bytes: int = 0


def count_collectives(program: Program) -> Mapping[str, Collective]:
    """Count by kind; kinds that do not occur are there with zeros."""
    found = dict.fromkeys(KINDS, Collective())
    for instruction, times in program.walk():
        kind = instruction.operation.removesuffix("-start")
        if kind not in found:
            continue
        size, group = _size(instruction, kind), _group(instruction.rest)
        before = found[kind]
        found[kind] = Collective(
            count=before.count + times,
            bytes=before.bytes + times * size,
            wire_bytes=before.wire_bytes + times * _wire(kind, size, group),
        )
    return found


def _size(instruction: Instruction, kind: str) -> int:
    result = instruction.type
    if instruction.operation.endswith("-start") and kind in ("all-gather", "collective-permute"):
        result = _parts(result)[1]  # operands, results and the rest
    size = array_bytes(result)
    return size * _group(instruction.rest) if kind == "reduce-scatter" else size


def _parts(kind: str) -> list[str]:
    """The elements of a tuple's type."""
    parts, depth = [""], 0
    for letter in kind[1:-1]:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _wire(kind: str, size: int, group: int) -> int:
    if kind == "collective-permute":
        return size
    return size * (group - 1) // group * (2 if kind == "all-reduce" else 1)


def _group(rest: str) -> int:
    """Chips that take part in one group, from any of the three ways to write it."""
    listed = re.search(r"replica_groups=\{\{([\d,]+)\}", rest)
    if listed:
        return listed.group(1).count(",") + 1
    counted = re.search(r"replica_groups=\[(\d+),(\d+)\]", rest)
    if counted:
        return int(counted.group(2))
    named = re.search(r"replica_groups=mesh\[([^\]]*)\]\S* \{([^}]*)\}", rest)
    if not named:
        return 1
    sizes = {axis: int(size) for axis, size in re.findall(r"'([^']+)'=(\d+)", named.group(1))}
    product = 1
    for axis, part in re.findall(r"'([^']+)'(?::\(\d+\)(\d+))?", named.group(2)):
        product *= int(part) if part else sizes[axis]
    return product
