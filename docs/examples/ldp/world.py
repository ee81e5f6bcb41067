"""A small world of made-up languages: `python3 world.py OUT [--scale base|smoke] [--seed N]`.

English is a grammar over 291 common words that keep to topics. Four languages with much text
say the same in words of their own, in four scripts. `xal_Cyrl`, called X, is the one that nobody
has parallel text for. It is a sister of `zba_Cyrl`: most words come from the same root, with
regular changes of sound; the others are its own, and so is the order of its lines.

OUT/text/monolingual.jsonl   pages of lines in one language, X among them
OUT/text/parallel.jsonl      pages of lines with their translations: English and the four, never X
OUT/bank/CODE.txt            aligned lines of English and the four, for exemplars
OUT/unlabelled.txt           more lines of X; truth.txt is their English, for scoring alone
OUT/test/CODE.txt            aligned lines of X and English whose meaning is in no other file
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from world_words import ADJECTIVES, DETERMINERS, TIMES, TOPICS

ENGLISH = "eng_Latn"
X = "xal_Cyrl"


@dataclass(frozen=True, slots=True)
class Thing:
    """What is spoken of: determiner, adjective or nothing, noun."""

    determiner: str
    adjective: str
    noun: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a line says, each word named by the English one."""

    subject: Thing
    verb: str
    object: Thing | None
    place: Thing | None
    time: str


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language.

    Attributes:
        words: for each English word.
        order: of the parts of a line.
        adjective_first: whether an adjective stands before its noun, or behind it.
        preposition: whether `at` stands before its place, or behind it.
        articles: whether `the` and `a` are said.
    """

    code: str
    words: Mapping[str, str]
    order: Sequence[str]
    adjective_first: bool = True
    preposition: bool = True
    articles: bool = True

    def say(self, meaning: Meaning) -> str:
        """A line."""
        at = self.words["at"]
        place = self._thing(meaning.place)
        parts = {
            "subject": self._thing(meaning.subject),
            "verb": self.words[meaning.verb],
            "object": self._thing(meaning.object),
            "place": (f"{at} {place}" if self.preposition else f"{place} {at}") if place else "",
            "time": self.words[meaning.time] if meaning.time else "",
        }
        return " ".join(parts[part] for part in self.order if parts[part]) + "."

    def _thing(self, thing: Thing | None) -> str:
        if thing is None:
            return ""
        article = "" if thing.determiner in ("the", "a") and not self.articles else thing.determiner
        named = (
            [thing.adjective, thing.noun] if self.adjective_first else [thing.noun, thing.adjective]
        )
        return " ".join(self.words[word] for word in (article, *named) if word)


def vocabulary() -> list[str]:
    """All English words, in a fixed order."""
    words: dict[str, None] = dict.fromkeys((*DETERMINERS, "at", *ADJECTIVES, *TIMES))
    for topic in TOPICS:
        things = (thing for things in topic.doing.values() for thing in things)
        words.update(
            dict.fromkeys((*topic.people, *topic.doing, *things, *topic.being, *topic.places))
        )
    return list(words)


class Maker:
    """Makes up words and meanings by chance, the same for a seed."""

    def __init__(self, seed: int) -> None:
        """Start anew."""
        self.chance = random.Random(seed)

    def word(self, consonants: str, vowels: str, used: set[str]) -> str:
        """A word of two syllables, or one or three, that no other word is."""
        draw = self.chance.choice
        while True:
            syllables = draw((1, 2, 2, 2, 3))
            word = "".join(draw(consonants) + draw(vowels) for _ in range(syllables))
            word += draw(("", draw(consonants)))
            if word not in used:
                used.add(word)
                return word

    def words(self, consonants: str, vowels: str) -> dict[str, str]:
        """A word for every English one."""
        used: set[str] = set()
        return {english: self.word(consonants, vowels, used) for english in vocabulary()}

    def meaning(self) -> Meaning:
        """What may be said: words of one topic."""
        draw, topic = self.chance.choice, self.chance.choice(TOPICS)
        verb = draw((*topic.doing, *topic.doing, *topic.being))
        things = topic.doing.get(verb)
        return Meaning(
            subject=self._thing(topic.people),
            verb=verb,
            object=self._thing(things) if things else None,
            place=self._thing(topic.places) if self.chance.random() < 0.5 else None,
            time=draw(TIMES) if self.chance.random() < 0.4 else "",
        )

    def _thing(self, nouns: Sequence[str]) -> Thing:
        draw = self.chance.choice
        adjective = draw(ADJECTIVES) if self.chance.random() < 0.3 else ""
        return Thing(draw(DETERMINERS), adjective, draw(nouns))


CYRILLIC = ("бвгджзклмнпрстфх", "аеиоу")
CHANGES = str.maketrans({"ж": "з", "ф": "п"})


def tongues(maker: Maker, own: float) -> dict[str, Tongue]:
    """All languages but English, X the last of them.

    Args:
        maker: of the words.
        own: share of X's words that have no root in common with its sister's.
    """
    cyrillic = maker.words(*CYRILLIC)
    used = set(cyrillic.values())
    mine = {
        english: maker.word(*CYRILLIC, used)
        if maker.chance.random() < own
        else word.translate(CHANGES)
        for english, word in cyrillic.items()
    }
    found = (
        Tongue("zba_Cyrl", cyrillic, ("subject", "verb", "object", "place", "time")),
        Tongue(
            "zco_Grek",
            maker.words("βγδζθκλμνπρστφχ", "αεηιου"),
            ("time", "subject", "object", "place", "verb"),
            preposition=False,
        ),
        Tongue(
            "zdu_Arab",
            maker.words("بتجدرزسشفقكلمن", "اوي"),
            ("verb", "subject", "object", "place", "time"),
            adjective_first=False,
        ),
        Tongue(
            "zeg_Geor",
            maker.words("ბგდვზთკლმნპრსტფქღყშ", "აეიოუ"),
            ("subject", "time", "place", "object", "verb"),
            preposition=False,
            articles=False,
        ),
        Tongue(X, mine, ("time", "subject", "object", "verb", "place"), adjective_first=False),
    )
    return {tongue.code: tongue for tongue in found}


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is written.

    Attributes:
        monolingual, parallel: pages for training, of all languages together.
        exemplars: aligned lines of the bank.
        unlabelled, tested: lines of X.
    """

    monolingual: int
    parallel: int
    exemplars: int
    unlabelled: int
    tested: int


SCALES = {
    "base": Scale(monolingual=10_000, parallel=24_000, exemplars=40, unlabelled=2000, tested=200),
    "smoke": Scale(monolingual=600, parallel=1800, exemplars=40, unlabelled=60, tested=8),
}


class Pages:
    """Writes pages for training."""

    def __init__(self, maker: Maker, languages: Mapping[str, Tongue], hidden: set[Meaning]) -> None:
        """Prepare it.

        Args:
            maker: of meanings and choices.
            languages: all, English first and X last.
            hidden: meanings that stand on no page.
        """
        self._maker = maker
        self._languages = list(languages.values())
        self._hidden = hidden

    def meaning(self) -> Meaning:
        """One that is not hidden."""
        while (meaning := self._maker.meaning()) in self._hidden:
            pass
        return meaning

    def monolingual(self) -> str:
        """Six lines in one language."""
        language = self._maker.chance.choice(self._languages)
        return "\n".join(language.say(self.meaning()) for _ in range(6))

    def parallel(self) -> str:
        """Some lines with their translations; into English neighbours differ in language."""
        chance, (english, *others) = self._maker.chance, self._languages[:-1]
        into = chance.random() < 0.6
        tagged = chance.random() < 0.5
        mixed = chance.sample(others, len(others))
        one = chance.choice(others)
        blocks: list[str] = []
        for place in range(chance.randint(2, 7)):
            meaning = self.meaning()
            other = mixed[place % len(mixed)] if into else one
            tag = other.code if tagged else "Source" if into else "Target"
            rows = [f"{tag}: {other.say(meaning)}", f"English: {english.say(meaning)}"]
            blocks.append("\n".join(rows if into else rows[::-1]))
        return "\n\n".join(blocks)


def write(out: Path, scale: Scale, seed: int, own: float) -> None:
    """Write the world's files."""
    maker = Maker(seed)
    languages = {
        ENGLISH: Tongue(
            ENGLISH, {w: w for w in vocabulary()}, ("subject", "verb", "object", "place", "time")
        )
    }
    languages |= tongues(maker, own)
    tested: dict[Meaning, None] = {}
    while len(tested) < scale.tested:
        tested[maker.meaning()] = None
    pages = Pages(maker, languages, set(tested))
    _pages(out / "text/monolingual.jsonl", (pages.monolingual() for _ in range(scale.monolingual)))
    _pages(out / "text/parallel.jsonl", (pages.parallel() for _ in range(scale.parallel)))
    english, x = languages[ENGLISH], languages[X]
    shown = [pages.meaning() for _ in range(scale.exemplars)]
    for language in languages.values():
        if language is not x:
            _lines(out / f"bank/{language.code}.txt", language, shown)
    unlabelled = [pages.meaning() for _ in range(scale.unlabelled)]
    _lines(out / "unlabelled.txt", x, unlabelled)
    _lines(out / "truth.txt", english, unlabelled)
    _lines(out / f"test/{X}.txt", x, list(tested))
    _lines(out / f"test/{ENGLISH}.txt", english, list(tested))


def _pages(path: Path, texts: Iterator[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for text in texts:
            file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")


def _lines(path: Path, language: Tongue, meanings: Sequence[Meaning]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{language.say(meaning)}\n" for meaning in meanings), "utf-8")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Write a small world of made-up languages.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--scale", choices=SCALES, default="base")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--own", type=float, default=0.25, help="share of X's words of its own")
    given = parser.parse_args()
    write(given.out, SCALES[given.scale], given.seed, given.own)


if __name__ == "__main__":
    main()
