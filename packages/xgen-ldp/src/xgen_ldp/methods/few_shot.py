"""Few-shot: real pairs of the very languages. It is what LDP does without, and is measured against.

LDP's tables take eight pairs for BLOOM and six for InstructGPT, at random, without saying which;
here their line ids stand in `Preparation.exemplars`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xgen_core import InputError
from xgen_core.lm.asker import Asker
from xgen_ldp.exemplars import Exemplar, Side
from xgen_ldp.languages import Language
from xgen_ldp.methods.material import Material
from xgen_ldp.methods.prompted import Prompted
from xgen_ldp.order import shuffled

__all__ = ["FewShot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FewShot:
    """Pairs by people, chosen at random by the seed and the same for every line.

    The choice depends on ids and seed only, so that where two directions have pairs of the same
    lines, they are shown the same lines.

    Attributes:
        shots: how many pairs.
        max_tokens: of an answer.
    """

    name: ClassVar[str] = "few-shot"

    shots: int = 8
    max_tokens: int = 512

    def __post_init__(self) -> None:
        if self.shots < 1:
            raise ValueError(f"shots must be at least 1, got {self.shots}; zero-shot shows none")

    async def prepare(self, asker: Asker, material: Material) -> Prompted:
        """Choose the pairs; nothing is asked.

        Raises:
            InputError: there are fewer pairs than `shots`.
        """
        chosen = shuffled(_pairs(material), material.seed, lambda pair: pair.id)
        if len(chosen) < self.shots:
            source, target = material.direction.source, material.direction.target
            raise InputError(
                f"{material.direction.name}: {self.name} shows {self.shots} pairs of "
                f"{source.name} and {target.name} by people, and {len(chosen)} are given that are "
                "not tested: give more with --parallel, or --set shots=N"
            )
        return Prompted.of(
            material,
            tuple(chosen[: self.shots]),
            stage=self.name,
            max_tokens=self.max_tokens,
        )


def _pairs(material: Material) -> list[Exemplar]:
    """The real pairs that may stand in a prompt, turned the way of the direction."""
    source, target = material.direction.source, material.direction.target
    pairs: list[Exemplar] = []
    for exemplar in material.parallel:
        given, wanted = _side(exemplar, source), _side(exemplar, target)
        if given is None or wanted is None or exemplar.origin != "parallel":
            continue
        pair = Exemplar(
            id=exemplar.id, sides=(given, wanted), origin="parallel", maker=exemplar.maker
        )
        if material.tested.allows(pair):
            pairs.append(pair)
    return pairs


def _side(exemplar: Exemplar, language: Language) -> Side | None:
    text = exemplar.text(language)
    return None if text is None else Side(language=language, text=text)
