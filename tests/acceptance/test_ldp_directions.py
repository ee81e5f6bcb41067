"""LDP's three directions on real lines, with a model that knows every right translation."""

from __future__ import annotations

import asyncio
import unicodedata
from pathlib import Path

from xgen_core import Completion, GenerationRequest, ModelInfo
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.asker import Asker
from xgen_core.lm.scripted import prompt_text, truncate
from xgen_ldp import ENGLISH, Direction, Language, Line, Material, find_language
from xgen_ldp.methods import Preparation, Translator, material
from xgen_ldp.methods.ldp import Ldp

FILES = {"ref.nep": "npi", "ref.tam": "tam", "ref.swa": "swh", "ref.yor": "yor", "src.eng": "eng"}
TESTED = 200
"""Lines at the end of each file; the others are its unlabelled text."""


class Knowing(AlwaysOpen):
    """Writes the lines of the corpus that belong to the line that a prompt ends in."""

    def __init__(self, corpus: dict[Language, list[str]]) -> None:
        self.corpus = corpus
        self.rows = {text: row for texts in corpus.values() for row, text in enumerate(texts)}
        self.named = {language.name: language for language in corpus}
        self.prompts: list[str] = []

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(identity="knowing")

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        prompt = prompt_text(request)
        self.prompts.append(prompt)
        head, _, block = prompt.rpartition("\n\n")
        tags = [row.partition(":")[0] for row in head.rpartition("\n\n")[2].split("\n")]
        asked = block.split("\n")[0].partition(": ")[2]
        texts = [self.corpus[self.named[tag]][self.rows[asked]] for tag in tags[1:]]
        answer = f"\n{tags[-1]}: ".join(texts)
        return [Completion(text=truncate(f" {answer}\n\n", request.stop)[0], finish_reason="stop")]


def test_a_whole_run_shows_no_tested_line_and_every_right_translation_is_taken(data: Path) -> None:
    folder = data / "ldp" / "ntrex"
    corpus = {
        find_language(code): unicodedata.normalize(
            "NFC", (folder / f"newstest2019-{name}.first500.txt").read_text("utf-8")
        ).splitlines()
        for name, code in FILES.items()
    }
    lines = {
        language: [Line(id=f"ntrex:{number}", text=text) for number, text in enumerate(texts, 1)]
        for language, texts in corpus.items()
    }
    tested = material.Tested(
        ids=frozenset(line.id for line in lines[ENGLISH][-TESTED:]),
        texts=frozenset(line.text for given in lines.values() for line in given[-TESTED:]),
    )
    unlabelled = {
        language.code: tuple(given[:-TESTED])
        for language, given in lines.items()
        if language != ENGLISH
    }
    model = Knowing(corpus)
    ways = [Direction(source=a, target=b) for a in corpus for b in corpus if a != b]
    accepted = total = 0

    async def prepare(way: Direction) -> Translator:
        given = Material(direction=way, unlabelled=unlabelled, tested=tested, seed=1)
        return await Ldp().prepare(Asker(model), given)

    for way in ways:
        ready = asyncio.run(prepare(way))
        assert _ids(ready.preparation).isdisjoint(tested.ids)
        for line in lines[way.source][-TESTED:]:
            found = asyncio.run(ready.translate(Asker(model), line))
            accepted += found.accepted
            total += 1
    assert all(prompt.rpartition("\n\n")[2].count("\n") == 1 for prompt in model.prompts)
    blocks = {prompt.rpartition("\n\n")[0] for prompt in model.prompts}
    assert not [text for block in blocks for text in tested.texts if f": {text}\n" in f"{block}\n"]
    print(f"{accepted} of {total} right translations taken, {len(model.prompts)} prompts")
    assert accepted >= 0.98 * total


def _ids(preparation: Preparation) -> set[str]:
    """Of all lines that any prompt of a direction could hold."""
    ids = {one.id for one in (*preparation.candidates, *preparation.exemplars)}
    return ids.union(*(_ids(step) for step in preparation.steps.values()))
