"""What follows the scheme of a source: `TARGET?name=value&name=value`."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from xgen_core import InputError
from xgen_core.codec import unknown_name

__all__ = ["positive", "split_settings"]


def split_settings(rest: str, known: tuple[str, ...]) -> tuple[str, Mapping[str, str]]:
    """The target and its settings.

    Raises:
        InputError: a setting is unknown, named twice, or has no value.
    """
    target, _, written = rest.partition("?")
    settings: dict[str, str] = {}
    for name, value in parse_qsl(written, keep_blank_values=True):
        if name not in known:
            raise InputError(f"source {rest!r}: {unknown_name(name, known, 'setting')}")
        if not value or name in settings:
            raise InputError(f"source {rest!r}: setting {name!r} needs one value")
        settings[name] = value
    return target, settings


def positive(settings: Mapping[str, str], name: str, default: float) -> float:
    """A number above 0.

    Raises:
        InputError: it is none.
    """
    value = settings.get(name, f"{default}")
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise InputError(f"setting {name!r} is a number above 0, not {value!r}")
    return number
