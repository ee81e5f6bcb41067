"""English-pivot: into English by one method, and on into the target by another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from xgen_core import InputError
from xgen_core.concurrency import together
from xgen_core.lm.asker import Asker
from xgen_ldp.languages import ENGLISH
from xgen_ldp.line import Direction, Line
from xgen_ldp.methods.material import Material
from xgen_ldp.methods.method import Preparation, Translator
from xgen_ldp.methods.registry import load_method
from xgen_ldp.translation import Attempt, Translation

__all__ = ["Pivot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pivot:
    """Two steps, each a method of its own.

    Attributes:
        first: name of the method into English.
        second: name of the method from English.
        first_settings, second_settings: theirs, `field=value` each.
    """

    name: ClassVar[str] = "pivot"

    first: str = "zero-shot"
    second: str = "zero-shot"
    first_settings: tuple[str, ...] = ()
    second_settings: tuple[str, ...] = ()

    async def prepare(self, asker: Asker, material: Material) -> PivotTranslator:
        """Prepare both methods, side by side.

        Raises:
            InputError: one of the languages is English, or a method lacks something.
            ModelError: the model failed.
        """
        direction = material.direction
        if direction.kind != "between":
            raise InputError(
                f"{direction.name}: pivot goes through English between two other languages; with "
                f"English on one side use {self.first} or {self.second} alone"
            )
        ways = (
            (self.first, self.first_settings, Direction(source=direction.source, target=ENGLISH)),
            (self.second, self.second_settings, Direction(source=ENGLISH, target=direction.target)),
        )
        legs = [(load_method(name, settings), way) for name, settings, way in ways]
        first, second = await together(
            [
                method.prepare(asker.branch(), replace(material, direction=way))
                for method, way in legs
            ]
        )
        steps = {
            way.name: leg.preparation for leg, (_, way) in zip((first, second), legs, strict=True)
        }
        return PivotTranslator(
            first=first,
            second=second,
            preparation=Preparation(steps=steps, calls=asker.calls),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotTranslator:
    """Two translators, one after the other.

    Attributes:
        first: into English.
        second: from English.
        preparation: theirs are its steps.
    """

    first: Translator
    second: Translator
    preparation: Preparation

    async def translate(self, asker: Asker, line: Line) -> Translation:
        """Translate twice; what is wrong with the English is wrong with the whole.

        A first step that was rejected is gone on with, so that it is scored as it was written; one
        that wrote nothing ends the line.

        Raises:
            ModelError: the model failed.
        """
        into = await self.first.translate(asker.branch(), line)
        attempts = [
            Attempt(text="", english=one.text, findings=one.findings, notes=one.notes)
            for one in into.attempts
        ]
        english = attempts.pop() if into.text else None
        if english is not None:
            asked = Line(id=line.id, text=english.english)
            out = await self.second.translate(asker.branch(), asked)
            attempts += [_joined(english, one) for one in out.attempts]
        return Translation(id=line.id, attempts=tuple(attempts), calls=asker.calls)


def _joined(first: Attempt, second: Attempt) -> Attempt:
    return Attempt(
        text=second.text,
        english=first.english,
        findings=first.findings + second.findings,
        notes=first.notes + second.notes,
    )
