from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgen_data import LineSize, Order, Stage
from xgen_data.dealing import largest_remainder

LINES = {
    "a": LineSize(tokens=50_000, block_tokens=8192),
    "b": LineSize(tokens=20_000, block_tokens=3000),
    "c": LineSize(tokens=9_000, block_tokens=2**20),
}
THREE_STAGES = (
    Stage(sequence_length=256, batch_size=8, steps=20, weights={"a": 0.6, "b": 0.3, "c": 0.1}),
    Stage(sequence_length=512, batch_size=6, steps=18, weights={"a": 0.2, "b": 0.3, "c": 0.5}),
    Stage(sequence_length=1024, batch_size=4, steps=30, weights={"a": 1, "b": 1}),
)


def read_pieces(order, piece):
    """How often each (source, epoch, piece of the line) is read, by stage."""
    seen = Counter()
    for step in range(order.total_steps):
        stage, _ = order.locate(step)
        windows = order.windows(step)
        rows = np.zeros(order.stages[stage].batch_size, int)
        columns = (windows.row, windows.source, windows.start, windows.epoch, windows.length)
        for row, source, start, epoch, t in zip(*map(np.ndarray.tolist, columns), strict=True):
            assert 0 <= start <= order.lines[order.sources[source]].tokens - t - 1
            assert start % t == 0
            rows[row] += t
            for at in range(start, start + t, piece):
                seen[stage, order.sources[source], epoch, at] += 1
        assert set(rows) == {windows.sequence_length}
    return seen


def moved(order, source, epoch, cell):
    """Where later epochs' blocks lie; that this is a permutation is tested by itself."""
    index = np.array([order.sources.index(source)])
    return int(order._line_cell(index, np.array([epoch]), np.array([cell]))[0])


def expected_pieces(order, piece):
    """The same from the definition: each stage reads the next cells of the unrolled line."""
    expected = Counter()
    position = dict.fromkeys(order.sources, 0)
    for stage in range(len(order.stages)):
        for source, tokens in order.budgets(stage).items():
            cells = (order.lines[source].tokens - 1) // order.cell_tokens
            for _ in range(tokens // order.cell_tokens):
                epoch, cell = divmod(position[source], cells)
                cell = moved(order, source, epoch, cell)
                position[source] += 1
                for at in range(0, order.cell_tokens, piece):
                    expected[stage, source, epoch, cell * order.cell_tokens + at] += 1
    return expected


def test_three_stages_read_every_cell_of_their_intervals_once():
    order = Order(seed=3, stages=THREE_STAGES, lines=LINES)
    seen = read_pieces(order, 256)
    assert seen == expected_pieces(order, 256)
    assert set(seen.values()) == {1}
    # between stages: no text twice in one epoch
    places = Counter((source, epoch, at) for _, source, epoch, at in seen)
    assert set(places.values()) == {1}
    assert order.epochs()["b"] > 2  # the schedule does go round


@st.composite
def orders(draw):
    lengths = draw(st.lists(st.sampled_from([4, 8, 16, 32]), min_size=1, max_size=3))
    cell = max(lengths)
    names = ["x", "y", "z"][: draw(st.integers(1, 3))]
    lines = {
        name: LineSize(
            tokens=draw(st.integers(cell + 1, 600)), block_tokens=draw(st.integers(1, 200))
        )
        for name in names
    }
    stages = []
    for t in lengths:
        rows = draw(st.integers(1, 6))
        steps = draw(st.integers(1, 4)) * cell // np.gcd(cell, rows * t)
        weights = {n: draw(st.floats(0, 5)) for n in names}
        weights[names[0]] += 0.5
        stages.append(Stage(sequence_length=t, batch_size=rows, steps=int(steps), weights=weights))
    return Order(seed=draw(st.integers(0, 9)), stages=tuple(stages), lines=lines)


@settings(max_examples=60, deadline=None)
@given(orders())
def test_any_schedule_reads_exactly_what_it_owes(order):
    assert read_pieces(order, 4) == expected_pieces(order, 4)


def test_budgets_are_exact_and_met():
    order = Order(seed=0, stages=THREE_STAGES, lines=LINES)
    for number, stage in enumerate(THREE_STAGES):
        budgets = order.budgets(number)
        assert sum(budgets.values()) == stage.steps * stage.batch_size * stage.sequence_length
        read = Counter()
        first = sum(s.steps for s in THREE_STAGES[:number])
        for step in range(first, first + stage.steps):
            for source in order.windows(step).source:
                read[order.sources[source]] += stage.sequence_length
        assert read == Counter(budgets)


def test_the_mixture_holds_all_along():
    weights = {"a": 0.61, "b": 0.27, "c": 0.12}
    stage = Stage(sequence_length=64, batch_size=10, steps=400, weights=weights)
    order = Order(seed=0, stages=(stage,), lines=LINES)
    budgets = order.budgets(0)
    read = np.zeros(3)
    for step in range(400):
        read += np.bincount(order.windows(step).source, minlength=3)
        due = [(step + 1) * 10 * budgets[name] / stage.tokens for name in order.sources]
        assert np.abs(read - due).max() <= 2  # one window for each split but the last


def test_hosts_see_the_parts_of_one_batch():
    stages = (Stage(sequence_length=256, batch_size=12, steps=10, weights={"a": 2, "c": 1}),)
    order = Order(seed=1, stages=stages, lines=LINES)
    for step in range(order.total_steps):
        whole = order.windows(step)
        for hosts in (1, 2, 3, 4, 12):
            rows = 12 // hosts
            parts = [order.windows(step, slice(h * rows, h * rows + rows)) for h in range(hosts)]
            for name in ("source", "start", "epoch"):
                joined = np.concatenate([getattr(part, name) for part in parts])
                assert np.array_equal(joined, getattr(whole, name))


def test_late_steps_of_a_long_schedule():
    names = [f"s{i}" for i in range(12)]
    lines = {n: LineSize(tokens=10**12 + i, block_tokens=2**24) for i, n in enumerate(names)}
    weights = {n: i + 1.3 for i, n in enumerate(names)}
    stage = Stage(sequence_length=2048, batch_size=4096, steps=2 * 10**9, weights=weights)
    order = Order(seed=2, stages=(stage,), lines=lines)
    assert sum(order.budgets(0).values()) == stage.tokens
    seen = set()
    for step in (10**9, 10**9 + 1, 2 * 10**9 - 1):
        windows = order.windows(step)
        assert (windows.start >= 0).all()
        assert (windows.start <= 10**12 - 2049).all()
        columns = (windows.source, windows.start, windows.epoch)
        seen |= set(zip(*map(np.ndarray.tolist, columns), strict=True))
        share = np.bincount(windows.source, minlength=12) / 4096
        expected = np.array([weights[n] for n in order.sources]) / sum(weights.values())
        assert np.abs(share - expected).max() < 0.005
    assert len(seen) == 3 * 4096
    assert order.windows(order.total_steps - 1).epoch.max() >= 100


def test_blocks_are_read_in_order_and_shuffled_inside():
    lines = {"a": LineSize(tokens=64 * 100 + 1, block_tokens=64 * 10)}
    stage = Stage(sequence_length=64, batch_size=10, steps=10, weights={"a": 1})
    order = Order(seed=0, stages=(stage,), lines=lines)
    starts = [order.windows(step).start // 64 for step in range(10)]
    for number, block in enumerate(starts):
        assert sorted(block) == list(range(number * 10, number * 10 + 10))
    assert sum(list(block) == sorted(block) for block in starts) == 0
    assert len({tuple(block - block.min()) for block in starts}) > 1


def test_seed_and_epoch_change_the_order_inside_a_block():
    lines = {"a": LineSize(tokens=64 * 32 + 1, block_tokens=2**20)}
    stage = Stage(sequence_length=64, batch_size=32, steps=2, weights={"a": 1})
    one, other = (Order(seed=s, stages=(stage,), lines=lines) for s in (1, 2))
    first, second = one.windows(0), one.windows(1)
    assert second.epoch.tolist() == [1] * 32
    assert sorted(first.start) == sorted(second.start)
    assert first.start.tolist() != second.start.tolist()
    assert first.start.tolist() != other.windows(0).start.tolist()


def test_a_later_stage_can_change_while_an_earlier_one_runs():
    before = Order(seed=1, stages=THREE_STAGES, lines=LINES)
    new = Stage(sequence_length=512, batch_size=4, steps=10, weights={"c": 1})
    after = Order(seed=1, stages=(*THREE_STAGES[:2], new), lines=LINES, cell_tokens=1024)
    for step in range(before.total_steps - 30):
        old, now = before.windows(step), after.windows(step)
        assert np.array_equal(old.start, now.start)
        assert np.array_equal(old.source, now.source)
    assert read_pieces(after, 256) == expected_pieces(after, 256)


def test_the_order_of_mappings_does_not_matter():
    stages = tuple(
        Stage(
            sequence_length=s.sequence_length,
            batch_size=s.batch_size,
            steps=s.steps,
            weights=dict(reversed(s.weights.items())),
        )
        for s in THREE_STAGES
    )
    one = Order(seed=1, stages=THREE_STAGES, lines=LINES)
    other = Order(seed=1, stages=stages, lines=dict(reversed(LINES.items())))
    for step in (0, 25, 60):
        assert np.array_equal(one.windows(step).start, other.windows(step).start)


def test_positions_in_the_schedule():
    order = Order(seed=0, stages=THREE_STAGES, lines=LINES)
    assert order.total_steps == 68
    assert order.locate(0) == (0, 0)
    assert order.locate(20) == (1, 0)
    assert order.locate(67) == (2, 29)
    assert order.tokens_before(0) == 0
    assert order.tokens_before(21) == 20 * 8 * 256 + 6 * 512
    assert order.tokens_before(68) == sum(stage.tokens for stage in THREE_STAGES)
    for step in (-1, 68):
        with pytest.raises(IndexError, match=r"outside the schedule's 0\.\.67"):
            order.windows(step)


def stage(**changes):
    return Stage(
        **{"sequence_length": 64, "batch_size": 4, "steps": 4, "weights": {"a": 1}, **changes}
    )


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ((), "at least one stage"),
        ((stage(sequence_length=96), stage(sequence_length=128)), "does not divide 128"),
        ((stage(weights={"q": 1}),), "no source 'q'"),
        ((stage(sequence_length=2**16),), "has 50000 tokens, but windows of 65536"),
        ((stage(batch_size=2**35, steps=2**28),), "too long for 64-bit"),
    ],
)
def test_impossible_schedules_say_why(stages, message):
    with pytest.raises(ValueError, match=message):
        Order(seed=0, stages=stages, lines=LINES)


@pytest.mark.parametrize(
    "changes",
    [{"steps": 0}, {"weights": {}}, {"weights": {"a": -1.0, "b": 2}}, {"weights": {"a": np.inf}}],
)
def test_impossible_stages(changes):
    with pytest.raises(ValueError):
        stage(**changes)


@given(
    st.integers(0, 10**15),
    st.lists(st.floats(0, 1e6), min_size=1, max_size=8).filter(lambda w: sum(w) > 0),
)
def test_largest_remainder_sums_and_is_within_one(total, weights):
    shares = largest_remainder(total, weights)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - total * weight / sum(weights)) <= 1 + 1e-9 * total
        assert weight or not share


def test_a_fixed_schedule_never_changes():
    windows = Order(seed=3, stages=THREE_STAGES, lines=LINES).windows(30)
    assert windows.source.tolist() == [1, 2, 2, 0, 1, 2]
    assert windows.start.tolist() == [16384, 4096, 0, 27136, 12288, 512]
    assert windows.epoch.tolist() == [1, 2, 2, 0, 1, 2]


def test_later_epochs_permute_the_blocks():
    lines = {"a": LineSize(tokens=64 * 105 + 1, block_tokens=64 * 10)}
    stage = Stage(sequence_length=64, batch_size=5, steps=21 * 6, weights={"a": 1})
    order = Order(seed=0, stages=(stage,), lines=lines)
    passes = [
        [int(w.start[0]) // 640 for w in map(order.windows, range(e * 21, e * 21 + 21))]
        for e in range(6)
    ]
    assert passes[0] == sorted(passes[0])
    assert len({tuple(blocks) for blocks in passes}) == 6
    assert all(sorted(blocks) == passes[0] for blocks in passes)
    assert all(blocks[-1] == 10 for blocks in passes)  # the short block stays last


def test_a_mixture_changes_inside_a_stage():
    """Nothing before the step moves, nothing is read twice, the new shares hold from there on."""
    before = Order(seed=3, stages=THREE_STAGES, lines=LINES)
    for step in (1, 7, 19, 20, 33, 60):
        after = before.changed(step, {"a": 0.1, "b": 0.1, "c": 0.8})
        for earlier in range(step):
            old, new = before.windows(earlier), after.windows(earlier)
            assert all(np.array_equal(a, b) for a, b in zip(old, new, strict=True))
        assert after.total_steps == before.total_steps
        places = Counter((s, e, at) for _, s, e, at in read_pieces(after, 64).elements())
        assert set(places.values()) == {1}
        number, local = after.locate(step)
        assert local == 0
        share = after.budgets(number)["c"] / after.stages[number].tokens
        assert abs(share - 0.8) * after.stages[number].tokens < 1024


def test_changes_on_changes_and_a_new_source():
    order = Order(seed=5, stages=THREE_STAGES, lines=LINES)
    order = order.changed(5, {"b": 1}).changed(9, {"a": 1, "c": 1}).changed(30, {"a": 1})
    lines = {**LINES, "new": LineSize(tokens=30_000, block_tokens=4096)}
    order = order.changed(45, {"new": 3, "b": 1}, lines=lines)
    places = Counter((s, e, at) for _, s, e, at in read_pieces(order, 64).elements())
    assert set(places.values()) == {1}
    with pytest.raises(ValueError, match="source 'a' was"):
        order.changed(50, {"b": 1}, lines={"b": LINES["b"]})


@settings(max_examples=60, deadline=None)
@given(orders(), st.data())
def test_any_change_keeps_what_was_and_reads_nothing_twice(order, data):
    changed = order
    for _ in range(data.draw(st.integers(1, 3))):
        step = data.draw(st.integers(0, order.total_steps - 1))
        weights = {n: data.draw(st.integers(0, 4)) for n in order.sources}
        weights[order.sources[0]] += 1
        before, changed = changed, changed.changed(step, weights)
        for earlier in range(step):
            for a, b in zip(before.windows(earlier), changed.windows(earlier), strict=True):
                assert np.array_equal(a, b)
    seen = Counter()
    for (_, source, epoch, at), count in read_pieces(changed, 1).items():
        seen[source, epoch, at] += count
    assert set(seen.values()) == {1}


def test_windows_left_over_by_shorter_sequences_make_up_rows():
    stages = (
        Stage(sequence_length=64, batch_size=4, steps=16, weights={"a": 1}),
        Stage(sequence_length=256, batch_size=4, steps=16, weights={"a": 1, "b": 1}),
    )
    order = Order(seed=0, stages=stages, lines=LINES).changed(6, {"b": 1})
    windows = order.windows(16)
    assert set(windows.length[windows.source == 0]) == {64}
    assert np.bincount(windows.row).tolist() == [4 if s == 0 else 1 for s in (0, 1, 0, 1)] or (
        sorted(np.bincount(windows.row)) == [1, 1, 4, 4]
    )
    assert set(read_pieces(order, 64).values()) == {1}
