"""Which exemplars stand in a prompt into English: one a language, each of another sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from xgen_core import InputError
from xgen_core.records import Record
from xgen_ldp.exemplars.bank import Bank
from xgen_ldp.exemplars.exemplar import Exemplar
from xgen_ldp.languages import ENGLISH, Language, find_language
from xgen_ldp.order import shuffled

__all__ = ["PAPER_LANGUAGES", "Choice", "Policy", "overlap", "words"]

Policy = Literal["languages", "script", "diversity"]
"""Named languages first; as many scripts as possible; that, and sentences with few words in common.

Closeness to the language that is translated is no policy: LDP's idea is that exemplars of many
languages call up the reading of any."""

PAPER_LANGUAGES = ("arb_Arab", "zho_Hans", "vie_Latn", "fra_Latn")
"""Arabic, Chinese, Vietnamese and French, as the paper is remembered to take. Nothing that could be
read confirms it: the talk's slides show Russian, Chinese, Vietnamese and French in one place, and
French, Vietnamese and Chinese in another."""

_WORD = re.compile(r"\w+")


def words(text: str) -> frozenset[str]:
    """The different words of a text; case counts for nothing."""
    return frozenset(_WORD.findall(text.casefold()))


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Words that two texts share, as a part of all their words: 0 to 1 (Jaccard)."""
    both = one | other
    return len(one & other) / len(both) if both else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Record):
    """How exemplars (Z, English) are chosen from a bank, and in which order they stand.

    Attributes:
        count: how many, each of another language.
        policy: which languages come first. Those that are named are taken in their order; where
            they are not enough (one of them may be the language that is translated), and with
            the other policies, languages follow in an order that the seed decides, those of a
            script that is not there yet first.
        languages: codes or names; none: `PAPER_LANGUAGES`, those of them that the bank has.
    """

    count: int = 4
    policy: Policy = "languages"
    languages: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"at least one exemplar is needed, got {self.count}")

    def choose(
        self,
        bank: Bank,
        *,
        seed: int,
        without: Sequence[Language] = (),
        allows: Callable[[Exemplar], bool] = lambda _: True,
    ) -> tuple[Exemplar, ...]:
        """The exemplars, in the order of the prompt; equal arguments choose equally.

        Args:
            bank: to choose from.
            seed: decides sentences, and order in the prompt.
            without: languages that must not be there, under any of their codes.
            allows: whether an exemplar may stand in a prompt.

        Raises:
            InputError: a named language is not in the bank, or too few languages are left.
        """
        chosen: list[Exemplar] = []
        for language in self._languages(bank, seed, without):
            if len(chosen) == self.count:
                break
            taken = {exemplar.id for exemplar in chosen}
            left = [e for e in bank.of(language) if e.id not in taken and allows(e)]
            if left:
                chosen.append(self._sentence(left, chosen, seed))
        if len(chosen) < self.count:
            apart = ", ".join(language.name for language in without)
            raise InputError(
                f"the bank has untested exemplars of different sentences in {len(chosen)} "
                f"languages{apart and f' besides {apart}'}, and {self.count} are needed: give "
                f"another with --bank, or --set exemplars={max(len(chosen), 1)}"
            )
        return tuple(shuffled(chosen, seed, _name))

    def _languages(self, bank: Bank, seed: int, without: Sequence[Language]) -> Iterator[Language]:
        apart = {code for language in without for code in language.codes}
        others = [z for z in bank.languages if z != ENGLISH and not apart.intersection(z.codes)]
        left = shuffled(others, seed, lambda language: language.code)
        scripts: set[str | None] = set()
        if self.policy == "languages":
            codes = self._named(bank)
            named = sorted((z for z in left if z.code in codes), key=lambda z: codes.index(z.code))
            yield from named
            scripts.update(language.script for language in named)
            left = [language for language in left if language not in named]
        while left:
            language = next((z for z in left if z.script not in scripts), left[0])
            left.remove(language)
            scripts.add(language.script)
            yield language

    def _named(self, bank: Bank) -> list[str]:
        has = [language.code for language in bank.languages]
        named = [find_language(code) for code in self.languages or PAPER_LANGUAGES]
        for language in named if self.languages else ():
            if language.code not in has:
                raise InputError(
                    f"the bank has no exemplars of {language.name}; it has {', '.join(has)}"
                )
        return [language.code for language in named]

    def _sentence(self, left: list[Exemplar], chosen: list[Exemplar], seed: int) -> Exemplar:
        drawn = shuffled(left, seed, _name)
        if self.policy != "diversity":
            return drawn[0]
        there = [words(exemplar.output.text) for exemplar in chosen]

        def shared(exemplar: Exemplar) -> float:
            here = words(exemplar.output.text)
            return max((overlap(here, other) for other in there), default=0.0)

        return min(drawn, key=shared)


def _name(exemplar: Exemplar) -> str:
    return f"{exemplar.other.code} {exemplar.id}"
