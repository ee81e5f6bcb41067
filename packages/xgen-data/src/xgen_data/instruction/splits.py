"""What is held out: instances, tasks, or types of tasks.

    instance    another input of a task that training sees: the ordinary supervised setting
    task        a task that training does not see, though it may see others of its type
    task_type   a type of which training sees no task at all

Which side something lies on follows from its hash, so it survives additions as long as nothing
near-equal is added. Near-equal inputs lie on one side: of a group of them all are held out if the
hash of any input says so. Hence what has been held out once is never trained on later; an addition
can only draw more examples out of the training side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from xgen_core import Example, InputError
from xgen_core.records import Record
from xgen_data.instruction.near import Blocking, groups, near_pairs
from xgen_data.instruction.parts import input_text, normalise, stable_fraction, task_type

__all__ = ["Level", "Side", "Split", "SplitCount", "check_split", "split_examples"]

Level = Literal["instance", "task", "task_type"]
Side = Literal["train", "validation", "dropped"]
SPLIT_GROUP = "split.group"
"""Metadata key, as for documents: examples of equal value lie on one side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCount(Record):
    """How many examples of a task are on each side."""

    task: str
    type: str
    train: int
    validation: int
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Split(Record):
    """A split, and what is needed to believe it.

    Attributes:
        level: what was held out.
        held_out: the tasks or task types held out, sorted; empty for instances.
        sides: for each example, in order. `"dropped"` is possible only for tasks and types: the
            example belongs to training but its input is near one that is held out.
        counts: by task.
        groups: of near-equal inputs, how many there are.
        largest_group: examples in the largest.
    """

    level: Level
    held_out: tuple[str, ...]
    sides: tuple[Side, ...]
    counts: tuple[SplitCount, ...]
    groups: int
    largest_group: int

    def size(self, side: Side) -> int:
        """Examples on a side."""
        return self.sides.count(side)


def split_examples(
    examples: Sequence[Example],
    *,
    level: Level = "instance",
    fraction: float = 0.05,
    names: Collection[str] = (),
    salt: str = "",
    threshold: float | None = 0.8,
    blocking: Blocking = near_pairs,
) -> Split:
    """Decide for every example on which side it lies.

    Args:
        examples: in any order, which changes nothing.
        level: what to hold out.
        fraction: the share of inputs, tasks or types to hold out, by their hash: groups make it
            somewhat more, and of few tasks it may be none.
        names: tasks or types to hold out instead of a share.
        salt: another salt, another split.
        threshold: least similarity of near inputs; None for equal inputs only.
        blocking: finds the near inputs.

    Raises:
        InputError: an example has no task (or type) where these are held out, a name is unknown, or
            nothing is left for training.
        ValueError: `fraction` is not in [0, 1), or `names` are given for instances.
    """
    if not 0 <= fraction < 1:
        raise ValueError(f"fraction lies in [0, 1), got {fraction}")
    if level == "instance" and names:
        raise ValueError("names of tasks to hold out need level='task' or 'task_type'")
    inputs = [normalise(input_text(example)) for example in examples]
    group = _groups(examples, inputs, threshold, blocking)
    held_out: tuple[str, ...] = ()
    sides: list[Side]
    if level == "instance":
        drawn = {
            g
            for g, text in zip(group, inputs, strict=True)
            if stable_fraction(text, salt) < fraction
        }
        sides = ["validation" if g in drawn else "train" for g in group]
    else:
        keys = _keys(examples, level)
        held_out = _held_out(keys, level, fraction, names, salt)
        drawn = {g for g, key in zip(group, keys, strict=True) if key in held_out}
        sides = [
            "validation" if key in held_out else "dropped" if g in drawn else "train"
            for g, key in zip(group, keys, strict=True)
        ]
    if examples and "train" not in sides:
        raise InputError(
            f"all {len(examples)} examples are held out ({level}, fraction {fraction}): "
            "nothing is left for training; lower the fraction or name fewer tasks"
        )
    return Split(
        level=level,
        held_out=held_out,
        sides=tuple(sides),
        counts=_counts(examples, sides),
        groups=len(set(group)),
        largest_group=max(Counter(group).values(), default=0),
    )


def check_split(examples: Sequence[Example], split: Split) -> None:
    """Prove that nothing leaks: no input, and no held-out task or type, is on both sides.

    Raises:
        ValueError: something is; names the first of it.
    """
    sides: dict[str, set[str]] = {"train": set(), "validation": set(), "dropped": set()}
    for example, side in zip(examples, split.sides, strict=True):
        found = [f"input {normalise(input_text(example))!r}"]
        if split.level == "task":
            found.append(f"task {example.task!r}")
        if split.level == "task_type":
            found += [f"task {example.task!r}", f"task type {task_type(example)!r}"]
        sides[side].update(found)
        if split.level == "instance":
            group = example.metadata.get(SPLIT_GROUP)
            if group is not None:
                sides[side].add(f"group {group!r}")
    shared = sorted(sides["train"] & sides["validation"])
    if shared:
        raise ValueError(
            f"{len(shared)} things are on both sides of the split, first {shared[0]:.120}"
        )


def _groups(
    examples: Sequence[Example],
    inputs: Sequence[str],
    threshold: float | None,
    blocking: Blocking,
) -> list[int]:
    """For each example the first one that it must stay together with."""
    first: dict[str, int] = {}
    links: list[tuple[int, int]] = []
    for index, (example, text) in enumerate(zip(examples, inputs, strict=True)):
        links.append((first.setdefault(f"input {text}", index), index))
        named = example.metadata.get(SPLIT_GROUP)
        if named is not None:
            links.append((first.setdefault(f"group {named}", index), index))
    if threshold is not None:
        distinct = sorted(set(inputs))
        for pair in blocking(distinct, threshold=threshold):
            left, right = distinct[pair.left], distinct[pair.right]
            links.append((first[f"input {left}"], first[f"input {right}"]))
    return groups(len(examples), links)


def _keys(examples: Sequence[Example], level: Level) -> list[str]:
    keys = [example.task if level == "task" else task_type(example) for example in examples]
    missing = [e.id for e, key in zip(examples, keys, strict=True) if not key]
    if missing:
        where = "`task`" if level == "task" else "metadata `task.type`"
        raise InputError(
            f"{len(missing)} examples have no {level.replace('_', ' ')}, first {missing[0]!r}: "
            f"set {where}, or split by instance"
        )
    return keys


def _held_out(
    keys: Sequence[str], level: Level, fraction: float, names: Collection[str], salt: str
) -> tuple[str, ...]:
    known = sorted(set(keys))
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise InputError(
            f"no example is of the {level.replace('_', ' ')} {unknown[0]!r}; "
            f"there are {', '.join(known[:20])}{', …' if len(known) > 20 else ''}"
        )
    if names:
        return tuple(sorted(set(names)))
    return tuple(key for key in known if stable_fraction(key, salt) < fraction)


def _counts(examples: Sequence[Example], sides: Sequence[Side]) -> tuple[SplitCount, ...]:
    tasks: dict[tuple[str, str], Counter[str]] = {}
    for example, side in zip(examples, sides, strict=True):
        tasks.setdefault((example.task, task_type(example)), Counter())[side] += 1
    return tuple(
        SplitCount(
            task=task,
            type=kind,
            train=count["train"],
            validation=count["validation"],
            dropped=count["dropped"],
        )
        for (task, kind), count in sorted(tasks.items())
    )
