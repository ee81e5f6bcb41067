"""`async with` for models that have nothing to start and nothing to release."""

from __future__ import annotations

from types import TracebackType
from typing import Self

__all__ = ["AlwaysOpen"]


class AlwaysOpen:
    """Mixed into a model, makes entering and leaving it do nothing."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None
