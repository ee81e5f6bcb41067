"""X→En: exemplars of different high-resource languages, English always on the right, then X.

Nothing of X is in the prompt but the line itself. Exemplars of "every" language call up the reading
of any; English is what a model writes best.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from xgen_core.lm.asker import Asker
from xgen_ldp.checking import Checker
from xgen_ldp.exemplars import Side
from xgen_ldp.languages import ENGLISH, Language
from xgen_ldp.line import Line
from xgen_ldp.methods.asking import ask
from xgen_ldp.methods.material import Material
from xgen_ldp.methods.method import Preparation, outputs
from xgen_ldp.methods.settings import LdpSettings
from xgen_ldp.prompts import Layout
from xgen_ldp.translation import Attempt, Translation

__all__ = ["IntoEnglish"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntoEnglish:
    """A translator from one language into English.

    Attributes:
        settings: of LDP.
        source: the language X.
        layout: of the prompts.
        checker: that looks at every output.
        preparation: with the exemplars, the same for every line, and for every X that is not
            among their languages.
    """

    settings: LdpSettings
    source: Language
    layout: Layout
    checker: Checker
    preparation: Preparation

    @classmethod
    def prepare(cls, settings: LdpSettings, material: Material, source: Language) -> Self:
        """Choose the exemplars; nothing is asked.

        Args:
            settings: of LDP.
            material: of a direction that begins in `source`, or makes exemplars of it.
            source: the language X.

        Raises:
            InputError: the bank has too few.
        """
        seed = material.seed if settings.exemplar_seed is None else settings.exemplar_seed
        exemplars = settings.into_english.choose(
            material.bank, seed=seed, without=[source], allows=material.tested.allows
        )
        return cls(
            settings=settings,
            source=source,
            layout=Layout(tags=material.tags, instruction=settings.instruction),
            checker=material.checker,
            preparation=Preparation(exemplars=exemplars),
        )

    async def attempt(
        self, asker: Asker, line: Line, *, logprobs: bool = False
    ) -> tuple[Attempt, float | None]:
        """Translate a line; the mean log-probability of the English tokens too, if it is wanted.

        Raises:
            ModelError: the model failed.
            CapabilityError: it gives no log-probabilities.
        """
        given = Side(language=self.source, text=line.text)
        exemplars = self.preparation.exemplars
        answer = await ask(
            asker,
            "X→En",
            self.layout,
            exemplars,
            given,
            [ENGLISH],
            max_tokens=self.settings.max_tokens,
            logprobs=logprobs,
        )
        checked = self.checker.check(
            given, answer.first, ENGLISH, shown=outputs(exemplars), truncated=answer.truncated
        )
        attempt = Attempt(text=answer.first, findings=checked.findings, notes=checked.notes)
        return attempt, answer.logprob

    async def translate(self, asker: Asker, line: Line) -> Translation:
        """Translate a line; see `Translator.translate`."""
        attempt, _ = await self.attempt(asker, line)
        return Translation(id=line.id, attempts=(attempt,), calls=asker.calls)
