"""Seeded choices that do not depend on order, on the platform, or on a generator's stream.

Everything is ranked by a hash of the seed and its own key: adding a document leaves what was drawn
from the others as it was, and the draw is the same under every Python.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from typing import TypeVar

__all__ = ["rank", "shuffled"]

T = TypeVar("T")


def rank(seed: int, *key: str | int) -> bytes:
    """The place of `key` in the order that `seed` stands for."""
    return hashlib.sha256(json.dumps([seed, *key]).encode("ascii")).digest()


def shuffled(items: Iterable[T], seed: int, key: Callable[[T], tuple[str | int, ...]]) -> list[T]:
    """The items in the order of `rank(seed, *key(item))`."""
    return sorted(items, key=lambda item: rank(seed, *key(item)))
