"""Naive reverse: LDP's prompt into English turned around. It is here because it fails.

English stands on the left and a different language on the right of each exemplar; then English is
to go into a language of which no exemplar has a word. LDP's slides show why this does not work: a
model hardly knows the name of the language, and the exemplars' outputs agree on nothing that it
could go on with. So it writes one of their languages, or none in particular. Compare it with `ldp`,
whose exemplars have the target language itself on the right.
"""

from __future__ import annotations

from dataclasses import dataclass

from xgen_core import InputError
from xgen_core.lm.asker import Asker
from xgen_ldp.exemplars import Exemplar
from xgen_ldp.languages import find_language
from xgen_ldp.methods.material import Material
from xgen_ldp.methods.prompted import Prompted
from xgen_ldp.order import shuffled

__all__ = ["NaiveReverse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NaiveReverse:
    """From English only.

    Attributes:
        languages: of the exemplars, one each; codes or names.
        max_tokens: of an answer.
    """

    languages: tuple[str, ...] = ("arb", "zho", "vie", "fra")
    max_tokens: int = 512

    @property
    def name(self) -> str:
        """`"naive-reverse"`."""
        return "naive-reverse"

    async def prepare(self, asker: Asker, material: Material) -> Prompted:
        """Choose an exemplar of each language, of different sentences; nothing is asked.

        Raises:
            InputError: not from English, or the bank has no exemplar of a language.
        """
        if material.direction.kind != "from-english":
            raise InputError(
                f"{material.direction.name}: naive-reverse translates from English only; it is "
                "LDP's prompt into English, reversed"
            )
        return Prompted.of(
            material,
            self._chosen(material),
            stage=self.name,
            max_tokens=self.max_tokens,
        )

    def _chosen(self, material: Material) -> tuple[Exemplar, ...]:
        wanted = {find_language(code) for code in self.languages} - {material.direction.target}
        chosen: list[Exemplar] = []
        for language in shuffled(wanted, material.seed, lambda one: one.code):
            taken = {exemplar.id for exemplar in chosen}
            left = [
                exemplar.reversed()
                for exemplar in material.bank.of(language)
                if exemplar.id not in taken and material.tested.allows(exemplar)
            ]
            if not left:
                raise InputError(
                    f"the bank has no exemplar of {language.name} that is not tested: give others "
                    "with --bank, or --set languages=…"
                )
            chosen.append(shuffled(left, material.seed, lambda one: one.id)[0])
        return tuple(chosen)
