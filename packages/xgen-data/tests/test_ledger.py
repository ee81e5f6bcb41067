import numpy as np
import pytest

from xgen_data import Order, Stage
from xgen_data.fragments import step_fragments
from xgen_data.ledger import consumed, expected

PACKINGS = [("concat", "concat"), ("best_fit", "best_fit"), ("concat", "best_fit")]


def schedule(store, packing):
    stages = (
        Stage(
            sequence_length=32,
            batch_size=12,
            steps=20,
            weights={"left": 2, "right": 1},
            packing=packing[0],
        ),
        Stage(
            sequence_length=128,
            batch_size=12,
            steps=20,
            weights={"left": 1, "right": 2},
            packing=packing[1],
        ),
    )
    order = Order(seed=1, stages=stages, lines=store.line_sizes())
    return order.changed(7, {"left": 1, "right": 3}).changed(29, {"left": 1})


@pytest.mark.parametrize("packing", PACKINGS)
def test_every_step_adds_up_to_what_the_schedule_says(store, packing):
    order = schedule(store, packing)
    total = 0
    for step in range(order.total_steps):
        assert expected(store, order, step) == total
        for rows in (slice(0, 5), slice(5, 12)):  # in whatever shares
            found = step_fragments(store, order, step, rows=rows)
            total = (total + consumed(found, order.sources)) % 2**64
    assert expected(store, order, order.total_steps) == total
    assert max(order.epochs().values()) > 1


def test_a_token_lost_or_repeated_shows(store):
    order = schedule(store, ("concat", "concat"))
    found = step_fragments(store, order, 3)
    right = consumed(found, order.sources)
    for column, change in (("start", 1), ("length", -1), ("epoch", 1)):
        values = getattr(found, column).copy()
        values[4] += change
        assert consumed(found._replace(**{column: values}), order.sources) != right
    half = found._replace(  # cut elsewhere: the same tokens, so the same sum
        row=np.repeat(found.row, 2),
        source=np.repeat(found.source, 2),
        epoch=np.repeat(found.epoch, 2),
        start=(found.start[:, None] + [0, 10]).reshape(-1),
        length=np.stack([np.full(12, 10), found.length - 10], 1).reshape(-1),
        ends=np.repeat(found.ends, 2),
    )
    assert consumed(half, order.sources) == right
