"""Zero-shot: an instruction that names both languages, and no exemplar.

This is how LDP's tables ask InstructGPT ("zero-shot with instruction"). Their words are not
published; these are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xgen_core.lm.asker import Asker
from xgen_ldp.line import Direction
from xgen_ldp.methods.material import Material
from xgen_ldp.methods.prompted import Prompted

__all__ = ["ZeroShot", "instruction"]


def instruction(direction: Direction) -> str:
    """What is asked for, in a sentence.

    The languages are named whatever the tags are: nothing else here says which they are.
    """
    return (
        f"Translate the following text from {direction.source.name} into {direction.target.name}. "
        "Write only the translation, on one line."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroShot:
    """An instruction, then the line.

    Attributes:
        max_tokens: of an answer.
    """

    name: ClassVar[str] = "zero-shot"

    max_tokens: int = 512

    async def prepare(self, asker: Asker, material: Material) -> Prompted:
        """Nothing is needed, and nothing asked."""
        return Prompted.of(
            material,
            stage=self.name,
            max_tokens=self.max_tokens,
            instruction=instruction(material.direction),
        )
