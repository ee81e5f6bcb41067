"""Exit codes by which a child says what ended it; its word, believed only as a kind of failure."""

from __future__ import annotations

__all__ = ["DENIED", "ERROR", "MEMORY"]

ERROR = 1
"""An exception that nothing caught; its traceback is on standard error."""

MEMORY = 101
"""A `MemoryError` that nothing caught."""

DENIED = 102
"""A `PermissionError` that nothing caught."""
