"""What every way to translate offers: it prepares itself for a direction, then takes lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from xgen_core.lm.asker import Asker, Call
from xgen_core.records import Record
from xgen_ldp.exemplars import Exemplar
from xgen_ldp.finding import Finding, Reason
from xgen_ldp.line import Line
from xgen_ldp.methods.material import Material
from xgen_ldp.translation import Translation

__all__ = ["Candidate", "Method", "Preparation", "Translator", "outputs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate(Record):
    """A synthetic exemplar, taken or not.

    Attributes:
        exemplar: with its synthetic side; None where the model wrote no such line.
        findings: why it was refused.
        score: by which accepted ones were ranked; higher is better.
        chosen: whether it stands in the prompts.
    """

    id: str
    exemplar: Exemplar | None
    findings: tuple[Finding, ...] = ()
    score: float | None = None
    chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation(Record):
    """What a method did for a direction before the first line.

    Attributes:
        exemplars: that stand in every prompt, in its order.
        candidates: synthetic exemplars that were considered for them.
        calls: requests to the model, in order.
        steps: preparations that this one rests on, by name: `"npi_Deva-eng_Latn"`; their calls are
            among `calls`.
        notes: what is to be known of it: fewer exemplars than asked for, say.
    """

    exemplars: tuple[Exemplar, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    calls: tuple[Call, ...] = ()
    steps: Mapping[str, Preparation] = field(default_factory=dict[str, "Preparation"])
    notes: tuple[str, ...] = ()

    @property
    def rejected(self) -> Counter[Reason]:
        """How many candidates were refused, by their first reason."""
        return Counter(c.findings[0].reason for c in self.candidates if c.findings)


class Translator(Protocol):
    """A method that is ready for one direction."""

    @property
    def preparation(self) -> Preparation:
        """What it rests on."""
        ...

    async def translate(self, asker: Asker, line: Line) -> Translation:
        """Translate one line; what goes wrong with an answer is a finding, not an error.

        Raises:
            ModelError: the model failed.
        """
        ...


class Method(Protocol):
    """A way to translate. Its fields are its settings, and part of a run's recipe."""

    @property
    def name(self) -> str:
        """Under which `load_method` knows it."""
        ...

    async def prepare(self, asker: Asker, material: Material) -> Translator:
        """Choose or make the exemplars for a direction.

        Args:
            asker: of the preparation; its calls go into `Preparation.calls`.
            material: what may be used.

        Raises:
            InputError: the material lacks what the method needs, or it has no such direction.
            ModelError: the model failed.
        """
        ...


def outputs(exemplars: Sequence[Exemplar]) -> list[str]:
    """What a model that copies an exemplar would write."""
    return [exemplar.output.text for exemplar in exemplars]
