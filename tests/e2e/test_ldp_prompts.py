"""The prompts on the page about LDP's directions are those that are sent."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from xgen_core.lm.asker import Asker
from xgen_core.lm.scripted import Rule, ScriptedModel
from xgen_ldp import Direction, Language, Line, Material, find_language
from xgen_ldp.methods.ldp import Ldp

PAGE = Path(__file__).parents[2] / "docs" / "ldp" / "directions.md"
SWAHILI, SPANISH, ENGLISH = (find_language(code) for code in ("swh", "spa", "eng"))
BOOK = ("Kitabu kiko juu ya meza.", "The book is on the table.", "El libro está sobre la mesa.")
TEXTS = {
    SWAHILI: {
        "Mvua ilinyesha usiku kucha.": "It rained all night.",
        "Watoto wanacheza mpira uwanjani.": "Children are playing football on the pitch.",
        "Sokoni kuna ndizi nyingi.": "There are many bananas at the market.",
    },
    SPANISH: {
        "El perro duerme debajo de la silla.": "The dog sleeps under the chair.",
        "Mañana viajamos a la capital.": "Tomorrow we travel to the capital.",
        "Ella canta en un coro.": "She sings in a choir.",
    },
}
INTO_SPANISH = {
    "It rained all night.": "Llovió toda la noche.",
    "Children are playing football on the pitch.": "Los niños juegan al fútbol en el campo.",
    "There are many bananas at the market.": "Hay muchos plátanos en el mercado.",
}


def model() -> ScriptedModel:
    """Knows every line of these languages, and tells tasks apart by the end of the prompt."""
    swahili, english, spanish = BOOK
    ends = {
        f"Spanish: .*Swahili: {swahili}\nEnglish:$": f"{english}\nSpanish: {spanish}",
        f"Swahili: {swahili}\nEnglish:$": english,
        f"English: {english}\nSwahili:$": swahili,
    }
    for texts in TEXTS.values():
        ends |= {f": {re.escape(text)}\nEnglish:$": wrote for text, wrote in texts.items()}
    ends |= {f": {re.escape(text)}\nSpanish:$": wrote for text, wrote in INTO_SPANISH.items()}
    return ScriptedModel([Rule(pattern=end, replies=(f" {text}",)) for end, text in ends.items()])


@pytest.mark.parametrize(
    ("source", "target", "given", "expected"),
    [
        (SWAHILI, ENGLISH, BOOK[0], BOOK[1]),
        (ENGLISH, SWAHILI, BOOK[1], BOOK[0]),
        (SWAHILI, SPANISH, BOOK[0], BOOK[2]),
    ],
    ids=["X→En", "En→X", "X→Y"],
)
def test_prompts_stand_on_the_page(
    source: Language, target: Language, given: str, expected: str
) -> None:
    material = Material(
        direction=Direction(source=source, target=target),
        unlabelled={
            language.code: tuple(
                Line(id=f"{language.code}:{number}", text=text)
                for number, text in enumerate(texts, 1)
            )
            for language, texts in TEXTS.items()
        },
    )

    async def work() -> tuple[str, str]:
        ready = await Ldp(shots=2, considered=3).prepare(Asker(model()), material)
        found = await ready.translate(Asker(model()), Line(id="line:1", text=given))
        assert found.accepted
        return found.calls[-1].prompt, found.text

    prompt, text = asyncio.run(work())
    assert text == expected
    assert f"```text\n{prompt}\n```" in PAGE.read_text("utf-8")


def test_the_code_on_the_page_prints_the_first_prompt(capsys: pytest.CaptureFixture[str]) -> None:
    page = PAGE.read_text("utf-8")
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(code, str(PAGE), "exec"), {})
    assert f"```text\n{capsys.readouterr().out}```" in page
