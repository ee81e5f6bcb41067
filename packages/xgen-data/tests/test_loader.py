import dataclasses
import threading
import time

import numpy as np
import pytest

from xgen_data import Loader, Order, Stage, TokenStore, batch_digest, read_batch

STAGES = (
    Stage(sequence_length=32, batch_size=12, steps=36, weights={"left": 2, "right": 1}),
    Stage(sequence_length=64, batch_size=12, steps=8, weights={"left": 1, "right": 3}),
    Stage(sequence_length=128, batch_size=12, steps=8, weights={"left": 1, "right": 1}),
)


@pytest.fixture(params=["concat", "best_fit"])
def order(store, request):
    """Three lengths, more than one epoch, and a mixture that changes in the middle of a stage."""
    stages = tuple(dataclasses.replace(stage, packing=request.param) for stage in STAGES)
    order = Order(seed=1, stages=stages, lines=store.line_sizes())
    assert max(order.epochs().values()) > 1
    return order.changed(6, {"left": 1, "right": 2})


@pytest.fixture(autouse=True)
def no_threads_left():
    yield
    end = time.monotonic() + 5
    while any(t.name.startswith("grain-prefetch") for t in threading.enumerate()):
        assert time.monotonic() < end, "prefetch threads outlive their iterator"
        time.sleep(0.01)


def test_batches_in_step_order_over_stage_edges(store, order):
    batches = list(Loader(store, order).iterate(0))
    expected = [read_batch(store, order, step) for step in range(order.total_steps)]
    assert [batch_digest(b) for b in batches] == [batch_digest(b) for b in expected]
    assert {b.inputs.shape for b in batches} == {(12, 32), (12, 64), (12, 128)}


def test_restarts_and_host_counts_change_no_batch(store, order):
    """Twice stopped, each time gone on with another number of hosts."""
    whole = [batch_digest(b) for b in Loader(store, order).iterate()]
    seen = []
    for hosts, stop in ((1, 9), (4, 20), (3, 43), (2, order.total_steps)):
        loaders = [
            Loader(TokenStore.open(store.path), order, host=host, hosts=hosts)
            for host in range(hosts)
        ]
        iterators = [loader.iterate(len(seen)) for loader in loaders]
        while len(seen) < stop:
            parts = [next(iterator) for iterator in iterators]
            joined = parts[0]._replace(
                **{
                    name: np.concatenate([getattr(part, name) for part in parts])
                    for name in parts[0]._fields
                }
            )
            seen.append(batch_digest(joined))
        for iterator in iterators:
            iterator.close()
    assert seen == whole


def test_the_end(store, order):
    loader = Loader(store, order)
    assert list(loader.iterate(order.total_steps)) == []
    with pytest.raises(IndexError):
        loader.iterate(order.total_steps + 1)


def test_a_late_start_costs_nothing(store):
    stage = Stage(sequence_length=32, batch_size=4, steps=2 * 10**9, weights={"left": 1})
    order = Order(seed=0, stages=(stage,), lines=store.line_sizes())
    begun = time.process_time()
    iterator = Loader(store, order, prefetch=1).iterate(10**9)
    batch = next(iterator)
    iterator.close()
    assert time.process_time() - begun < 1
    assert batch_digest(batch) == batch_digest(read_batch(store, order, 10**9))


def test_hosts_must_share_equally(store, order):
    with pytest.raises(ValueError, match="5 hosts cannot share a batch of 12 rows"):
        Loader(store, order, hosts=5)
    with pytest.raises(ValueError, match=r"host must lie in 0\.\.1"):
        Loader(store, order, host=2, hosts=2)
