"""`docs/ldp/baselines.md` shows prompts as they are sent, and its examples run."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from xgen_core.lm.asker import Asker
from xgen_core.lm.scripted import Rule, ScriptedModel
from xgen_ldp import ENGLISH, Direction, Line, Material, find_language, load_method

PAGE = (Path(__file__).parents[2] / "docs" / "ldp" / "baselines.md").read_text("utf-8")
IGBO = find_language("ibo")
XLT = Direction(source=find_language("tam"), target=find_language("swh"))


@pytest.mark.parametrize(
    ("name", "direction", "text"),
    [
        ("zero-shot", Direction(source=IGBO, target=ENGLISH), "Ịmụ igwe"),
        ("naive-reverse", Direction(source=ENGLISH, target=IGBO), "Machine learning"),
        ("xlt", XLT, "…"),
    ],
)
def test_the_page_shows_a_methods_prompt(name: str, direction: Direction, text: str) -> None:
    asker = Asker(ScriptedModel([Rule(pattern=".", replies=("x",))]))

    async def ask() -> str:
        translator = await load_method(name).prepare(asker, Material(direction=direction))
        made = await translator.translate(asker, Line(id="line:1", text=text))
        return made.calls[0].prompt

    assert f"```text\n{asyncio.run(ask())}\n```" in PAGE


def test_the_pages_examples_run() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "baselines.md", "exec"), {})
