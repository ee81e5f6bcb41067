"""A model whose answers wait until what looks at them is ready; requests do not."""

from __future__ import annotations

import asyncio

from xgen_core import Completion, GenerationRequest, Model, ModelInfo
from xgen_core.lm.always_open import AlwaysOpen

__all__ = ["Patient"]


class Patient(AlwaysOpen):
    """Asks at once, and hands on when a task is done.

    Args:
        model: entered.
        ready: the task.
    """

    def __init__(self, model: Model, ready: asyncio.Task[None]) -> None:
        self._model = model
        self._ready = ready

    @property
    def info(self) -> ModelInfo:
        """The model's own."""
        return self._model.info

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        """The model's completions; raises as it does, or what the task raised."""
        made = await self._model.generate(request)
        await asyncio.shield(self._ready)
        return made
