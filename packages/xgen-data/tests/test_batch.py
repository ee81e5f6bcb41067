import numpy as np
import pytest

from xgen_core import InputError
from xgen_data import LineSize, Order, Stage, batch_digest, read_batch, validation_batches


def plan(store, *stages):
    return Order(seed=4, stages=stages, lines=store.line_sizes())


def stage(t, rows, steps, packing="concat", **weights):
    return Stage(sequence_length=t, batch_size=rows, steps=steps, weights=weights, packing=packing)


def by_hand(line, start, t):
    """A row from the definition, token by token."""
    ids = line.read(0, line.tokens)
    begins = set(line.document_starts(0, line.tokens).tolist())
    inputs, targets, segments, positions, mask = [], [], [], [], []
    segment, position = 1, 0
    for at in range(start, start + t):
        if at in begins and at > start:
            segment, position = segment + 1, 0
        inputs.append(ids[at])
        targets.append(ids[at + 1])
        segments.append(segment)
        positions.append(position)
        mask.append(int(at + 1 not in begins))
        position += 1
    return [inputs, targets, segments, positions, mask]


@pytest.mark.parametrize("t", [32, 512])
def test_batches_are_what_the_definition_says(store, t):
    order = plan(store, stage(t, 4, 8, left=2, right=1))
    for step in range(order.total_steps):
        windows, batch = order.windows(step), read_batch(store, order, step)
        for array in batch:
            assert array.dtype == np.int32
            assert array.shape == (4, t)
            assert array.flags.c_contiguous
        for row in range(4):
            line = store.line("train", order.sources[windows.source[row]])
            expected = by_hand(line, windows.start[row], t)
            assert [array[row].tolist() for array in batch] == expected


def by_hand_packed(line, packs, low, place):
    """A best-fit row from the definition, fragment by fragment."""
    rows = [[], [], [], [], []]
    for number, index in enumerate(range(packs.offsets[place], packs.offsets[place + 1]), 1):
        row = by_hand(line, packs.start[index] + low, packs.length[index])
        assert set(row[2]) == {1}  # one document
        row[2] = [number] * len(row[2])
        for column, values in zip(rows, row, strict=True):
            column.extend(values)
    return rows


@pytest.mark.parametrize("t", [32, 256])
def test_best_fit_batches_are_what_the_definition_says(store, t):
    order = plan(store, stage(t, 4, 8, left=2, right=1, packing="best_fit"))
    for step in range(order.total_steps):
        windows, batch = order.windows(step), read_batch(store, order, step)
        for row in range(4):
            line = store.line("train", order.sources[windows.source[row]])
            low, high = windows.low[row], windows.high[row]
            packs = line.packs(int(low), int(high), t)
            expected = by_hand_packed(line, packs, low, windows.place[row])
            assert [array[row].tolist() for array in batch] == expected


def test_windows_cross_shards_and_documents(store):
    line = store.line("train", "left")
    assert line.read(0, line.tokens).tolist() == [
        int(line.read(i, i + 1)[0]) for i in range(line.tokens)
    ]
    starts = line.document_starts(0, line.tokens)
    for a in range(0, line.tokens - 700, 331):
        expected = starts[(starts >= a) & (starts < a + 700)]
        assert np.array_equal(line.document_starts(a, a + 700), expected)
    with pytest.raises(IndexError, match="outside a line"):
        line.read(0, line.tokens + 1)


def test_rows_are_a_part_of_the_batch(store):
    order = plan(store, stage(64, 6, 2, left=1, right=1))
    whole = read_batch(store, order, 1)
    part = read_batch(store, order, 1, rows=slice(2, 5))
    for a, b in zip(whole, part, strict=True):
        assert np.array_equal(a[2:5], b)


def test_an_order_for_another_store_is_refused(store):
    lines = {"left": LineSize(tokens=5000, block_tokens=1024)}
    order = Order(seed=0, stages=(stage(32, 2, 2, left=1),), lines=lines)
    with pytest.raises(ValueError, match="the order was made for 5000"):
        read_batch(store, order, 0)


def test_every_validation_token_is_a_target_once(store):
    for t, rows in ((64, 3), (10_000, 2), (7, 5)):
        counted = {}
        for source, batch in validation_batches(store, t, rows):
            assert batch.inputs.shape == (rows, t)
            real = batch.segment_ids > 0
            assert not batch.loss_mask[~real].any()
            kept = counted.setdefault(source, [[], 0])
            kept[0] += batch.inputs[real].tolist()
            kept[1] += int(batch.loss_mask.sum())
        assert list(counted) == ["left", "right"]
        for source, (inputs, targets) in counted.items():
            line = store.line("validation", source)
            assert inputs == line.read(0, line.tokens - 1).tolist()
            assert targets == line.tokens - line.documents


def test_validation_of_some(store):
    found = [s for s, _ in validation_batches(store, 8, 2, sources=["right"], limit=3)]
    assert found == ["right"] * 3
    with pytest.raises(InputError, match="unknown source in split 'validation' 'middle'"):
        next(validation_batches(store, 16, 2, sources=["middle"]))


def test_digest_tells_batches_apart(store):
    order = plan(store, stage(64, 4, 2, left=1, right=1))
    one, two = read_batch(store, order, 0), read_batch(store, order, 1)
    assert batch_digest(one) == batch_digest(read_batch(store, order, 0)) != batch_digest(two)
    assert len(batch_digest(one)) == 16
    other = one._replace(loss_mask=1 - one.loss_mask)
    assert batch_digest(other) != batch_digest(one)
