"""En→X: exemplars (ên, x), whose right side is real text in X and whose left side X→En wrote.

So the prompt's outputs are natural X, all in one language, and the model need not know its name:
an intra-lingual back-translation prompt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from xgen_core.lm.asker import Asker
from xgen_ldp.checking import Checker
from xgen_ldp.exemplars import Exemplar, Side
from xgen_ldp.languages import ENGLISH, Language
from xgen_ldp.line import Direction, Line
from xgen_ldp.methods.asking import ask, until_accepted
from xgen_ldp.methods.candidates import read_into_english
from xgen_ldp.methods.into_english import IntoEnglish
from xgen_ldp.methods.material import Material
from xgen_ldp.methods.method import Preparation, outputs
from xgen_ldp.methods.pool import make_pool
from xgen_ldp.methods.settings import LdpSettings
from xgen_ldp.prompts import Layout
from xgen_ldp.translation import Attempt, Translation

__all__ = ["FromEnglish"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FromEnglish:
    """A translator from English into one language.

    Attributes:
        settings: of LDP.
        target: the language X.
        layout: of the prompts.
        checker: that looks at every output.
        sets: exemplars for each attempt at a line; the same for every line.
        preparation: how they were made.
    """

    settings: LdpSettings
    target: Language
    layout: Layout
    checker: Checker
    sets: tuple[tuple[Exemplar, ...], ...]
    preparation: Preparation

    @classmethod
    async def prepare(
        cls, settings: LdpSettings, asker: Asker, material: Material, target: Language
    ) -> Self:
        """Make exemplars of unlabelled text in X.

        Args:
            settings: of LDP.
            asker: of the preparation.
            material: of a direction that ends in `target`.
            target: the language X.

        Raises:
            InputError: too little unlabelled text, or none of it could be read by the model.
            CapabilityError: log-probabilities are wanted, and the model gives none.
            ModelError: nothing can be asked any more.
        """
        into = IntoEnglish.prepare(settings, material, target)
        candidates = await read_into_english(asker, into, material)
        pool = make_pool(candidates, settings, material, target)
        way = Direction(source=target, target=ENGLISH)
        return cls(
            settings=settings,
            target=target,
            layout=into.layout,
            checker=material.checker,
            sets=pool.sets,
            preparation=Preparation(
                exemplars=pool.sets[0],
                candidates=pool.candidates,
                calls=asker.calls,
                steps={way.name: into.preparation},
                notes=pool.notes,
            ),
        )

    async def translate(self, asker: Asker, line: Line) -> Translation:
        """Translate a line; a rejected output is asked for again with other exemplars.

        See `Translator.translate`.
        """
        given = Side(language=ENGLISH, text=line.text)

        async def attempt(exemplars: tuple[Exemplar, ...], step: int) -> Attempt:
            answer = await ask(
                asker,
                "En→X",
                self.layout,
                exemplars,
                given,
                [self.target],
                max_tokens=self.settings.max_tokens,
                step=step,
            )
            checked = self.checker.check(
                given,
                answer.first,
                self.target,
                shown=outputs(exemplars),
                truncated=answer.truncated,
            )
            return Attempt(text=answer.first, findings=checked.findings, notes=checked.notes)

        attempts = await until_accepted(self.sets, attempt)
        return Translation(id=line.id, attempts=attempts, calls=asker.calls)
