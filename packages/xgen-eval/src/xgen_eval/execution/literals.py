"""Values that two processes may exchange: built-in types, and nothing that can act.

A value becomes one JSON text in which every container is an array that begins with the name of its
type. Decoding builds values of exactly the types named here, so an answer cannot bring an `__eq__`
of its own: a subclass of a built-in type arrives as the built-in, and any other object as an
`Opaque`, which equals nothing but itself. A list that stands twice in a message stays one list.

Standard library only, as this runs inside the sandbox; numpy is used where the process has it.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from types import NoneType
from typing import Any

__all__ = ["CutOffError", "LiteralError", "Opaque", "dumps", "loads", "show"]

_DEPTH = 100
_PLAIN = 1 << 64
_VALUES = 500_000
_ITERATED = 1_000
_ARRAY_BYTES = 1 << 26
_DTYPE = re.compile(r"[<>|=](?:b1|[iu][1248]|f[248]|c8|c16|[US]\d{1,6})")
_NODES = (list, dict)
_KEYS, _ITEMS, _ENTRIES = type({}.keys()), type({}.values()), type({}.items())
_TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        *(int, float, complex, bool, str, bytes, bytearray, list, tuple, dict, set, frozenset),
        *(range, object, type, NoneType, Counter, OrderedDict, defaultdict, deque),
        *(Decimal, Fraction, date, datetime, time, timedelta),
    )
}


class LiteralError(ValueError):
    """A value that cannot be relayed, or a text that stands for none."""


class CutOffError(LiteralError):
    """More of an iterator was asked for than was relayed."""


class Opaque:
    """An object that was not relayed: it has an identity and the name of a type."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"<{self.kind} object>"


def dumps(value: object, *, opaque: bool = False) -> bytes:
    """Encode a value; an iterator is read, up to its first 1,000 items.

    Args:
        value: what to encode.
        opaque: send what is no literal by the name of its type, rather than raise.

    Raises:
        LiteralError: what is no literal, or a value that nests deeper than 100 or holds more than
            500,000 others.
    """
    return _text(_Encoder(opaque).encode(value, 0))


def loads(text: bytes) -> Any:
    """Decode what `dumps` wrote; the text may come from anyone.

    Raises:
        LiteralError: it is not such a text.
    """
    try:
        return _Decoder().decode(json.loads(text))
    except LiteralError:
        raise
    except Exception as error:  # noqa: BLE001 - a hostile text may end in any of them
        raise LiteralError(f"not a relayed value: {type(error).__name__}: {error}") from None


def show(value: object, room: int = 2000) -> str:
    """A decoded value as Python writes it, cut off after `room` characters."""
    found, pieces = "", _pieces(value, room, 0)
    while len(found) <= room:
        piece = next(pieces, None)
        if piece is None:
            return found
        found += piece
    return found[:room] + " ..."


def _text(node: object) -> bytes:
    return json.dumps(node, separators=(",", ":")).encode("ascii")


class _Encoder:
    """Turns one value into JSON nodes."""

    def __init__(self, opaque: bool) -> None:
        self._opaque = opaque
        self._places: dict[int, int] = {}  # of containers that may be shared, by identity
        self._kept: list[object] = []  # so that no identity is given twice
        self._left = _VALUES

    def encode(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is int:
            return value if -_PLAIN < value < _PLAIN else ["int", hex(value)]
        if kind is str or kind is bool or value is None:
            return value
        if depth > _DEPTH:
            raise LiteralError(f"nests deeper than {_DEPTH}")
        write = _WRITERS.get(kind)
        if write is not None:
            return write(value, self, depth)
        if kind.__module__ == "numpy" and (node := _numpy_node(value, self, depth)) is not None:
            return node
        for base in kind.__mro__:
            write = _WRITERS.get(base)
            if write is not None:
                return write(value, self, depth)
        if isinstance(value, Iterator):
            items = list(islice(value, _ITERATED + 1))
            more = len(items) > _ITERATED
            return ["iterator", more, *self.all(items[:_ITERATED], depth)]
        return self.opaque(value)

    def all(self, values: Iterable[object], depth: int) -> list[Any]:
        encode, depth = self.encode, depth + 1
        nodes = [encode(value, depth) for value in values]
        self._left -= len(nodes)
        if self._left < 0:
            raise LiteralError(f"more than {_VALUES} values")
        return nodes

    def opaque(self, value: object) -> list[Any]:
        name = type.__getattribute__(type(value), "__name__")[:100]
        if not self._opaque:
            raise LiteralError(f"a {name} is not a value of a built-in type")
        return ["opaque", name]

    def seen(self, value: object) -> list[Any] | None:
        """A reference to a container that this message has already; else it is remembered."""
        place = self._places.setdefault(id(value), len(self._kept))
        if place < len(self._kept):
            return ["same", place]
        self._kept.append(value)
        return None


# The methods of the built-in type itself read a value, whatever its subclass has made of them.
def _int(value: Any, encoder: _Encoder, depth: int) -> Any:
    plain = int.__add__(value, 0)
    return encoder.encode(plain, depth)


def _float(value: Any, encoder: _Encoder, depth: int) -> Any:
    plain = float.__float__(value)
    return plain if math.isfinite(plain) else ["float", repr(plain)]


def _complex(value: Any, encoder: _Encoder, depth: int) -> Any:
    plain = complex.__complex__(value)
    return ["complex", *encoder.all((plain.real, plain.imag), depth)]


def _sequence(tag: str, iterate: Callable[[Any], Iterator[object]], shared: bool) -> Any:
    def write(value: Any, encoder: _Encoder, depth: int) -> Any:
        return (shared and encoder.seen(value)) or [tag, *encoder.all(iterate(value), depth)]

    return write


def _unordered(tag: str, iterate: Callable[[Any], Iterator[object]], shared: bool) -> Any:
    def write(value: Any, encoder: _Encoder, depth: int) -> Any:
        if shared and (reference := encoder.seen(value)):
            return reference
        return [tag, *sorted(encoder.all(iterate(value), depth), key=_text)]

    return write


def _mapping(
    tag: str, items: Callable[[Any], Iterable[tuple[object, object]]], head: Callable[[Any], Any]
) -> Any:
    def write(value: Any, encoder: _Encoder, depth: int) -> Any:
        if reference := encoder.seen(value):
            return reference
        pairs = (part for pair in items(value) for part in pair)
        return [tag, head(value), *encoder.all(pairs, depth)]

    return write


def _deque(value: Any, encoder: _Encoder, depth: int) -> Any:
    if reference := encoder.seen(value):
        return reference
    return ["deque", value.maxlen, *encoder.all(deque.__iter__(value), depth)]


def _type(value: Any, encoder: _Encoder, depth: int) -> Any:
    name = value.__name__
    return ["type", name] if _TYPES.get(name) is value else encoder.opaque(value)


def _factory(value: Any) -> str | None:
    factory = value.default_factory
    name = getattr(factory, "__name__", None)
    return name if isinstance(name, str) and _TYPES.get(name) is factory else None


def _fields(tag: str, *names: str) -> Any:
    def write(value: Any, encoder: _Encoder, depth: int) -> Any:
        return [tag, *encoder.all((getattr(value, name) for name in names), depth)]

    return write


def _nothing(value: Any) -> None:
    return None


_WRITERS: dict[type, Callable[[Any, _Encoder, int], Any]] = {
    int: _int,
    float: _float,
    complex: _complex,
    str: lambda value, encoder, depth: str.__str__(value),
    bytes: lambda value, encoder, depth: ["bytes", bytes.hex(value)],
    bytearray: lambda v, encoder, depth: encoder.seen(v) or ["bytearray", bytearray.hex(v)],
    list: _sequence("list", list.__iter__, True),
    tuple: _sequence("tuple", tuple.__iter__, False),
    set: _unordered("set", set.__iter__, True),
    frozenset: _unordered("frozenset", frozenset.__iter__, False),
    dict: _mapping("dict", dict.items, _nothing),
    Counter: _mapping("Counter", dict.items, _nothing),
    OrderedDict: _mapping("OrderedDict", OrderedDict.items, _nothing),
    defaultdict: _mapping("defaultdict", dict.items, _factory),
    _KEYS: _sequence("keys", iter, False),
    _ITEMS: _sequence("values", iter, False),
    _ENTRIES: _sequence("items", iter, False),
    deque: _deque,
    range: _fields("range", "start", "stop", "step"),
    type: _type,
    Decimal: lambda value, encoder, depth: ["Decimal", Decimal.__str__(value)],
    Fraction: _fields("Fraction", "numerator", "denominator"),
    date: lambda value, encoder, depth: ["date", date.isoformat(value)],
    datetime: lambda value, encoder, depth: ["datetime", datetime.isoformat(value)],
    time: lambda value, encoder, depth: ["time", time.isoformat(value)],
    timedelta: _fields("timedelta", "days", "seconds", "microseconds"),
    Opaque: lambda value, encoder, depth: ["opaque", value.kind],
}


class _Decoder:
    """Builds one value from JSON nodes."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def decode(self, node: Any) -> Any:
        if type(node) is not list:
            if type(node) is dict:
                raise LiteralError("not a relayed value: a JSON object")
            return node
        return _READERS[node[0]](node[1:], self)  # an unknown tag is a KeyError

    def all(self, nodes: Iterable[Any]) -> list[Any]:
        decode = self.decode
        return [n if type(n) not in _NODES else decode(n) for n in nodes]

    def keep(self, value: Any) -> Any:
        self.kept.append(value)
        return value


def _read_list(nodes: list[Any], decoder: _Decoder) -> list[Any]:
    found = decoder.keep([])  # remembered before it is filled: it may hold itself
    found.extend(decoder.all(nodes))
    return found


def _read_set(nodes: list[Any], decoder: _Decoder) -> set[Any]:
    found = decoder.keep(set())
    found.update(decoder.all(nodes))
    return found


def _read_deque(nodes: list[Any], decoder: _Decoder) -> deque[Any]:
    found = decoder.keep(deque(maxlen=nodes[0]))
    found.extend(decoder.all(nodes[1:]))
    return found


def _read_mapping(make: Callable[[Any], Any]) -> Callable[[list[Any], _Decoder], Any]:
    def read(nodes: list[Any], decoder: _Decoder) -> Any:
        found = decoder.keep(make(nodes[0]))
        for key, value in zip(nodes[1::2], nodes[2::2], strict=True):
            name = decoder.decode(key)  # before its value, as they were written
            found[name] = decoder.decode(value)
        return found

    return read


def _read_iterator(nodes: list[Any], decoder: _Decoder) -> Iterator[Any]:
    items = decoder.all(nodes[1:])
    return _cut_off(items) if nodes[0] else iter(items)


def _cut_off(items: list[Any]) -> Iterator[Any]:
    yield from items
    raise CutOffError(f"an iterator is relayed up to its first {_ITERATED} items")


def _read_array(nodes: list[Any], decoder: _Decoder) -> Any:
    place = len(decoder.kept)
    decoder.keep(None)
    dtype, shape, *values = nodes
    decoder.kept[place] = _array(dtype, tuple(shape), decoder.all(values))
    return decoder.kept[place]


def _numpy_node(value: Any, encoder: _Encoder, depth: int) -> Any:
    """A numpy array or scalar of plain numbers or text; None for anything else of numpy."""
    numpy = sys.modules["numpy"]
    array = isinstance(value, numpy.ndarray)
    if not (array or isinstance(value, numpy.generic)) or not _DTYPE.fullmatch(value.dtype.str):
        return None
    if not array:
        return ["scalar", value.dtype.str, encoder.encode(value.item(), depth + 1)]
    if reference := encoder.seen(value):
        return reference
    values = numpy.asarray(value).ravel().tolist()
    return ["array", value.dtype.str, list(value.shape), *encoder.all(values, depth)]


def _array(dtype: str, shape: tuple[int, ...], values: list[Any]) -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        raise LiteralError("a numpy value, but numpy is not among the modules of this problem")
    if not _DTYPE.fullmatch(dtype) or numpy.dtype(dtype).itemsize * len(values) > _ARRAY_BYTES:
        raise LiteralError(f"not a relayed array: dtype {dtype!r} of {len(values)} values")
    return numpy.array(values, dtype).reshape(shape)


_READERS: dict[str, Callable[[list[Any], _Decoder], Any]] = {
    "same": lambda nodes, decoder: decoder.kept[nodes[0]],
    "opaque": lambda nodes, decoder: Opaque(str(nodes[0])[:100]),
    "int": lambda nodes, decoder: int(nodes[0], 16),
    "float": lambda nodes, decoder: float(nodes[0]),
    "complex": lambda nodes, decoder: complex(*decoder.all(nodes)),
    "bytes": lambda nodes, decoder: bytes.fromhex(nodes[0]),
    "bytearray": lambda nodes, decoder: decoder.keep(bytearray.fromhex(nodes[0])),
    "list": _read_list,
    "tuple": lambda nodes, decoder: tuple(decoder.all(nodes)),
    "set": _read_set,
    "frozenset": lambda nodes, decoder: frozenset(decoder.all(nodes)),
    "dict": _read_mapping(lambda head: {}),
    "Counter": _read_mapping(lambda head: Counter()),
    "OrderedDict": _read_mapping(lambda head: OrderedDict()),
    "defaultdict": _read_mapping(lambda head: defaultdict(None if head is None else _TYPES[head])),
    "keys": lambda nodes, decoder: dict.fromkeys(decoder.all(nodes)).keys(),
    "values": lambda nodes, decoder: dict(enumerate(decoder.all(nodes))).values(),
    "items": lambda nodes, decoder: dict(decoder.all(nodes)).items(),
    "deque": _read_deque,
    "range": lambda nodes, decoder: range(*decoder.all(nodes)),
    "type": lambda nodes, decoder: _TYPES[nodes[0]],
    "Decimal": lambda nodes, decoder: Decimal(nodes[0]),
    "Fraction": lambda nodes, decoder: Fraction(*decoder.all(nodes)),
    "date": lambda nodes, decoder: date.fromisoformat(nodes[0]),
    "datetime": lambda nodes, decoder: datetime.fromisoformat(nodes[0]),
    "time": lambda nodes, decoder: time.fromisoformat(nodes[0]),
    "timedelta": lambda nodes, decoder: timedelta(*decoder.all(nodes)),
    "iterator": _read_iterator,
    "array": _read_array,
    "scalar": lambda nodes, decoder: _array(nodes[0], (1,), decoder.all(nodes[1:]))[0],
}


def _pieces(value: Any, room: int, depth: int) -> Iterator[str]:
    """The text of a value, piece by piece, so that a huge one need not be written to be cut."""
    kind = type(value)
    if kind is int and value.bit_length() > 10_000:
        yield f"<int of {value.bit_length()} bits>"
    elif kind is str or kind is bytes:
        yield repr(value[: room + 1])
    elif kind not in _BRACKETS or not value:
        yield repr(value)
    elif depth > _DEPTH:
        yield "..."
    else:
        begin, end = _BRACKETS[kind]
        yield begin
        for i, item in enumerate(value):
            yield ", " if i else ""
            yield from _pieces(item, room, depth + 1)
            if isinstance(value, dict):
                yield ": "
                yield from _pieces(value[item], room, depth + 1)
        yield ",)" if kind is tuple and len(value) == 1 else end


_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
    dict: ("{", "}"),
    Counter: ("Counter({", "})"),
    OrderedDict: ("OrderedDict({", "})"),
    defaultdict: ("defaultdict({", "})"),
    deque: ("deque([", "])"),
}
