"""Prompts into English, which need nothing of the language."""

from __future__ import annotations

import asyncio
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgen_core import RecipeError
from xgen_core.lm.asker import Asker
from xgen_core.lm.scripted import Rule, ScriptedModel
from xgen_ldp import ENGLISH, Direction, Line, Material, find_language, load_method
from xgen_ldp.methods.ldp import Ldp
from xgen_ldp.prompts import Tags

GOLDEN = {
    "npi_Deva": "d8dd1b6aa4c83fb5",
    "ibo_Latn": "aa07ea9e35f46f6c",
    "tam_Taml": "d9491d9fdf253678",
}


def prompt(code: str, text: str, *, tags: Tags = "name", seed: int = 0) -> str:
    model = ScriptedModel([Rule(pattern="", replies=(" Something",))])
    direction = Direction(source=find_language(code), target=ENGLISH)
    material = Material(direction=direction, tags=tags, seed=seed)

    async def work() -> str:
        ready = await Ldp().prepare(Asker(model), material)
        [call] = (await ready.translate(Asker(model), Line(id="a:1", text=text))).calls
        return call.prompt

    return asyncio.run(work())


@pytest.mark.parametrize("code", list(GOLDEN))
def test_prompts_stay_the_same_bytes(code: str) -> None:
    found = prompt(code, "Ọ dị mma", seed=7)
    assert hashlib.sha256(found.encode()).hexdigest()[:16] == GOLDEN[code]


def test_every_language_has_the_same_exemplars_unless_it_is_among_them() -> None:
    codes = ("npi", "ibo", "tam", "rus", "qaa")
    blocks = {prompt(code, "a").rpartition("\n\n")[0] for code in codes}
    assert len(blocks) == 1
    french = prompt("fra", "a").rpartition("\n\n")[0].split("\n\n")
    assert len(french) == 4
    assert "French:" not in "".join(french)


@settings(deadline=None, max_examples=40)
@given(
    text=st.text(min_size=1, max_size=40).filter(
        lambda text: text.strip() and len(text.splitlines()) == 1
    ),
    tags=st.sampled_from(["name", "generic", "none"]),
    seed=st.integers(0, 99),
)
def test_any_line_comes_at_the_end_after_four_blocks(text: str, tags: Tags, seed: int) -> None:
    first, second = {
        "name": ("Igbo: ", "English:"),
        "generic": ("Source: ", "English:"),
        "none": ("", ""),
    }[tags]
    head, _, rest = prompt("ibo", text, tags=tags, seed=seed).rpartition(f"\n\n{first}{text}")
    assert rest == f"\n{second}"
    blocks = [block.split("\n") for block in head.split("\n\n")]
    assert [len(rows) for rows in blocks] == [2, 2, 2, 2]
    assert all(rows[1].startswith(second) for rows in blocks)


def test_settings_are_typed_and_checked() -> None:
    method = load_method("ldp", ["shots=4", "languages=fra,vie", "choice=script", "alike=1"])
    assert method == Ldp(shots=4, languages=("fra", "vie"), choice="script", alike=1.0)
    assert method.name == "ldp"
    for wrong in ("shots=0", "ranking=best", "alike=0", "retries=-1", "shot=3"):
        with pytest.raises(RecipeError):
            load_method("ldp", [wrong])
