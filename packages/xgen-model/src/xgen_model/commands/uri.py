"""How the commands name a model."""

from __future__ import annotations

from pathlib import Path

__all__ = ["model_uri"]


def model_uri(name: str) -> str:
    """A bare directory means `local:`."""
    return f"local:{name}" if Path(name).is_dir() else name
