"""Variable tracking (RULER): follow a chain of assignments through a long text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xgen_eval.inputs import Inputs
from xgen_eval.seeded.draws import integer
from xgen_eval.seeded.ruler import NOISE, Ruler, Sample

__all__ = ["RulerVt"]

_PROMPT = (
    "Memorize and track the chain(s) of variable assignment hidden in the following text.\n\n"
    "{context}\nQuestion: Find all variables that are assigned the value {query} in the text "
    "above. Answer: According to the chain(s) of variable assignment in the text above, {count} "
    "variables are assgined the value {query}, they are: "
)
"""RULER's own, misspelling included."""
_EXAMPLE_SENTENCES = 5
_LETTERS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RulerVt(Ruler):
    """Name every variable that a value reaches; one solved short example stands before.

    Attributes:
        chains: of assignments, each from a value of its own; the first is asked for.
        hops: assignments after the first in a chain.
    """

    chains: int = 1
    hops: int = 4
    max_tokens: int = 30

    name: ClassVar[str] = "ruler_vt"
    procedure: ClassVar[str] = "variable-tracking-v1"
    summary: ClassVar[str] = "follow a chain of variable assignments through a long text (RULER)"
    title: ClassVar[str] = "Variable tracking"
    caption: ClassVar[str] = "string_match_all: the part of the chain's variables that was written."

    def __post_init__(self) -> None:
        Ruler.__post_init__(self)
        if self.chains < 1 or self.hops < 1:
            raise ValueError("chains and hops must be at least 1")

    def sample(self, inputs: Inputs, length: int, case: int, number: int, size: int) -> Sample:
        """The solved example, and a text of `size` noise sentences with its chains."""
        example, solved = self._text(inputs.seed, 1, _EXAMPLE_SENTENCES, "example")
        prompt, variables = self._text(inputs.seed, self.chains, size, length, number)
        return Sample(
            prompt=f"{example}{' '.join(solved)}\n\n{prompt}",
            references=tuple(variables),
            attributes={"hops": self.hops, "chains": self.chains},
        )

    def _text(self, seed: int, chains: int, size: int, *key: str | int) -> tuple[str, list[str]]:
        each = self.hops + 1
        names = _names(chains * each, seed, *key)
        values = _values(chains, seed, *key)
        lines: list[tuple[int, int, str]] = []
        for chain in range(chains):
            variables = names[chain * each : (chain + 1) * each]
            # in order of the text, so that a chain can be followed while reading
            at = sorted(integer(size + 1, seed, *key, "at", chain, i) for i in range(each))
            before = str(values[chain])
            for i, (place, variable) in enumerate(zip(at, variables, strict=True)):
                lines.append((place, i, f"VAR {variable} = {before}"))
                before = f"VAR {variable}"
        sentences = [NOISE] * size
        for place, _, line in sorted(lines, reverse=True):
            sentences.insert(place, line)
        prompt = _PROMPT.format(context="\n".join(sentences), query=values[0], count=each)
        return prompt, names[:each]


def _names(count: int, seed: int, *key: str | int) -> list[str]:
    found: dict[str, None] = {}
    draw = 0
    while len(found) < count:
        letters = (integer(26, seed, *key, "name", draw, i) for i in range(_LETTERS))
        found.setdefault("".join(chr(65 + letter) for letter in letters))
        draw += 1
    return list(found)


def _values(count: int, seed: int, *key: str | int) -> list[int]:
    found: dict[int, None] = {}
    draw = 0
    while len(found) < count:
        found.setdefault(10_000 + integer(90_000, seed, *key, "number", draw))
        draw += 1
    return list(found)
