"""The plainest translator: always the same exemplars, then the line; one request a line."""

from __future__ import annotations

from dataclasses import dataclass

from xgen_core.lm.asker import Asker
from xgen_ldp.checking import Checker
from xgen_ldp.exemplars import Exemplar, Side
from xgen_ldp.line import Direction, Line
from xgen_ldp.methods.asking import ask
from xgen_ldp.methods.material import Material
from xgen_ldp.methods.method import Preparation, outputs
from xgen_ldp.prompts import Layout
from xgen_ldp.translation import Attempt, Translation

__all__ = ["Prompted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompted:
    """A translator for one direction.

    Attributes:
        stage: what its requests are called in the trace: the method's name.
        direction: from which language into which.
        layout: of the prompts.
        checker: that looks at every output.
        max_tokens: of an answer.
        preparation: with the exemplars of every prompt.
    """

    stage: str
    direction: Direction
    layout: Layout
    checker: Checker
    max_tokens: int
    preparation: Preparation

    @classmethod
    def of(
        cls,
        material: Material,
        exemplars: tuple[Exemplar, ...] = (),
        *,
        stage: str,
        max_tokens: int,
        instruction: str = "",
    ) -> Prompted:
        """With exemplars that are there already, so that no request prepares it.

        Args:
            material: of the direction.
            exemplars: before every line, in this order.
            stage: the method's name.
            max_tokens: of an answer.
            instruction: before the exemplars.
        """
        return cls(
            stage=stage,
            direction=material.direction,
            layout=Layout(tags=material.tags, instruction=instruction),
            checker=material.checker,
            max_tokens=max_tokens,
            preparation=Preparation(exemplars=exemplars),
        )

    async def translate(self, asker: Asker, line: Line) -> Translation:
        """Ask greedily for one line, and look at it.

        Raises:
            ModelError: the model failed.
        """
        target = self.direction.target
        given = Side(language=self.direction.source, text=line.text)
        exemplars = self.preparation.exemplars
        answer = await ask(
            asker,
            self.stage,
            self.layout,
            exemplars,
            given,
            [target],
            max_tokens=self.max_tokens,
        )
        checked = self.checker.check(
            given, answer.first, target, shown=outputs(exemplars), truncated=answer.truncated
        )
        attempt = Attempt(text=answer.first, findings=checked.findings, notes=checked.notes)
        return Translation(id=line.id, attempts=(attempt,), calls=asker.calls)
