"""A file of answers in the place of the model that wrote them."""

from __future__ import annotations

from pathlib import Path

from xgen_core import Completion, GenerationRequest, InputError, ModelError, ModelInfo
from xgen_core.files import sha256_file
from xgen_core.lm.always_open import AlwaysOpen

__all__ = ["GivenAnswers"]


class GivenAnswers(AlwaysOpen):
    """Answers that were written before: judged tasks read them from `path` and ask nobody.

    Args:
        path: of the file, in the form that the task reads.

    Raises:
        InputError: no such file.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise InputError(f"{path}: no such file of answers")
        self.path = path
        self._info = ModelInfo(identity=f"{path.name}:{sha256_file(path)[:16]}")

    @property
    def info(self) -> ModelInfo:
        """Identity is the file's name and checksum."""
        return self._info

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        """There is nobody to ask.

        Raises:
            ModelError: always.
        """
        raise ModelError(f"{self.path} holds answers; a model is needed to write others")
