"""A model that knows a few sentences in four languages, and a corpus of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from xgen_core import Completion, GenerationRequest, ModelError, ModelInfo
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.scripted import prompt_text

FRAMES = {
    "eng_Latn": (
        "The red house has {} windows.",
        "My brother bought {} apples at the market.",
        "The train to the sea leaves in {} minutes.",
        "The old teacher reads {} pages every evening.",
    ),
    "fra_Latn": (
        "La maison rouge a {} fenêtres.",
        "Mon frère a acheté {} pommes au marché.",
        "Le train pour la mer part dans {} minutes.",
        "Le vieux professeur lit {} pages chaque soir.",
    ),
    "hin_Deva": (
        "लाल घर में {} खिड़कियाँ हैं।",
        "मेरे भाई ने बाज़ार से {} सेब खरीदे।",
        "समुद्र जाने वाली रेलगाड़ी {} मिनट में निकलती है।",
        "बूढ़े शिक्षक हर शाम {} पन्ने पढ़ते हैं।",
    ),
    "rus_Cyrl": (
        "В красном доме {} окон.",
        "Мой брат купил на рынке {} яблок.",
        "Поезд к морю уходит через {} минут.",
        "Старый учитель читает каждый вечер {} страниц.",
    ),
}
NAMES = {"eng_Latn": "English", "fra_Latn": "French", "hin_Deva": "Hindi", "rus_Cyrl": "Russian"}


def sentence(code: str, number: int) -> str:
    """The same of each language for the same number, different for different ones."""
    frames = FRAMES[code]
    return frames[number % len(frames)].format(5 + number // len(frames))


class Polyglot(AlwaysOpen):
    """Translates what it knows into the language whose tag ends the prompt.

    Where exemplars have three lines, it writes English first. It counts a token a word.
    """

    def __init__(self, lines: int) -> None:
        self._known = {sentence(code, n): n for code in FRAMES for n in range(lines)}
        self._codes = {name: code for code, name in NAMES.items()}

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(identity="polyglot")

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        prompt = prompt_text(request)
        blocks = prompt.split("\n\n")
        known = [
            self._known[text]
            for text in map(untagged, blocks[-1].split("\n"))
            if text in self._known
        ]
        tag = re.search(r"(\w+):$", prompt)
        if not known or tag is None or tag[1] not in self._codes:
            raise ModelError(f"it does not know how to go on after {prompt[-80:]!r}")
        number, code = known[-1], self._codes[tag[1]]
        text = f" {sentence(code, number)}"
        before = blocks[-2].split("\n") if len(blocks) > 1 else []
        if len(before) == 3 and tag[1] == "English":
            last = before[-1].partition(":")[0]
            text += f"\n{last}: {sentence(self._codes[last], number)}"
        made = Completion(
            text=text,
            finish_reason="stop",
            prompt_tokens=len(prompt.split()),
            completion_tokens=len(text.split()),
        )
        return [made] * request.n


def untagged(row: str) -> str:
    return re.sub(r"^\w+: ", "", row)


@pytest.fixture
def polyglot() -> Callable[[int], Polyglot]:
    """Makes a model that knows so many lines."""
    return Polyglot


@pytest.fixture
def make_corpus(tmp_path: Path) -> Callable[[int], Path]:
    """Writes aligned files of so many lines; returns their directory."""

    def make(lines: int) -> Path:
        directory = tmp_path / "corpus"
        directory.mkdir()
        for code in FRAMES:
            text = "".join(f"{sentence(code, n)}\n" for n in range(lines))
            (directory / f"{code}.txt").write_text(text, "utf-8")
        return directory

    return make
