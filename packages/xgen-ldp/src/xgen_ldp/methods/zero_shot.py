"""Zero-shot: an instruction that names both languages, and no exemplar.

This is how LDP's tables ask InstructGPT ("zero-shot with instruction"). Their words are not
published; these are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xgen_core.lm.asker import Asker
from xgen_ldp.methods.material import Material
from xgen_ldp.methods.prompted import Prompted

__all__ = ["INSTRUCTION", "ZeroShot"]

INSTRUCTION = (
    "Translate the following text from {source} into {target}. Write only the translation, on one "
    "line."
)
"""What is asked for. The languages are named whatever the tags are: nothing else says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroShot:
    """An instruction, then the line.

    Attributes:
        max_tokens: of an answer.
        instruction: with the languages' names in place of `{source}` and `{target}`; empty for a
            model that was tuned to take the tags alone for an instruction.
    """

    name: ClassVar[str] = "zero-shot"

    max_tokens: int = 512
    instruction: str = INSTRUCTION

    async def prepare(self, asker: Asker, material: Material) -> Prompted:
        """Nothing is needed, and nothing asked."""
        source, target = material.direction.source.name, material.direction.target.name
        told = self.instruction.replace("{source}", source).replace("{target}", target)
        return Prompted.of(material, stage=self.name, max_tokens=self.max_tokens, instruction=told)
