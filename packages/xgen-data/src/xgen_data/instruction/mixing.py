"""How many examples of each task, and in which order.

Examples-proportional mixing with a cap (Raffel et al., T5, JMLR 2020, §3.5.2; FLAN took it over
with a cap of 30,000): a task of `n` examples has rate `min(n, cap)`. A temperature `T` raises rates
to `1/T` before they are scaled to sum to one: 1 leaves them, larger values bring them together.

Counts are whole numbers that sum to the total exactly. A task is drawn from in passes: every pass
takes each of its examples once, in a new order, before the next begins.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xgen_core import Example
from xgen_core.records import Record
from xgen_data.dealing import largest_remainder
from xgen_data.permutation import mix, permute

__all__ = ["Draws", "Mixture", "MixtureCount", "mix_examples"]

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MixtureCount(Record):
    """A task's part in a mixture.

    Attributes:
        examples: it has.
        rate: share of the mixture that it was to have, before rounding.
        drawn: examples of the mixture that are from it.
        passes: `drawn / examples`.
    """

    task: str
    examples: int
    rate: float
    drawn: int
    passes: float


class Draws(NamedTuple):
    """The order of a mixture.

    Attributes:
        task: `[total]` int64, indices into `Mixture.names`.
        example: `[total]` int64, which example of the task.
        epoch: `[total]` int64, in which pass over the task, from 0.
    """

    task: Ints
    example: Ints
    epoch: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture(Record):
    """A mixture of tasks; equal fields give the same draws on any machine.

    Attributes:
        tasks: number of examples by task; the order of the mapping does not matter.
        cap: the most examples that count for a task's rate; 0 for no cap.
        temperature: positive.
        total: draws; 0 for the sum of `min(n, cap)`, one capped pass over everything.
        seed: changes the order, and which examples an incomplete pass takes; never the counts.
    """

    tasks: Mapping[str, int]
    cap: int = 0
    temperature: float = 1.0
    total: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.tasks or min(self.tasks.values()) < 1:
            raise ValueError(f"a mixture needs tasks of at least 1 example, got {dict(self.tasks)}")
        if self.cap < 0 or self.total < 0:
            raise ValueError("cap and total must not be negative")
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError(f"temperature must be positive and finite, got {self.temperature}")

    @property
    def names(self) -> tuple[str, ...]:
        """The tasks in the order that `Draws.task` counts them in."""
        return tuple(sorted(self.tasks))

    def counts(self) -> tuple[MixtureCount, ...]:
        """Every task's part, in the order of `names`; `drawn` sums to the total."""
        names = self.names
        capped = [min(self.tasks[n], self.cap or self.tasks[n]) for n in names]
        largest = max(capped)  # scaled by it first, so that no power under- or overflows
        weights = [(size / largest) ** (1 / self.temperature) for size in capped]
        drawn = largest_remainder(self.total or sum(capped), weights)
        return tuple(
            MixtureCount(
                task=name,
                examples=self.tasks[name],
                rate=weight / math.fsum(weights),
                drawn=count,
                passes=count / self.tasks[name],
            )
            for name, weight, count in zip(names, weights, drawn, strict=True)
        )

    def draws(self) -> Draws:
        """The whole order.

        A task's draws are spread evenly, one at a random place of each of as many equal stretches:
        any beginning of the order has the mixture, to within one draw a task or so.
        """
        counts = self.counts()
        parts = [self._of_task(count) for count in counts]
        place = np.concatenate([p for p, _, _ in parts])
        task = np.repeat(np.arange(len(counts)), [count.drawn for count in counts])
        order = np.lexsort((task, place))
        example = np.concatenate([e for _, e, _ in parts])
        epoch = np.concatenate([e for _, _, e in parts])
        return Draws(task[order], example[order], epoch[order])

    def _of_task(self, count: MixtureCount) -> tuple[npt.NDArray[np.float64], Ints, Ints]:
        key = _key(self.seed, count.task)
        turn = np.arange(count.drawn, dtype=np.int64)
        jitter = (mix(turn.astype(np.uint64) ^ key) >> np.uint64(11)) / 2.0**53
        place = (turn + jitter) / max(count.drawn, 1)
        epoch, within = np.divmod(turn, count.examples)
        keys = mix(epoch.astype(np.uint64) + key)
        size = np.full(count.drawn, count.examples, np.uint64)
        example = permute(within.astype(np.uint64), size, keys).astype(np.int64)
        return place, example, epoch


def mix_examples(mixture: Mixture, tasks: Mapping[str, Sequence[Example]]) -> Iterator[Example]:
    """The mixture itself, example by example.

    Args:
        mixture: its counts must be those of `tasks`.
        tasks: examples by task, in an order that stays.

    Raises:
        ValueError: the tasks are not those of the mixture, or of other sizes.
    """
    found = {task: len(examples) for task, examples in tasks.items()}
    if found != dict(mixture.tasks):
        raise ValueError(f"the mixture is of {dict(mixture.tasks)}, not of {found}")
    lists = [tasks[name] for name in mixture.names]
    draws = mixture.draws()
    for task, example in zip(draws.task.tolist(), draws.example.tolist(), strict=True):
        yield lists[task][example]


def _key(seed: int, task: str) -> np.uint64:
    digest = hashlib.sha256(f"{seed}\0{task}".encode()).digest()
    return np.uint64(int.from_bytes(digest[:8], "little"))
