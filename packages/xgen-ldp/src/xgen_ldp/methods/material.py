"""What a method may use for one direction: exemplars, unlabelled text, and nothing of the test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xgen_core import InputError
from xgen_ldp.checking import Checker
from xgen_ldp.exemplars import Bank, Exemplar, open_bank
from xgen_ldp.languages import Language
from xgen_ldp.line import Direction, Line
from xgen_ldp.prompts import Tags

__all__ = ["Material", "Tested"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """The lines that are to be translated in a run, and their references: no prompt may hold them.

    Attributes:
        ids: of the lines, in all languages.
        texts: of the lines and of their references.
    """

    ids: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()

    def allows(self, found: Line | Exemplar) -> bool:
        """Whether a line or an exemplar may stand in a prompt."""
        if found.id in self.ids:
            return False
        if isinstance(found, Line):
            return found.text not in self.texts
        return not any(side.text in self.texts for side in found.sides)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All that a method may use for one direction.

    Attributes:
        direction: from which language into which.
        bank: exemplars (Z, English) of high-resource languages.
        unlabelled: harvested text by language code.
        parallel: pairs (source, target) by people, or triples with English between, for methods
            that are supervised.
        tested: what no prompt may hold.
        checker: that looks at every output.
        tags: of the prompts.
        seed: decides every choice.
    """

    direction: Direction
    bank: Bank = field(default_factory=open_bank)
    unlabelled: Mapping[str, tuple[Line, ...]] = field(
        default_factory=dict[str, "tuple[Line, ...]"]
    )
    parallel: tuple[Exemplar, ...] = ()
    tested: Tested = field(default_factory=Tested)
    checker: Checker = field(default_factory=Checker)
    tags: Tags = "name"
    seed: int = 0

    def lines(self, language: Language, fewest: int) -> tuple[Line, ...]:
        """Unlabelled lines of a language that may stand in a prompt.

        Args:
            language: of the lines.
            fewest: that are needed.

        Raises:
            InputError: there are fewer.
        """
        given = self.unlabelled.get(language.code, ())
        allowed = tuple(line for line in given if self.tested.allows(line))
        if len(allowed) < fewest:
            some = f"{len(allowed)} that are not tested" if given else "none given"
            raise InputError(
                f"{self.direction.name}: this method needs {fewest} unlabelled lines of "
                f"{language.name}, {some}: --unlabelled {language.code}=FILE"
            )
        return allowed
