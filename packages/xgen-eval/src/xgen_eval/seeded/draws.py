"""Seeded choices that do not depend on order, on the platform, or on a generator's stream.

Everything is ranked by a hash of the seed and its own key: adding a document leaves what was drawn
from the others as it was, and the draw is the same under every Python.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

__all__ = ["integer", "pick", "rank", "shuffled"]

T = TypeVar("T")


def rank(seed: int, *key: str | int) -> bytes:
    """The place of `key` in the order that `seed` stands for."""
    return hashlib.sha256(json.dumps([seed, *key]).encode("ascii")).digest()


def integer(below: int, seed: int, *key: str | int) -> int:
    """A number from 0 to `below - 1`, each as likely as the others (to 1 in 2⁶⁴ / below)."""
    return int.from_bytes(rank(seed, *key)[:8]) % below


def pick(items: Sequence[T], seed: int, *key: str | int) -> T:
    """One of the items."""
    return items[integer(len(items), seed, *key)]


def shuffled(items: Iterable[T], seed: int, key: Callable[[T], tuple[str | int, ...]]) -> list[T]:
    """The items in the order of `rank(seed, *key(item))`."""
    return sorted(items, key=lambda item: rank(seed, *key(item)))
