r"""How a prompt looks: a tag and a text a line, a blank line between exemplars.

French: Je suis désolé            <- exemplars, one a block
English: I'm sorry

Igbo: Ịmụ igwe                    <- the line, once, at the end
English:                          <- where the model goes on
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from xgen_core.records import Record
from xgen_ldp.exemplars.exemplar import Exemplar, Side
from xgen_ldp.languages import ENGLISH, Language
from xgen_ldp.prompts.reading import after_tag, unquoted

__all__ = ["Layout", "Tags"]

Tags = Literal["name", "generic", "none"]
"""What stands before a text: the language's name; `Source`, `English` or `Target`; nothing.

A model may not know the name of a language that it has hardly seen, and is confused by it."""

_BLANK = "\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout(Record):
    """Prompts of one form; the same arguments give the same bytes.

    Attributes:
        tags: what stands before a text.
        instruction: before the exemplars, a paragraph of its own; may be empty.
    """

    tags: Tags = "name"
    instruction: str = ""

    def render(
        self, exemplars: Sequence[Exemplar], given: Sequence[Side], asked: Sequence[Language]
    ) -> str:
        """The prompt.

        Args:
            exemplars: before the line.
            given: the line, in each language in which it is known.
            asked: in which languages it is to be written, in order; the first tag ends the prompt.

        Raises:
            ValueError: nothing is given, or nothing asked.
        """
        if not given or not asked:
            raise ValueError("a prompt takes a given line and an asked language")
        blocks = [self.instruction] if self.instruction else []
        for exemplar in exemplars:
            tags = self.tags_of([side.language for side in exemplar.sides])
            rows = zip(tags, exemplar.sides, strict=True)
            blocks.append("\n".join(_row(tag, side.text) for tag, side in rows))
        tags = self.tags_of([*(side.language for side in given), *asked])
        rows = [_row(tag, side.text) for tag, side in zip(tags, given, strict=False)]
        blocks.append("\n".join([*rows, tags[len(given)]]))
        return _BLANK.join(blocks)

    def tags_of(self, languages: Sequence[Language]) -> list[str]:
        """Tags with their colons, in order; empty ones where there are none."""
        if self.tags == "none":
            return [""] * len(languages)
        if self.tags == "name":
            return [f"{language.name}:" for language in languages]
        last = len(languages) - 1
        return [
            "English:"
            if language == ENGLISH
            else ("Target:" if place == last and place else "Source:")
            for place, language in enumerate(languages)
        ]

    def stop(self, asked: Sequence[Language]) -> tuple[str, ...]:
        """Strings that end an answer: the end of its line, or of its block."""
        return ("\n",) if len(asked) == 1 else (_BLANK,)

    def parse(
        self, text: str, given: Sequence[Side], asked: Sequence[Language]
    ) -> tuple[str, ...] | None:
        """The asked texts out of an answer, without their tags; None where it has not all of them.

        Models that chat are read leniently: one may say the given line again first, repeat the
        first tag, set a tag in bold, or put a text in quotes that the given line has not.

        Args:
            text: the answer.
            given: as for `render`.
            asked: as for `render`.
        """
        tags = self.tags_of([*(side.language for side in given), *asked])
        said = dict(zip(tags, given, strict=False))
        lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
        lines = [_again(line, said) or line for line in lines]
        while len(lines) > len(asked) and any(lines[0] == side.text for side in given):
            lines.pop(0)
        if len(lines) < len(asked):
            return None
        quoted = any(unquoted(side.text) != side.text for side in given)
        found: list[str] = []
        for place, (tag, line) in enumerate(zip(tags[len(given) :], lines, strict=False)):
            rest = after_tag(tag, line)
            if place and tag and rest is None:
                return None
            content = line if rest is None else rest
            found.append(content if quoted else unquoted(content))
        return tuple(found) if all(found) else None


def _again(line: str, said: Mapping[str, Side]) -> str | None:
    """A given text that a line says again after its tag; None where it does not."""
    rests = ((after_tag(tag, line), side.text) for tag, side in said.items())
    return next((text for rest, text in rests if rest == text), None)


def _row(tag: str, text: str) -> str:
    return f"{tag} {text}" if tag else text
