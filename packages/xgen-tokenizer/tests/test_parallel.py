"""`encode_parallel`: the ids of `encode_batch`, in order, and no process left behind."""

from __future__ import annotations

import multiprocessing

import pytest

from xgen_core import XgenError
from xgen_core.testing import ByteTokenizer
from xgen_tokenizer import encode_parallel, open_xgen

BATCHES = [[f"batch {i}, text {j}  \n" * (j + 1) for j in range(i % 4)] for i in range(9)]


@pytest.mark.parametrize("workers", [1, 2])
def test_equal_and_in_order(workers: int) -> None:
    xgen = open_xgen()
    found = list(encode_parallel(xgen, iter(BATCHES), workers=workers))
    assert found == [xgen.encode_batch(batch) for batch in BATCHES]
    assert {(b.ids.format, b.offsets.format) for b in found} == {("I", "Q")}
    assert not multiprocessing.active_children()


def test_ended_early_it_leaves_no_process() -> None:
    endless = (["text"] for _ in iter(int, 1))
    encoded = encode_parallel(open_xgen(), endless, workers=2)
    next(encoded)
    encoded.close()
    assert not multiprocessing.active_children()


def test_never_nested() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(children_while_encoding) == 0


def children_while_encoding() -> int:
    encoded = encode_parallel(ByteTokenizer(), [["a"], ["b"]], workers=2)
    next(encoded)
    return len(multiprocessing.active_children())


def test_a_bad_text_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="lone surrogate"):
        list(encode_parallel(open_xgen(), [["a"], ["\ud800"]], workers=2))
    with pytest.raises(ValueError, match="at least 1"):
        list(encode_parallel(open_xgen(), [], workers=0))


class Deadly(ByteTokenizer):
    """Kills the process that unpickles it."""

    def __reduce__(self) -> tuple[object, ...]:
        import os

        return os._exit, (3,)


def test_a_dead_process_is_one_line() -> None:
    with pytest.raises(XgenError, match="process that encodes died"):
        list(encode_parallel(Deadly(), [["a"]], workers=2))
