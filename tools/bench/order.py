"""What the order of data promises, in figures: `python tools/bench/order.py`.

- XGen's stage 1 at its full 1.37 trillion tokens: how far each source is from its share.
- Stages of 2K, 4K and 8K tokens one after another over one store, a mixture changed in the middle,
  on 1, 4, 3 and 2 hosts with restarts: whether the running hash of what was read is what the
  schedule owes, at every restart and at the end.
- The first batch from step 1, from the second epoch and from step 1,000,000,000.
- Best-fit packs of default blocks: how full they are and how many documents are cut.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import cast

import numpy as np
from loader import make_store

from xgen_data import LineSize, Loader, Order, Stage, TokenStore
from xgen_data.fragments import step_fragments
from xgen_data.ledger import consumed, expected
from xgen_data.packing import pack
from xgen_data.recipes.xgen import stage_1
from xgen_data.schedule import Packing

ROUNDS = 25


def shares() -> None:
    """Stage 1 at full size."""
    mixture = stage_1()
    lines = {
        c.source: LineSize(tokens=c.distinct + 9000, block_tokens=2**24) for c in mixture.components
    }
    for length, rows in ((2048, 2048), (8192, 512)):
        steps = mixture.tokens // (length * rows)
        stage = Stage(sequence_length=length, batch_size=rows, steps=steps, weights=mixture.weights)
        order = Order(seed=0, stages=(stage,), lines=lines)
        budgets = order.budgets(0)
        off = max(
            abs(budgets[name] - share * stage.tokens) / length
            for name, share in mixture.shares().items()
        )
        print(
            f"stage 1, {stage.tokens / 1e9:,.2f}B tokens in {steps:,} steps of {rows} x {length}: "
            f"sum exact {sum(budgets.values()) == stage.tokens}, "
            f"worst source {off:.2f} windows off"
        )


def exactly_once(store: TokenStore, packing: Packing) -> None:
    """Three lengths, a changed mixture, four host counts."""
    stages = tuple(
        Stage(
            sequence_length=length,
            batch_size=49_152 * 2 // length,
            steps=steps,
            weights={"a": 0.7, "b": 0.3},
            packing=packing,
        )
        for length, steps in ((2048, 100), (4096, 100), (8192, 400))
    )
    order = Order(seed=0, stages=stages, lines=store.line_sizes())
    order = order.changed(60, {"a": 0.2, "b": 0.8}).changed(330, {"a": 1.0, "b": 1.0})
    total, checked = 0, []
    stops = (60, 130, 333, order.total_steps)
    step = 0
    for hosts, stop in zip((1, 4, 3, 2), stops, strict=True):
        while step < stop:
            rows = order.stages[order.locate(step)[0]].batch_size // hosts
            for host in range(hosts):
                part = step_fragments(
                    store, order, step, rows=slice(host * rows, (host + 1) * rows)
                )
                total = (total + consumed(part, order.sources)) % 2**64
            step += 1
        checked.append(total == expected(store, order, step))
    epochs = ", ".join(f"{name} {passes:.2f}" for name, passes in order.epochs().items())
    print(f"exactly once, {packing}: {checked} at steps {stops}; epochs read: {epochs}")


def restore(store: TokenStore) -> None:
    """Time to the first batch."""
    stage = Stage(
        sequence_length=2048, batch_size=64, steps=2 * 10**9, weights={"a": 0.7, "b": 0.3}
    )
    order = Order(seed=0, stages=(stage,), lines=store.line_sizes())
    times: dict[int, list[float]] = {1: [], 1000: [], 10**9: []}
    for _ in range(ROUNDS):
        for step, found in times.items():
            begun = time.perf_counter()
            with contextlib.closing(
                cast("Generator[object]", Loader(store, order, threads=1, prefetch=1).iterate(step))
            ) as batches:
                next(batches)
                found.append(time.perf_counter() - begun)
    medians = {step: 1e3 * statistics.median(found) for step, found in times.items()}
    shown = ", ".join(f"{ms:.1f} ms from step {step:,}" for step, ms in medians.items())
    print(f"first batch: {shown}; 10^9 beside 1: {medians[10**9] / medians[1]:.2f}")


def packs() -> None:
    """Blocks of 2^24 tokens of documents as long as web pages are."""
    random = np.random.default_rng(0)
    for window in (2048, 8192):
        lengths = np.exp(random.normal(6.3, 1.1, 60_000)).astype(np.int64) + 20
        total = np.cumsum(lengths)
        count = int(np.searchsorted(total, 2**24))
        lengths = lengths[: count + 1]
        lengths[count] -= total[count] - 2**24
        lengths = lengths[lengths > 0]
        begun = time.process_time()
        found = pack(lengths, window)
        seconds = time.process_time() - begun
        fill = found.length.sum() / (window * (len(found.offsets) - 1))
        inside = np.searchsorted(np.cumsum(lengths), np.arange(window, 2**24, window), "left")
        print(
            f"best-fit at {window}: fill {fill:.4f}, of {found.documents:,} documents "
            f"{found.cut_long} cut for their length and {found.cut_to_fill} to fill gaps "
            f"(concat cuts {len(np.unique(inside)):,}); {2**24 / seconds / 1e6:.0f} Mtok per second"
        )


def main() -> None:
    """Print all figures."""
    shares()
    packs()
    with tempfile.TemporaryDirectory() as directory:
        store = make_store(Path(directory))
        exactly_once(store, "concat")
        exactly_once(store, "best_fit")
        restore(store)


if __name__ == "__main__":
    main()
