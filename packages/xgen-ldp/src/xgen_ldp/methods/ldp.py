"""Linguistically diverse prompting: X→En, En→X or X→Y, whichever a direction needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xgen_core.lm.asker import Asker
from xgen_ldp.methods.between import Between
from xgen_ldp.methods.from_english import FromEnglish
from xgen_ldp.methods.into_english import IntoEnglish
from xgen_ldp.methods.material import Material
from xgen_ldp.methods.method import Translator
from xgen_ldp.methods.settings import LdpSettings

__all__ = ["Ldp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ldp(LdpSettings):
    """The method `ldp`; its settings are those of all three directions."""

    name: ClassVar[str] = "ldp"

    async def prepare(self, asker: Asker, material: Material) -> Translator:
        """Choose exemplars, or make them of unlabelled text; see `Method.prepare`."""
        direction = material.direction
        if direction.kind == "into-english":
            return IntoEnglish.prepare(self, material, direction.source)
        if direction.kind == "from-english":
            return await FromEnglish.prepare(self, asker, material, direction.target)
        return await Between.prepare(self, asker, material)
