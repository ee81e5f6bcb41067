"""A running proof that every token was read exactly once.

Every boundary in a source's pass has a pseudo-random 64-bit value, and a fragment counts as the
value of its end minus that of its beginning. Sums telescope: fragments that tile a stretch add up
to what the stretch as a whole does, however it was cut and in whatever order it was read; a token
that is missing or read twice leaves a difference (but for an accident of probability 2^-64).

So a run adds up what its steps read (`consumed`), modulo 2^64, and at any step the sum must be what
the schedule says (`expected`), which takes no reading: a schedule of a trillion tokens is added up
in a second.
"""

from __future__ import annotations

import hashlib

import numpy as np

from xgen_data.dealing import dealt
from xgen_data.fragments import Fragments, read_windows
from xgen_data.order import Order
from xgen_data.permutation import mix
from xgen_data.store import TokenStore

__all__ = ["consumed", "expected"]


def consumed(fragments: Fragments, sources: tuple[str, ...]) -> int:
    """The sum over fragments, below 2^64.

    Args:
        fragments: of one or more rows, such as one host's part of a step; sums add up, modulo 2^64.
        sources: `Order.sources`.
    """
    if not len(fragments.row):
        return 0
    names = np.array([_name_hash(name) for name in sources], np.uint64)
    key = mix(names[fragments.source] ^ fragments.epoch.astype(np.uint64))
    start = fragments.start.astype(np.uint64)
    end = start + fragments.length.astype(np.uint64)
    return int(np.sum(mix(key ^ mix(end)) - mix(key ^ mix(start)), dtype=np.uint64))


def expected(store: TokenStore, order: Order, step: int, *, split: str = "train") -> int:
    """What the steps before `step` must add up to, worked out from intervals.

    Args:
        store: read only where best-fit packs of a segment that is not finished yet are needed.
        order: the schedule.
        step: 0 … `order.total_steps`.
        split: which lines.
    """
    total = 0
    for number, plan in enumerate(order.plans):
        stage = order.stages[number]
        steps = min(step - plan.first_step, stage.steps)
        if steps <= 0:
            break
        for source, turns in enumerate(dealt(plan.budget, steps * stage.batch_size)):
            found, parts = order.intervals(number, source, turns)
            size = found.high - found.low
            whole = Fragments(
                stage.sequence_length,
                found.source,
                found.source,
                found.epoch,
                found.low,
                size,
                size,
            )  # rows and edges play no part
            total += consumed(whole, order.sources)
            for first, last in parts:
                windows = order.turns(number, source, first, last)
                total += consumed(read_windows(store, order, windows, split), order.sources)
    return total % 2**64


def _name_hash(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode("utf-8")).digest()[:8], "little")
