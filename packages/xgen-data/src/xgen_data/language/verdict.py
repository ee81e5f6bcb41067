"""What an identifier says of a text."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["UNKNOWN", "Verdict"]

UNKNOWN = "unknown"
"""The verdict on a text without letters, or on one that no model recognises."""


class Verdict(NamedTuple):
    """A language by its ISO 639 code (639-1 where there is one), or `UNKNOWN`, and how sure."""

    code: str
    probability: float
