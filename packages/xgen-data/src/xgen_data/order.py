"""Which tokens does row `r` of step `s` read? A pure function of the schedule; no state, no I/O.

A *source* is a line of tokens. Its line is cut into *cells* of `T_max` tokens, `T_max` being the
largest sequence length of the schedule, and laid end to end with itself, once per epoch:

    epoch        0                     1
    cell         0  1  2  3  4  5  6 | 0  1  2  3  4  5  6 | 0 …      C = 7 cells a pass
    stages       [ 2K  ][ 4K    ][ 8K          ]
    blocks       ├────────┼────────┤ | ├────────┼────────┤ |          block_tokens // T_max cells

1. **Budgets.** A stage reads `steps · batch_size · T` tokens, a whole number of cells. They are
   shared among the sources by weight and rounded by largest remainder, so they sum exactly.
2. **Intervals.** A source's cells of a stage begin where those of the stage before ended. So stages
   of different T read disjoint text, and nothing is left out between them.
3. **Turns.** Slot `p = step · batch_size + row` of the stage is dealt to a source by a chain of
   Bresenham splits: the first source, owed `w` of the stage's `W` cells, takes slot `p` if and only
   if `⌊(p+1)·w/W⌋ > ⌊p·w/W⌋`; the slots that it leaves are numbered anew and dealt to the others
   likewise. It is the source's `⌊p·w/W⌋`-th turn. Every budget is met exactly, every prefix of
   the stage has the mixture to within one window a split, and any slot is found without the others.
4. **Windows.** A *segment* is what interval, block and epoch have in common: a run of cells, that
   is `T_max / T` times as many windows of T tokens. A source's turns fill its segments in order,
   and inside a segment in the order of a keyed permutation (`xgen_data.permutation`).

Points 3 and 4 are bijections, so within an epoch every token of an interval is read exactly once as
an input, whatever is restarted, and on however many hosts. A line's last `tokens - C·T_max` tokens
(at least one, because a window of T inputs needs T + 1 ids; at most T_max) are never an input.

A later stage may be changed while an earlier one runs, because nothing here looks ahead, except
that `T_max` must stay what it was: give `cell_tokens` to reserve a larger one.
"""

from __future__ import annotations

import bisect
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xgen_data.permutation import mix, permute

__all__ = ["LineSize", "Order", "Stage", "Windows", "largest_remainder"]

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSize:
    """How long a source's token line is, and in blocks of how many tokens it is shuffled."""

    tokens: int
    block_tokens: int

    def __post_init__(self) -> None:
        if self.tokens < 0 or self.block_tokens < 1:
            raise ValueError(f"a line has tokens >= 0 and block_tokens >= 1, got {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stretch of training with one sequence length, one batch size and one mixture.

    Attributes:
        sequence_length: T, in tokens.
        batch_size: rows in a step, over all hosts.
        steps: how many steps the stage lasts.
        weights: share of the *tokens* by source; scaled to sum to one. A source may weigh 0.
    """

    sequence_length: int
    batch_size: int
    steps: int
    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        if min(self.sequence_length, self.batch_size, self.steps) < 1:
            raise ValueError("a stage needs sequence_length, batch_size and steps of at least 1")
        weights = list(self.weights.values())
        if not all(math.isfinite(w) and w >= 0 for w in weights) or not sum(weights) > 0:
            raise ValueError(
                f"weights must be finite, not negative and not all zero, got {dict(self.weights)}"
            )

    @property
    def tokens(self) -> int:
        """Input tokens of the whole stage."""
        return self.steps * self.batch_size * self.sequence_length


class Windows(NamedTuple):
    """Where each row of a step reads: `sequence_length + 1` ids from `start` on.

    Attributes:
        sequence_length: T of the step.
        source: `[b]` int64, indices into `Order.sources`.
        start: `[b]` int64, first token on the source's line.
        epoch: `[b]` int64, which pass over the line this is, from 0.
    """

    sequence_length: int
    source: Ints
    start: Ints
    epoch: Ints


class _Plan(NamedTuple):
    """A stage, worked out; the arrays are by source.

    `first` and `budget` are in cells of the unrolled line, `key` seeds the permutations.
    """

    first_step: int
    tokens_before: int
    first: Ints
    budget: Ints
    key: npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The whole schedule as one function from step to windows.

    Attributes:
        seed: changes the order inside blocks and nothing else.
        stages: in the order in which they run.
        lines: the token lines by source name; the order of the mapping does not matter.
        cell_tokens: T_max; 0 for the largest sequence length of `stages`.
    """

    seed: int
    stages: tuple[Stage, ...]
    lines: Mapping[str, LineSize]
    cell_tokens: int = 0
    sources: tuple[str, ...] = field(init=False)
    _cells: Ints = field(init=False, repr=False, compare=False)
    _block: Ints = field(init=False, repr=False, compare=False)
    _plans: tuple[_Plan, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError("a schedule needs at least one stage")
        longest = max(stage.sequence_length for stage in self.stages)
        cell = self.cell_tokens or longest
        sources = tuple(sorted(self.lines))
        sizes = [self.lines[name] for name in sources]
        self._set("cell_tokens", cell)
        self._set("sources", sources)
        self._set("_cells", np.array([(s.tokens - 1) // cell for s in sizes], np.int64))
        self._set("_block", np.array([max(1, s.block_tokens // cell) for s in sizes], np.int64))
        plans: list[_Plan] = []
        step = tokens = 0
        first = np.zeros(len(sources), np.int64)
        for number, stage in enumerate(self.stages):
            self._check(number, stage)
            weights = [stage.weights.get(name, 0.0) for name in sources]
            budget = np.array(largest_remainder(stage.tokens // cell, weights), np.int64)
            key = np.array([_key(self.seed, number, name) for name in sources], np.uint64)
            plans.append(_Plan(step, tokens, first, budget, key))
            first, step, tokens = first + budget, step + stage.steps, tokens + stage.tokens
        self._set("_plans", tuple(plans))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # the dataclass is frozen, its making is not over

    def _check(self, number: int, stage: Stage) -> None:
        cell = self.cell_tokens
        if cell % stage.sequence_length:
            raise ValueError(
                f"stage {number}: sequence_length {stage.sequence_length} does not divide "
                f"{cell}, the largest one; choose lengths that divide it"
            )
        if stage.tokens % cell:
            raise ValueError(
                f"stage {number}: steps x batch_size x sequence_length = {stage.tokens} tokens is "
                f"not a multiple of {cell}, the largest sequence length; make steps a multiple of "
                f"{cell // math.gcd(cell, stage.batch_size * stage.sequence_length)}"
            )
        if (stage.batch_size + 2) * (stage.tokens // cell) >= 2**63:
            raise ValueError(f"stage {number}: too long for 64-bit arithmetic; cut it in two")
        for name, weight in stage.weights.items():
            if name not in self.lines:
                raise ValueError(
                    f"stage {number}: no source {name!r}; there are {', '.join(self.sources)}"
                )
            if weight and self.lines[name].tokens <= cell:
                raise ValueError(
                    f"source {name!r} has {self.lines[name].tokens} tokens, but windows of {cell} "
                    f"need at least {cell + 1}; use shorter sequences or more data"
                )

    @property
    def total_steps(self) -> int:
        """Steps of all stages together."""
        return self._plans[-1].first_step + self.stages[-1].steps

    def locate(self, step: int) -> tuple[int, int]:
        """The stage that a step belongs to, and the step's number inside it.

        Raises:
            IndexError: the schedule has no such step.
        """
        if not 0 <= step < self.total_steps:
            raise IndexError(f"step {step} is outside the schedule's 0..{self.total_steps - 1}")
        stage = bisect.bisect_right(self._plans, step, key=lambda plan: plan.first_step) - 1
        return stage, step - self._plans[stage].first_step

    def tokens_before(self, step: int) -> int:
        """Input tokens of all steps before `step`, which may be `total_steps`."""
        if step == self.total_steps:
            return self._plans[-1].tokens_before + self.stages[-1].tokens
        number, local = self.locate(step)
        stage = self.stages[number]
        before = self._plans[number].tokens_before
        return before + local * stage.batch_size * stage.sequence_length

    def budgets(self, stage: int) -> dict[str, int]:
        """Input tokens that a stage reads of each source; they sum to the stage's tokens."""
        cells = self._plans[stage].budget.tolist()
        return {s: n * self.cell_tokens for s, n in zip(self.sources, cells, strict=True)}

    def epochs(self) -> dict[str, float]:
        """How many passes over each source's line the whole schedule makes."""
        used = (self._plans[-1].first + self._plans[-1].budget).tolist()
        cells = self._cells.tolist()
        return {
            name: n / c if c > 0 else 0.0
            for name, n, c in zip(self.sources, used, cells, strict=True)
        }

    def windows(self, step: int, rows: slice = slice(None)) -> Windows:
        """What a step reads; the same whoever asks, and whatever was asked before.

        Args:
            step: from 0.
            rows: a contiguous part of the step's rows, such as one host's.

        Raises:
            IndexError: the schedule has no such step.
        """
        number, local = self.locate(step)
        stage, plan = self.stages[number], self._plans[number]
        chosen = range(stage.batch_size)[rows]
        if chosen.step != 1:
            raise ValueError(f"rows must be contiguous, got {rows}")
        first_slot = local * stage.batch_size + chosen.start
        source, turn = _deal(plan.budget.tolist(), first_slot, len(chosen))

        per_cell = self.cell_tokens // stage.sequence_length
        first, budget = plan.first[source], plan.budget[source]
        cells, block_cells = self._cells[source], self._block[source]
        cell = first + turn // per_cell
        epoch = cell // cells
        origin = epoch * cells
        block = (cell - origin) // block_cells
        low = np.maximum(first, origin + block * block_cells)
        high = np.minimum(first + budget, origin + np.minimum((block + 1) * block_cells, cells))

        key = mix(mix(plan.key[source] ^ epoch.astype(np.uint64)) ^ block.astype(np.uint64))
        index = (turn - (low - first) * per_cell).astype(np.uint64)
        size = ((high - low) * per_cell).astype(np.uint64)
        place = permute(index, size, key).astype(np.int64)
        start = (low - origin) * self.cell_tokens + place * stage.sequence_length
        return Windows(stage.sequence_length, source, start, epoch)


def largest_remainder(total: int, weights: Sequence[float]) -> list[int]:
    """Share `total` units by weight in whole numbers that sum to it (Hamilton's method).

    Weights are taken as the exact rationals that the floats are; ties go to the earlier one.
    """
    exact = [Fraction(weight) for weight in weights]
    quotas = [total * weight / sum(exact) for weight in exact]
    shares = [math.floor(quota) for quota in quotas]
    by_remainder = sorted(range(len(shares)), key=lambda i: shares[i] - quotas[i])
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares


def _deal(budgets: list[int], first: int, count: int) -> tuple[Ints, Ints]:
    """Source and turn of the slots `first … first + count - 1` (point 3 above).

    Slots are kept as `first + offset` with `first` an unbounded Python integer, so the products
    that numpy sees are at most `(count + 1) · sum(budgets)`, however late in the stage.
    """
    source, turn = np.empty(count, np.int64), np.empty(count, np.int64)
    row = offset = np.arange(count)  # rows not dealt yet, and their slots' offsets from `first`
    total = sum(budgets)
    for index, budget in enumerate(budgets):
        if not budget:
            continue
        base, rest = divmod(first * budget, total)
        before = (rest + offset * budget) // total  # ⌊p·w/W⌋ - base
        mine = (rest + (offset + 1) * budget) // total > before
        source[row[mine]] = index
        turn[row[mine]] = base + before[mine]
        row, offset = row[~mine], (offset - before)[~mine]
        first, total = first - base, total - budget
    return source, turn


def _key(seed: int, stage: int, source: str) -> int:
    digest = hashlib.sha256(f"{seed}\0{stage}\0{source}".encode()).digest()
    return int.from_bytes(digest[:8], "little")
