"""Naive reverse: LDP's prompt into English turned around. It is here because it fails.

English stands on the left and a different language on the right of each exemplar; then English is
to go into a language of which no exemplar has a word. LDP's slides show why this does not work: a
model hardly knows the name of the language, and the exemplars' outputs agree on nothing that it
could go on with. So it writes one of their languages, or none in particular. Compare it with `ldp`,
whose exemplars have the target language itself on the right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xgen_core import InputError
from xgen_core.lm.asker import Asker
from xgen_ldp.exemplars import Choice, Policy
from xgen_ldp.methods.material import Material
from xgen_ldp.methods.prompted import Prompted

__all__ = ["NaiveReverse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NaiveReverse:
    """From English only; the exemplars are those of LDP into English, with the same settings.

    Attributes:
        exemplars: each of another language.
        choice: how they are chosen; see `xgen_ldp.exemplars.Policy`.
        languages: that come first among them, codes or names.
        max_tokens: of an answer.
    """

    name: ClassVar[str] = "naive-reverse"

    exemplars: int = 4
    choice: Policy = "languages"
    languages: tuple[str, ...] = ()
    max_tokens: int = 512

    def __post_init__(self) -> None:
        if self.exemplars < 1:
            raise ValueError(f"exemplars must be at least 1, got {self.exemplars}")

    async def prepare(self, asker: Asker, material: Material) -> Prompted:
        """Choose exemplars of other languages than the target; nothing is asked.

        Raises:
            InputError: not from English, or the bank has too few exemplars.
        """
        direction = material.direction
        if direction.kind != "from-english":
            raise InputError(
                f"{direction.name}: naive-reverse translates from English only; it is LDP's prompt "
                "into English, reversed"
            )
        choice = Choice(count=self.exemplars, policy=self.choice, languages=self.languages)
        chosen = choice.choose(
            material.bank,
            seed=material.seed,
            without=[direction.target],
            allows=material.tested.allows,
        )
        return Prompted.of(
            material,
            tuple(exemplar.reversed() for exemplar in chosen),
            stage=self.name,
            max_tokens=self.max_tokens,
        )
