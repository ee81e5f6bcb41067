"""Between plain JSON values and typed frozen dataclasses, with errors that name the field.

Records, recipes and manifests all cross this one seam, so an unknown field or a wrong type is
refused the same way everywhere: `stages.1.sequence_length: expected int, got 'long'`.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeVar, cast

__all__ = ["JSON", "CodecError", "decode", "encode", "unknown_name"]

JSON = None | bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"]
T = TypeVar("T")


class CodecError(ValueError):
    """A value does not fit its declared type; the message begins with the dotted path to it."""


def unknown_name(name: str, known: Sequence[str], what: str) -> str:
    """Say that a name is not known, with the nearest known one as a hint."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"unknown {what} {name!r}{hint} Known: {', '.join(sorted(known)) or 'none'}"


def encode(value: object) -> JSON:
    """Turn a dataclass (or a container of them) into plain JSON values, field order kept.

    Raises:
        TypeError: for a value that has no JSON form.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Path):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        mapping = cast("Mapping[object, object]", value)
        return {str(k): encode(v) for k, v in mapping.items()}
    if isinstance(value, (list, tuple)):
        return [encode(v) for v in cast("Sequence[object]", value)]
    raise TypeError(f"no JSON form for {type(value).__name__}: {value!r}")


def decode(kind: type[T], value: object, path: str = "") -> T:
    """Build a `kind` from plain JSON values, checking every field against its annotation.

    Accepts dataclasses, `bool int float str`, `Path`, `X | None`, unions, `Literal`,
    `tuple[X, ...]`, fixed tuples, `list[X]` and `Mapping[str, X]`.

    Raises:
        CodecError: unknown or missing field, or a value of another type; names the dotted path.
    """
    return cast(T, _decode(kind, value, path))


def _fail(path: str, expected: str, value: object) -> CodecError:
    where = f"{path}: " if path else ""
    return CodecError(f"{where}expected {expected}, got {value!r:.120}")


def _decode(kind: object, value: object, path: str) -> object:
    origin = typing.get_origin(kind)
    args = typing.get_args(kind)
    if origin is typing.Annotated:
        return _decode(args[0], value, path)
    if origin in (typing.Union, types.UnionType):
        return _decode_union(args, value, path)
    if origin is Literal:
        if value not in args:
            raise _fail(path, "one of " + ", ".join(repr(a) for a in args), value)
        return value
    sequence = origin or kind
    if sequence is tuple or sequence is list:
        return _decode_sequence(sequence, args, value, path)
    if kind is dict or (isinstance(origin, type) and issubclass(origin, Mapping)):
        if not isinstance(value, Mapping):
            raise _fail(path, "an object", value)
        element = args[1] if len(args) == 2 else object
        mapping = cast("Mapping[object, object]", value)
        return {str(k): _decode(element, v, _join(path, str(k))) for k, v in mapping.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _decode_dataclass(kind, value, path)
    return _decode_scalar(cast(object, kind), value, path)


def _decode_scalar(kind: object, value: object, path: str) -> object:
    if kind is object or kind is typing.Any:
        return value
    if kind is None or kind is type(None):
        if value is not None:
            raise _fail(path, "null", value)
        return None
    if kind is Path and isinstance(value, (str, Path)):
        return Path(value)
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)  # 1e9 on a command line is a float to JSON and an integer to its writer
    if kind is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind in (bool, str) and isinstance(value, cast(type, kind)):
        return value
    raise _fail(path, getattr(kind, "__name__", str(kind)), value)


def _decode_union(args: tuple[object, ...], value: object, path: str) -> object:
    if type(value) in args:  # 3.0 in `int | float` stays a float
        return value
    tagged = [a for a in args if _has_tag(a, value)]
    if len(tagged) == 1:  # so that the error is about the block that was meant, not about all
        return _decode(tagged[0], value, path)
    failures: list[CodecError] = []
    for option in args:
        try:
            return _decode(option, value, path)
        except CodecError as error:
            failures.append(error)
    real = [f for a, f in zip(args, failures, strict=True) if a is not type(None)]
    if len(real) == 1:
        raise real[0]
    names = " or ".join(getattr(a, "__name__", str(a)) for a in args)
    raise _fail(path, names, value)


def _has_tag(option: object, value: object) -> bool:
    """Whether `value["kind"]` is what the dataclass `option` declares as its literal `kind`."""
    if not isinstance(value, Mapping) or not isinstance(option, type):
        return False
    if not dataclasses.is_dataclass(option):
        return False
    tag = cast("Mapping[str, object]", value).get("kind")
    return tag is not None and tag in typing.get_args(typing.get_type_hints(option).get("kind"))


def _decode_sequence(origin: object, args: tuple[object, ...], value: object, path: str) -> object:
    items = cast("Sequence[object]", value)
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise _fail(path, "a list", items)
    if origin is tuple and args and args[-1] is not Ellipsis:
        if len(args) != len(items):
            raise _fail(path, f"{len(args)} values", items)
        kinds = args
    else:
        kinds = (args[0] if args else object,) * len(items)
    decoded = [
        _decode(k, v, _join(path, str(i)))
        for i, (k, v) in enumerate(zip(kinds, items, strict=True))
    ]
    return tuple(decoded) if origin is tuple else decoded


def _decode_dataclass(kind: type, value: object, path: str) -> object:
    if isinstance(value, kind):
        return value
    if not isinstance(value, Mapping):
        raise _fail(path, f"an object ({kind.__name__})", value)
    mapping = cast("Mapping[str, object]", value)
    hints, fields = _fields(kind)
    where = f"{path}: " if path else ""
    for name in mapping:
        if name not in fields:
            raise CodecError(where + unknown_name(name, list(fields), f"field of {kind.__name__}"))
    missing = [
        n
        for n, f in fields.items()
        if n not in mapping
        and f.default is dataclasses.MISSING
        and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise CodecError(f"{where}{kind.__name__} lacks the field {missing[0]!r}")
    values = {n: _decode(hints[n], v, _join(path, n)) for n, v in mapping.items()}
    try:
        return kind(**values)
    except ValueError as error:  # a __post_init__ that refuses: say where in the tree
        raise CodecError(f"{where}{error}") from error


@functools.cache
def _fields(kind: type) -> tuple[dict[str, object], dict[str, dataclasses.Field[object]]]:
    """Annotations and fields of a dataclass; resolving them costs more than decoding a record."""
    return typing.get_type_hints(kind), {f.name: f for f in dataclasses.fields(kind) if f.init}


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
