"""The search for a set of exemplars."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from xgen_core import Completion, GenerationRequest, InputError, ModelError, ModelInfo
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.asker import Asker
from xgen_core.lm.scripted import prompt_text
from xgen_ldp import ENGLISH, Direction, Line, Material, find_language
from xgen_ldp.methods.ldp import Ldp
from xgen_ldp.methods.search import Search, search_exemplars

SWAHILI = find_language("swh")
LINES = [
    Line(id="dev:1", text="Paka amelala.", reference="The cat is asleep on the warm stove."),
    Line(id="dev:2", text="Mvua inanyesha.", reference="Rain is falling on the far mountains."),
]
MATERIAL = Material(direction=Direction(source=SWAHILI, target=ENGLISH), seed=3)


class Partial(AlwaysOpen):
    """Writes the right line where its favourite exemplar is in the prompt, else half of it."""

    def __init__(self, favourite: str, failing: str = "\0") -> None:
        self.favourite = favourite
        self.failing = failing
        self.prompts: list[str] = []

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(identity="partial")

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        prompt = prompt_text(request)
        self.prompts.append(prompt)
        if self.failing in prompt:
            raise ModelError("no")
        line = next(line for line in LINES if line.text in prompt)
        text = line.reference or ""
        whole = self.favourite in prompt
        return [Completion(text=text if whole else text[:15], finish_reason="stop")]


def search(model: Partial, material: Material = MATERIAL, budget: int = 21) -> Search:
    return asyncio.run(
        search_exemplars(Asker(model), material, LINES, budget=budget, settings=Ldp(exemplars=4))
    )


def test_the_set_with_the_best_translations_comes_first() -> None:
    model = Partial("the room was too warm")
    found = search(model)
    assert len(model.prompts) == 20
    assert {one.seed for one in found.tried} == set(range(3, 13))
    assert found.best.chrf == 100
    assert any(one.chrf < 100 for one in found.tried)
    assert all(("bank:3" in " ".join(one.exemplars)) == (one.chrf == 100) for one in found.tried)
    assert found.lines == ("dev:1", "dev:2")
    assert "chrF2++" in found.signature or "nw:2" in found.signature
    assert search(model) == found


def test_the_best_seed_chooses_the_same_exemplars_in_a_run_of_another_seed() -> None:
    found = search(Partial("the room was too warm"))
    method = Ldp(exemplar_seed=found.best.seed)
    ready = asyncio.run(method.prepare(Asker(Partial("")), replace(MATERIAL, seed=99)))
    exemplars = ready.preparation.exemplars
    assert tuple(f"{e.other.code} {e.id}" for e in exemplars) == found.best.exemplars


def test_a_line_on_which_the_model_fails_counts_as_empty() -> None:
    found = search(Partial("the", failing="Paka"))
    assert {one.failed for one in found.tried} == {1}
    assert found.best.chrf < 100


def test_what_cannot_be_searched_is_told() -> None:
    model = Partial("")
    with pytest.raises(InputError, match="two sets on 2 lines take 4 calls, and the budget is 3"):
        search(model, budget=3)
    turned = replace(MATERIAL, direction=Direction(source=ENGLISH, target=SWAHILI))
    with pytest.raises(InputError, match="into English"):
        search(model, turned)
    bare = [replace(LINES[0], reference=None)]
    with pytest.raises(InputError, match="1 of 1 lines have no reference"):
        asyncio.run(search_exemplars(Asker(model), MATERIAL, bare, budget=9))
    assert not model.prompts
