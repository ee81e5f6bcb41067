"""Needles in a haystack (RULER): sentences that hold a value, in a long text about nothing."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from xgen_core.report import Block
from xgen_eval.curves import score_map
from xgen_eval.grading import Graded
from xgen_eval.inputs import Inputs
from xgen_eval.seeded.draws import integer, rank
from xgen_eval.seeded.ruler import NOISE, Ruler, Sample
from xgen_eval.seeded.words import phrase

__all__ = ["RulerNiah"]

Kind = Literal["single", "multikey", "multivalue", "multiquery"]
_NEEDLE = "One of the special magic {values} for {key} is: {value}."
_SOME = (
    "Some special magic {values} are hidden within the following text. Make sure to memorize it. "
    "I will quiz you about the {values} afterwards.\n{context}\nWhat are all the special magic "
    "{values} for {query} mentioned in the provided text? "
    "The special magic {values} for {query} mentioned in the provided text are"
)
_ONE = (
    "A special magic {value} is hidden within the following text. Make sure to memorize it. "
    "I will quiz you about the {value} afterwards.\n{context}\nWhat is the special magic "
    "{value} for {query} mentioned in the provided text? "
    "The special magic {value} for {query} mentioned in the provided text is"
)
_SHAPES: dict[Kind, tuple[int, int, int]] = {
    "single": (1, 1, 1),
    "multikey": (4, 1, 1),
    "multivalue": (1, 4, 1),
    "multiquery": (4, 1, 4),
}
"""Keys, values of each key, keys asked for."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class RulerNiah(Ruler):
    """Find the value of a key; or of one key among others, all values of a key, of several keys.

    Attributes:
        kind: `single`, `multikey`, `multivalue` or `multiquery`.
        haystack: RULER's `repeat` noise, other `needles` (as its multikey_2 and multikey_3), or
            the sentences of held-out `documents` (in place of its essays; they come again where
            there are few).
        key_kind, value_kind: what keys and values look like.
        depths: where the needle stands, in percent of the text; for kinds with one value asked
            for. The needles of the others are spread.
    """

    kind: Kind = "single"
    haystack: Literal["repeat", "needles", "documents"] = "repeat"
    key_kind: Literal["words", "uuids"] = "words"
    value_kind: Literal["numbers", "words", "uuids"] = "numbers"
    depths: tuple[int, ...] = (0, 25, 50, 75, 100)
    max_tokens: int = 128

    name: ClassVar[str] = "ruler_niah"
    procedure: ClassVar[str] = "needles-v1"
    summary: ClassVar[str] = "needles in a haystack by length and depth (RULER)"
    title: ClassVar[str] = "Needles in a haystack"
    caption: ClassVar[str] = "string_match_all: the part of the values asked for that were written."

    def __post_init__(self) -> None:
        Ruler.__post_init__(self)
        if not self.depths or not all(0 <= d <= 100 for d in self.depths):
            raise ValueError(f"depths are percent, 0 to 100, got {self.depths}")

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """The held-out documents, if they are the haystack."""
        return inputs.require(self.name) if self.haystack == "documents" else ()

    def cases(self) -> Sequence[int]:
        """The depths, where one needle is asked for."""
        return self.depths if self.kind in ("single", "multikey") else (0,)

    def smallest(self) -> int:
        """A sentence for every needle."""
        keys, values, _ = _SHAPES[self.kind]
        return keys * values

    def sample(self, inputs: Inputs, length: int, case: int, number: int, size: int) -> Sample:
        """A text of `size` sentences with its needles."""
        keys, each, asked = _SHAPES[self.kind]
        key = (self.kind, length, case, number)
        names = [self._key(inputs.seed, *key, i) for i in range(keys)]
        found = [[self._value(inputs.seed, *key, i, j) for j in range(each)] for i in range(keys)]
        needles = [
            self._needle(n, v) for n, values in zip(names, found, strict=True) for v in values
        ]
        sentences = self._hay(inputs, key, size)
        at = [integer(len(sentences) + 1, inputs.seed, *key, "at", i) for i in range(len(needles))]
        if asked * each == 1:
            at[0] = round(case / 100 * len(sentences))
        # from the back, so that places before are not moved; of equal ones the first needle first
        for place, needle in sorted(zip(at, needles, strict=True), reverse=True):
            sentences.insert(place, needle)
        template = _ONE if asked * each == 1 else _SOME
        glue = " " if self.haystack == "documents" else "\n"
        queried = names[:asked]
        return Sample(
            prompt=template.format(
                context=glue.join(sentences),
                query=", ".join(queried[:-1]) + ", and " * (asked > 1) + queried[-1],
                values=self.value_kind,
                value=self.value_kind.removesuffix("s"),
            ),
            references=tuple(v for values in found[:asked] for v in values),
            attributes={"kind": self.kind} | ({"depth": case} if asked * each == 1 else {}),
        )

    def blocks(self, items: Sequence[Graded]) -> Sequence[Block]:
        """The curve by length, and the map of length and depth."""
        curves = Ruler.blocks(self, items)
        if not any("depth" in item.attributes for item in items):
            return curves
        deep = score_map(
            items,
            "string_match_all",
            x="length",
            y="depth",
            x_title="length in tokens",
            y_title="depth of the needle in %",
        )
        return (*curves, deep)

    def _hay(self, inputs: Inputs, key: tuple[str | int, ...], size: int) -> list[str]:
        if self.haystack == "repeat":
            return [NOISE] * size
        if self.haystack == "needles":
            return [
                self._needle(
                    self._key(inputs.seed, *key, "hay", i), self._value(inputs.seed, *key, "hay", i)
                )
                for i in range(size)
            ]
        documents = inputs.documents()
        first = integer(len(documents), inputs.seed, *key, "hay")
        sentences: list[str] = []
        # round and round: where there are few documents they come again
        for document in itertools.chain(documents[first:], itertools.cycle(documents)):
            sentences += [s for s in _SENTENCE.split(document.text) if s.strip()]
            if len(sentences) >= size:
                return sentences[:size]
        raise AssertionError("documents have text")

    def _needle(self, key: str, value: str) -> str:
        return _NEEDLE.format(values=self.value_kind, key=key, value=value)

    def _key(self, seed: int, *key: str | int) -> str:
        return _uuid(seed, *key, "key") if self.key_kind == "uuids" else phrase(seed, *key, "key")

    def _value(self, seed: int, *key: str | int) -> str:
        if self.value_kind == "numbers":
            return f"{1_000_000 + integer(9_000_000, seed, *key, 'value')}"
        if self.value_kind == "uuids":
            return _uuid(seed, *key, "value")
        return phrase(seed, *key, "value")


def _uuid(seed: int, *key: str | int) -> str:
    return str(uuid.UUID(bytes=rank(seed, *key)[:16], version=4))
