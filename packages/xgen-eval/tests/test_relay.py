"""Values between two processes: exact built-in types come back, and nothing else gets through."""

from __future__ import annotations

import json
import math
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction

import numpy as np
import pytest

from xgen_eval.execution.literals import CutOffError, LiteralError, Opaque, dumps, loads, show

PLAIN = [
    *(None, True, False, 0, -1, 1 << 64, -(10**5000), 0.1, -0.0, 1e308, float("inf")),
    *("", "a\r\n\tb\0", "\ud800", b"", b"\x00\xff", bytearray(b"ab"), 1 + 2j, complex(-0.0, 3)),
    *([], [1, [2, []]], (), (1,), ((), [()]), {}, {"a": {1: None}}, {(1, 2): [3]}, {True: 1}),
    *(set(), {1, "a", (2,)}, frozenset(), frozenset({frozenset({1})}), range(0), range(9, 1, -2)),
    *(int, str, dict, type(None), Decimal("1.10"), Decimal("NaN"), Fraction(-1, 3)),
    *(date(2024, 2, 29), time(1, 2, 3, 4), timedelta(-1, 5, 6), datetime(2020, 1, 1)),
    datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    *(Counter("abca"), OrderedDict([("b", 1), ("a", 2)]), defaultdict(list, {1: [2]})),
    *(deque([1, 2], maxlen=3), deque(), {"b": 1, "a": 2}),
]


def same(one, other):
    """Equal, of the same type, and so is all that they hold."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, list | tuple | deque):
        return len(one) == len(other) and all(map(same, one, other))
    return repr(one) == repr(other) if one != one else one == other


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: f"{type(value).__name__}")
def test_a_value_comes_back_with_its_type(value):
    back = loads(dumps(value))
    assert same(back, value), back
    assert dumps(back) == dumps(value)


def test_nan_and_signed_zero_come_back():
    nan, zero = loads(dumps([float("nan"), -0.0]))
    assert math.isnan(nan)
    assert math.copysign(1, zero) == -1


def test_what_a_container_keeps_beside_its_items_comes_back():
    back = loads(dumps([defaultdict(int), deque([1], maxlen=2), defaultdict(lambda: 1)]))
    assert back[0]["new"] == 0
    assert back[1].maxlen == 2
    assert back[2].default_factory is None


def test_the_order_of_dicts_is_kept_and_of_sets_is_not():
    assert list(loads(dumps({3: 1, 1: 1, 2: 1}))) == [3, 1, 2]
    assert dumps({3, 1, 2}) == dumps({2, 3, 1})


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6, dtype=np.int16).reshape(2, 3),
        np.array([[0.5, np.inf]]),
        np.array([1 + 2j]),
        np.array(["a", "bcd"]),
        np.array(True),
        np.zeros((0, 3)),
    ],
    ids=lambda value: str(value.dtype),
)
def test_arrays_come_back(value):
    back = loads(dumps(value))
    assert type(back) is np.ndarray
    assert (back.dtype, back.shape) == (value.dtype, value.shape)
    assert np.array_equal(back, value)


def test_numpy_scalars_stay_what_they_are():
    for value in (np.float64(0.1), np.int32(-4), np.bool_(True), np.float32(0.1), np.complex64(1j)):
        back = loads(dumps(value))
        assert type(back) is type(value)
        assert back == value


def test_arrays_of_objects_are_no_values():
    with pytest.raises(LiteralError, match="ndarray"):
        dumps(np.array([object()]))


class AlwaysEqual:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 1


class Text(str):
    __slots__ = ()

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 1

    def __str__(self):
        return "forged"


class Number(int):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 1

    def __add__(self, other):
        return 42

    def __int__(self):
        return 42

    def __index__(self):
        return 42


class Row(list):
    __hash__ = None

    def __eq__(self, other):
        return True

    def __iter__(self):
        return iter([42])


class Colour(IntEnum):
    RED = 1


def test_a_subclass_comes_as_the_built_in_value_that_it_is():
    point = namedtuple("point", "x y")
    for value, plain in (
        (Text("a"), "a"),
        (Number(7), 7),
        (Row([1, 2]), [1, 2]),
        (Colour.RED, 1),
        (point(1, 2), (1, 2)),
        ({Number(1): Text("b")}, {1: "b"}),
    ):
        assert same(loads(dumps(value)), plain)


def test_other_objects_come_as_the_name_of_their_type():
    with pytest.raises(LiteralError, match="AlwaysEqual"):
        dumps([AlwaysEqual()])
    [back] = loads(dumps([AlwaysEqual()], opaque=True))
    assert type(back) is Opaque
    assert repr(back) == "<AlwaysEqual object>"
    assert back not in (1, "a", None)
    assert back != loads(dumps(AlwaysEqual(), opaque=True))


def test_lists_that_are_shared_stay_shared():
    row = [0]
    one, other = loads(dumps([row, row]))
    assert one is other
    knot: list[object] = [1]
    knot.append(knot)
    back = loads(dumps(knot))
    assert back[1] is back
    array = np.zeros(2)
    one, between, other = loads(dumps((array, [], array)))
    assert one is other
    assert between == []


def test_iterators_are_read_and_a_long_one_is_cut_off():
    assert list(loads(dumps(i * i for i in range(3)))) == [0, 1, 4]
    assert next(loads(dumps(map(str, [5])))) == "5"

    def endless():
        while True:
            yield 1

    back = loads(dumps(endless()))
    with pytest.raises(CutOffError, match="1000"):
        list(back)


def test_views_of_dicts_come_as_views():
    back = loads(dumps([{1: 2}.keys(), {1: 2}.values(), {1: 2}.items()]))
    assert back[0] == {1}
    assert list(back[1]) == [2]
    assert back[2] == {(1, 2)}


def test_what_is_too_deep_or_too_large_is_refused():
    deep = []
    for _ in range(200):
        deep = [deep]
    with pytest.raises(LiteralError, match="deeper than 100"):
        dumps(deep)
    with pytest.raises(LiteralError, match="more than 500000"):
        dumps([0] * 600_000)


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"\xff", b"{}", b"[]", b"[1]", b'["nope"]', b'["list",["same",9]]', b'["same",-1]'),
        *(b'["type","eval"]', b'["type","Opaque"]', b'["set",["list"]]', b'["dict",null,1]'),
        *(b'["int","x"]', b'["Fraction",1,0]', b'["bytes","zz"]', b'["defaultdict","open",1,2]'),
        *(b'["array","O",[1],1]', b'["array","<i8",[2],1]', b'["array","<U999999",[99999],"a"]'),
        *(b'["deque",-5]', b'["range",1.5]', b'["iterator"]', b'{"list":1}', b'["date","never"]'),
        b"[" * 100_000,
        b'["list",' * 50_000 + b"1" + b"]" * 50_000,
    ],
    ids=lambda text: text[:24].decode("latin1"),
)
def test_a_text_that_is_no_value_is_refused(text):
    with pytest.raises(LiteralError):
        loads(text)


def test_a_text_cannot_name_code():
    """Every tag that a value may begin with, given a name that would do harm."""
    written = [json.loads(dumps(value)) for value in (*PLAIN, np.zeros(1), np.float64(1), iter([]))]
    tags = {node[0] for node in written if isinstance(node, list)}
    assert len(tags) > 20
    for tag in tags:
        for name in ("os.system", "__import__", "eval"):
            try:
                value = loads(json.dumps([tag, name, name]).encode())
            except LiteralError:
                continue
            assert not callable(value), (tag, name)


def test_values_are_shown_and_cut():
    assert show({"a": [1, (2,)], "b": {3}}) == "{'a': [1, (2,)], 'b': {3}}"
    assert show(Counter("aa")) == "Counter({'a': 2})"
    assert show("x" * 99, 10) == "'xxxxxxxxx ..."
    assert show(10**5000).startswith("<int of 16610 bits>")
    doubled = []
    for _ in range(90):
        doubled = [doubled, doubled]
    assert len(show(doubled, 100)) == 104
