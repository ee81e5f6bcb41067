"""A random order that a seed decides, and no release of Python or numpy changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TypeVar

__all__ = ["shuffled"]

T = TypeVar("T")


def shuffled(items: Iterable[T], seed: int, name: Callable[[T], str]) -> list[T]:
    """Items in random order. It depends on their names and the seed, not on the order given.

    So the first few of many stay the same when others are added behind them, or are taken away.

    Args:
        items: with different names.
        seed: decides the order.
        name: of an item.
    """
    return sorted(items, key=lambda item: hashlib.sha256(f"{seed} {name(item)}".encode()).digest())
