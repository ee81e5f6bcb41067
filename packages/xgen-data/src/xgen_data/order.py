"""Which tokens does row `r` of step `s` read? A pure function of the schedule; no state, no I/O.

A *source* is a line of tokens. Its line is cut into *cells* of `T_max` tokens, `T_max` being the
largest sequence length of the schedule, and laid end to end with itself, once per epoch:

    epoch        0                     1
    cell         0  1  2  3  4  5  6 | 0  1  2  3  4  5  6 | 0 …      C = 7 cells a pass
    stages       [ 2K  ][ 4K    ][ 8K          ]
    blocks       ├────────┼────────┤ | ├────────┼────────┤ |          block_tokens // T_max cells

1. **Budgets.** A stage reads `steps · batch_size · T` tokens. They are shared among the sources by
   weight, in cells where they are whole cells and else in windows, and rounded by largest
   remainder, so they sum exactly.
2. **Intervals.** A source's cells of a stage begin where those of the stage before ended. So stages
   of different T read disjoint text, and nothing is left out between them.
3. **Turns.** Slot `p = step · batch_size + row` of the stage is dealt to a source by `dealing.deal`
   in proportion to the budgets. Every budget is met exactly, every prefix of the stage has the
   mixture to within one window a split, and any slot is found without the others.
4. **Windows.** A *segment* is what interval, block and epoch have in common: a run of cells, that
   is `T_max / T` times as many windows of T tokens, either as they stand in the line or packed
   best-fit (`xgen_data.packing`). A source's turns fill its segments in order, and inside a segment
   in the order of a keyed permutation (`xgen_data.permutation`). From the second epoch on the
   blocks, too, come in a permuted order.
5. **Changes.** When a mixture changes inside a stage (`Order.changed`), some sources stand in the
   middle of a segment. What is left of it is *carried* into the next stage and read first, in the
   same permutation; so is what a stage of another T cannot divide. Only whose turn it is changes.

Points 3 and 4 are bijections, so within an epoch every token of an interval is read exactly once as
an input, whatever is restarted or changed, and on however many hosts. A line's last
`tokens - C·T_max` tokens (at least one, because a window of T inputs needs T + 1 ids; at most
T_max) are never an input.

A later stage may be changed while an earlier one runs, because nothing here looks ahead, except
that `T_max` must stay what it was: give `cell_tokens` to reserve a larger one.
"""

from __future__ import annotations

import bisect
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xgen_data.dealing import Ints, deal, dealt, largest_remainder
from xgen_data.permutation import mix, permute
from xgen_data.schedule import LineSize, Stage

__all__ = ["Order", "Windows"]

_PLACES = 4096  # blocks of later epochs whose place is remembered


class Windows(NamedTuple):
    """What the rows of a step read, in pieces; all arrays are int64 `[n]`, one entry a piece.

    Nearly always a piece is a row. A row has several where it is made of windows that a stage of
    shorter sequences left over.

    Attributes:
        sequence_length: T of the step.
        row: which of the rows asked for; ascending, from 0.
        source: index into `Order.sources`.
        epoch: which pass over the line this is, from 0.
        low, high: the segment, `[low, high)` in tokens of the line.
        unit: tokens of one of the segment's windows; T but for left-over ones.
        place: which window of the segment.
        begin, length: the part of that window, in tokens.
        packed: 1 where the segment's windows are best-fit packs, 0 where they stand in the line.
    """

    sequence_length: int
    row: Ints
    source: Ints
    epoch: Ints
    low: Ints
    high: Ints
    unit: Ints
    place: Ints
    begin: Ints
    length: Ints
    packed: Ints

    @property
    def start(self) -> Ints:
        """First token on the line, of the pieces that are not packed."""
        return self.low + self.place * self.unit + self.begin


class Intervals(NamedTuple):
    """Stretches `[low, high)` of lines, in tokens; int64 `[n]` arrays as in `Windows`."""

    source: Ints
    epoch: Ints
    low: Ints
    high: Ints


class Carry(NamedTuple):
    """A segment of which an earlier stage read the first `used` tokens; cells are unrolled ones."""

    low: int
    high: int
    unit: int
    packed: bool
    used: int


class Plan(NamedTuple):
    """A stage, worked out; by source, and with cells counted along the unrolled line.

    Attributes:
        first_step, tokens_before: what came before the stage.
        budget: windows of T that each source is owed over the planned steps.
        carries: what it reads first.
        first, end: the interval of new cells that it reads afterwards.
    """

    first_step: int
    tokens_before: int
    budget: tuple[int, ...]
    carries: tuple[tuple[Carry, ...], ...]
    first: Ints
    end: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The whole schedule as one function from step to windows.

    Attributes:
        seed: changes the order inside blocks, and of blocks in later epochs, and nothing else.
        stages: in the order in which they run.
        lines: the token lines by source name; the order of the mapping does not matter.
        cell_tokens: T_max; 0 for the largest sequence length of `stages`.
    """

    seed: int
    stages: tuple[Stage, ...]
    lines: Mapping[str, LineSize]
    cell_tokens: int = 0
    sources: tuple[str, ...] = field(init=False)
    plans: tuple[Plan, ...] = field(init=False, repr=False, compare=False)
    _cells: Ints = field(init=False, repr=False, compare=False)
    _block: Ints = field(init=False, repr=False, compare=False)
    _key: npt.NDArray[np.uint64] = field(init=False, repr=False, compare=False)
    _places: dict[tuple[int, int, int], int] = field(
        init=False, repr=False, compare=False, default_factory=dict[tuple[int, int, int], int]
    )

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError("a schedule needs at least one stage")
        longest = max(stage.sequence_length for stage in self.stages)
        cell = self.cell_tokens or longest
        sources = tuple(sorted(self.lines))
        sizes = [self.lines[name] for name in sources]
        keys = [_key(self.seed, name) for name in sources]
        self._set("cell_tokens", cell)
        self._set("sources", sources)
        self._set("_cells", np.array([(s.tokens - 1) // cell for s in sizes], np.int64))
        self._set("_block", np.array([max(1, s.block_tokens // cell) for s in sizes], np.int64))
        self._set("_key", np.array(keys, np.uint64))
        plans: list[Plan] = []
        step = tokens = 0
        first = np.zeros(len(sources), np.int64)
        carries: tuple[tuple[Carry, ...], ...] = ((),) * len(sources)
        for number, stage in enumerate(self.stages):
            self._check(number, stage)
            plan = self._plan(stage, step, tokens, first, carries)
            plans.append(plan)
            first, carries = self._leave(stage, plan)
            step, tokens = step + stage.steps, tokens + stage.tokens
        self._set("plans", tuple(plans))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # the dataclass is frozen, its making is not over

    def _check(self, number: int, stage: Stage) -> None:
        cell = self.cell_tokens
        if cell % stage.sequence_length:
            raise ValueError(
                f"stage {number}: sequence_length {stage.sequence_length} does not divide "
                f"{cell}, the largest one; choose lengths that divide it"
            )
        planned = (stage.planned_steps or stage.steps) * stage.batch_size
        if (stage.batch_size + 2) * planned >= 2**63:
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

    def _plan(
        self,
        stage: Stage,
        step: int,
        tokens: int,
        first: Ints,
        carries: tuple[tuple[Carry, ...], ...],
    ) -> Plan:
        per_cell = self.cell_tokens // stage.sequence_length
        rows = (stage.planned_steps or stage.steps) * stage.batch_size
        weights = [stage.weights.get(name, 0.0) for name in self.sources]
        if rows % per_cell:
            budget = largest_remainder(rows, weights)
        else:
            budget = [n * per_cell for n in largest_remainder(rows // per_cell, weights)]
        carried = [sum(self._turns(carry, stage) for carry in mine) for mine in carries]
        new = [max(0, n - c) for n, c in zip(budget, carried, strict=True)]
        end = first + np.array([-(-n // per_cell) for n in new], np.int64)
        return Plan(step, tokens, tuple(budget), carries, first, end)

    def _turns(self, carry: Carry, stage: Stage) -> int:
        """How many whole rows of a stage a carried segment still holds."""
        left = (carry.high - carry.low) * self.cell_tokens - carry.used
        return left // stage.sequence_length

    def _leave(self, stage: Stage, plan: Plan) -> tuple[Ints, tuple[tuple[Carry, ...], ...]]:
        """Where the next stage begins, and what of this one's segments is left to it."""
        length, cell = stage.sequence_length, self.cell_tokens
        first, carries = plan.first.copy(), []
        for index, total in enumerate(dealt(plan.budget, stage.steps * stage.batch_size)):
            turns, left = total, list[Carry]()
            for carry in plan.carries[index]:
                taken = min(turns, self._turns(carry, stage))
                turns -= taken
                rest = carry._replace(used=carry.used + taken * length)
                if rest.used < (rest.high - rest.low) * cell:
                    left.append(rest)
            if turns:
                low, high = (
                    int(edge[0])
                    for edge in self._segment(
                        np.array([index]),
                        np.array([first[index] + (turns * length - 1) // cell]),
                        plan,
                    )
                )
                used = turns * length - (low - int(first[index])) * cell
                first[index] = high
                if used < (high - low) * cell:
                    left.append(Carry(low, high, length, stage.packing == "best_fit", used))
            carries.append(tuple(left))
        return first, tuple(carries)

    def _segment(self, source: Ints, cell: Ints, plan: Plan) -> tuple[Ints, Ints]:
        """First and last + 1 unrolled cell of the segments that the cells belong to."""
        cells, block_cells = self._cells[source], self._block[source]
        origin = cell // cells * cells
        block = (cell - origin) // block_cells
        low = np.maximum(plan.first[source], origin + block * block_cells)
        high = np.minimum(plan.end[source], origin + np.minimum((block + 1) * block_cells, cells))
        return low, high

    @property
    def total_steps(self) -> int:
        """Steps of all stages together."""
        return self.plans[-1].first_step + self.stages[-1].steps

    def locate(self, step: int) -> tuple[int, int]:
        """The stage that a step belongs to, and the step's number inside it.

        Raises:
            IndexError: the schedule has no such step.
        """
        if not 0 <= step < self.total_steps:
            raise IndexError(f"step {step} is outside the schedule's 0..{self.total_steps - 1}")
        stage = bisect.bisect_right(self.plans, step, key=lambda plan: plan.first_step) - 1
        return stage, step - self.plans[stage].first_step

    def tokens_before(self, step: int) -> int:
        """Input tokens of all steps before `step`, which may be `total_steps`."""
        if step == self.total_steps:
            return self.plans[-1].tokens_before + self.stages[-1].tokens
        number, local = self.locate(step)
        stage = self.stages[number]
        before = self.plans[number].tokens_before
        return before + local * stage.batch_size * stage.sequence_length

    def budgets(self, stage: int) -> dict[str, int]:
        """Input tokens that a stage reads of each source; they sum to the stage's tokens."""
        chosen = self.stages[stage]
        rows = dealt(self.plans[stage].budget, chosen.steps * chosen.batch_size)
        return {s: n * chosen.sequence_length for s, n in zip(self.sources, rows, strict=True)}

    def epochs(self) -> dict[str, float]:
        """How many passes over each source's line the whole schedule makes."""
        read = [self.budgets(number) for number in range(len(self.stages))]
        line = {n: c * self.cell_tokens for n, c in zip(self.sources, self._cells, strict=True)}
        return {
            name: sum(budgets[name] for budgets in read) / float(line[name]) if line[name] else 0.0
            for name in self.sources
        }

    def changed(
        self,
        step: int,
        weights: Mapping[str, float],
        *,
        lines: Mapping[str, LineSize] | None = None,
    ) -> Order:
        """The same schedule with another mixture from `step` to the end of the stage it lies in.

        Everything before `step` stays as it was, and nothing is read twice or left out. Record the
        step and the weights: the new schedule is made from them again at a restart.

        Args:
            step: the first one with the new mixture.
            weights: as in `Stage`.
            lines: the lines, where sources came in that were not there before. The old ones must be
                as they were.

        Raises:
            IndexError: no such step.
            ValueError: the new weights or lines do not fit.
        """
        number, local = self.locate(step)
        stage = self.stages[number]
        for name, size in self.lines.items():
            if lines is not None and lines.get(name) != size:
                raise ValueError(f"source {name!r} was {size}, and is now {lines.get(name)}")
        rest = replace(stage, steps=stage.steps - local, weights=weights, planned_steps=0)
        new: tuple[Stage, ...] = (rest,)
        if local:
            planned = stage.planned_steps or stage.steps
            new = (replace(stage, steps=local, planned_steps=planned), rest)
        return Order(
            seed=self.seed,
            stages=(*self.stages[:number], *new, *self.stages[number + 1 :]),
            lines=self.lines if lines is None else lines,
            cell_tokens=self.cell_tokens,
        )

    def windows(self, step: int, rows: slice = slice(None)) -> Windows:
        """What a step reads; the same whoever asks, and whatever was asked before.

        Args:
            step: from 0.
            rows: a contiguous part of the step's rows, such as one host's.

        Raises:
            IndexError: the schedule has no such step.
        """
        number, local = self.locate(step)
        stage, plan = self.stages[number], self.plans[number]
        chosen = range(stage.batch_size)[rows]
        if chosen.step != 1:
            raise ValueError(f"rows must be contiguous, got {rows}")
        source, turn = deal(plan.budget, local * stage.batch_size + chosen.start, len(chosen))
        return self._resolve(stage, plan, source, turn)

    def turns(self, number: int, source: int, first: int, last: int) -> Windows:
        """What the turns `first … last - 1` of one source in stage `number` read."""
        turn = np.arange(first, last)
        where = np.full(len(turn), source)
        return self._resolve(self.stages[number], self.plans[number], where, turn)

    def intervals(
        self, number: int, source: int, turns: int
    ) -> tuple[Intervals, list[tuple[int, int]]]:
        """What the first `turns` turns of one source in stage `number` read, in few words.

        Returns:
            The segments that are read from beginning to end, and ranges of turns for the rest: what
            was carried into the stage, and a segment that is not finished.
        """
        stage, plan = self.stages[number], self.plans[number]
        per_cell = self.cell_tokens // stage.sequence_length
        carried = min(turns, sum(self._turns(carry, stage) for carry in plan.carries[source]))
        parts = [(0, carried)] if carried else []
        first, cells = int(plan.first[source]), int(self._cells[source])
        reached = first + -(-(turns - carried) // per_cell)
        block = int(self._block[source])
        # where segments may begin: at the interval's own beginning, and at each block's
        epochs = np.arange(first // max(1, cells), reached // max(1, cells) + 1)
        edges = (epochs[:, None] * cells + np.arange(0, cells, block)[None, :]).reshape(-1)
        low = np.concatenate([[first], edges[(edges > first) & (edges < reached)]])[
            : reached - first
        ]
        low, high = self._segment(np.full(len(low), source), low, plan)
        done = (high - first) * per_cell <= turns - carried
        if not done.all():
            parts.append((carried + int(low[-1] - first) * per_cell, turns))
        low, high = low[done], high[done]
        epoch = low // max(1, cells)
        where = np.full(len(low), source)
        start = self._line_cell(where, epoch, low - epoch * cells) * self.cell_tokens
        return Intervals(where, epoch, start, start + (high - low) * self.cell_tokens), parts

    def _resolve(self, stage: Stage, plan: Plan, source: Ints, turn: Ints) -> Windows:
        """Where the sources' turns of a stage read; `low` and `high` become tokens of the line."""
        length, cell = stage.sequence_length, self.cell_tokens
        row = np.arange(len(source))
        carried = np.array([sum(self._turns(c, stage) for c in mine) for mine in plan.carries])
        fresh = turn >= carried[source]
        at = (turn - carried[source]) * length
        low, high = self._segment(source, plan.first[source] + at // cell, plan)
        at -= (low - plan.first[source]) * cell
        unit = np.full(len(source), length)
        packed = np.full(len(source), int(stage.packing == "best_fit"))
        piece = unit
        if not fresh.all():
            piece = unit.copy()
            for old in np.flatnonzero(~fresh).tolist():
                carry, position = self._carried(stage, plan.carries[source[old]], int(turn[old]))
                low[old], high[old], at[old] = carry.low, carry.high, position
                unit[old], packed[old] = carry.unit, carry.packed
                piece[old] = math.gcd(length, carry.unit)
            pieces = length // piece
            row, source, low, high, at, unit, packed, piece = (
                np.repeat(x, pieces) for x in (row, source, low, high, at, unit, packed, piece)
            )
            number = np.arange(len(row)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
            at = at + number * piece

        key = mix(mix(self._key[source] ^ low.astype(np.uint64)) ^ unit.astype(np.uint64))
        size = (high - low) * cell // unit
        place = permute((at // unit).astype(np.uint64), size.astype(np.uint64), key)
        epoch = low // self._cells[source]
        start = self._line_cell(source, epoch, low - epoch * self._cells[source])
        return Windows(
            sequence_length=length,
            row=row,
            source=source,
            epoch=epoch,
            low=start * cell,
            high=(start + high - low) * cell,
            unit=unit,
            place=place.astype(np.int64),
            begin=at % unit,
            length=piece,
            packed=packed,
        )

    def _carried(self, stage: Stage, carries: tuple[Carry, ...], turn: int) -> tuple[Carry, int]:
        """The carried segment that a turn reads, and at which of its tokens."""
        for carry in carries:
            turns = self._turns(carry, stage)
            if turn < turns:
                return carry, carry.used + turn * stage.sequence_length
            turn -= turns
        raise AssertionError("a carried turn lies in a carried segment")

    def _line_cell(self, source: Ints, epoch: Ints, cell: Ints) -> Ints:
        """Where on the line an epoch's cell lies: later epochs permute the blocks.

        The last block stays the last where it is shorter than the others.
        """
        block_cells = self._block[source]
        whole = self._cells[source] // block_cells
        block = cell // block_cells
        moved = np.flatnonzero((epoch > 0) & (block < whole))
        if not moved.size:
            return cell
        # the rows of a step stand in few blocks, and steps in those of the step before
        wanted = list(zip(*(x[moved].tolist() for x in (source, epoch, block)), strict=True))
        places = {which: self._places.get(which) for which in wanted}
        unknown = [which for which, place in places.items() if place is None]
        if unknown:
            s, e, b = np.array(unknown, np.int64).T
            key = mix(~self._key[s] ^ e.astype(np.uint64))
            size = (self._cells[s] // self._block[s]).astype(np.uint64)
            found = permute(b.astype(np.uint64), size, key).tolist()
            places.update(zip(unknown, found, strict=True))
            if len(self._places) > _PLACES:
                self._places.clear()
            self._places.update(zip(unknown, found, strict=True))
        place = np.array([places[which] for which in wanted], np.int64)
        cell = cell.copy()
        cell[moved] += (place - block[moved]) * block_cells[moved]
        return cell


def _key(seed: int, source: str) -> int:
    digest = hashlib.sha256(f"{seed}\0{source}".encode()).digest()
    return int.from_bytes(digest[:8], "little")
