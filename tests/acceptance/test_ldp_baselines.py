"""Baselines on real lines of NTREX in 17 languages."""

from __future__ import annotations

import asyncio
import unicodedata
from pathlib import Path

import pytest

from xgen_core import InputError
from xgen_core.lm.asker import Asker
from xgen_core.lm.scripted import Rule, ScriptedModel
from xgen_eval.metrics import rouge
from xgen_ldp import (
    ENGLISH,
    Checker,
    Direction,
    Exemplar,
    Line,
    Material,
    Side,
    find_language,
    load_method,
)
from xgen_ldp.hypotheses import read_hypotheses
from xgen_ldp.methods import Tested as Untouched
from xgen_ldp.summarization import rouge_unit
from xgen_ldp.summarization.sentences import sentences

LINES = 500
TESTED = range(1, 201)


def files(data: Path) -> dict[str, Path]:
    """By NTREX's code."""
    found = sorted((data / "ldp" / "ntrex").glob("newstest2019-ref.*.first500.txt"))
    return {file.name.split(".")[1]: file for file in found}


def read(file: Path) -> list[str]:
    text = unicodedata.normalize("NFC", file.read_text("utf-8"))
    return [line.strip() for line in text.split("\n")][:LINES]


def test_few_shot_shows_no_tested_line_of_any_language(data: Path) -> None:
    english = read(data / "ldp" / "ntrex" / "newstest2019-src.eng.first500.txt")
    asker = Asker(ScriptedModel([Rule(pattern=".", replies=("x",))]))
    assert len(files(data)) >= 15
    chosen: set[tuple[str, ...]] = set()
    for code, file in files(data).items():
        language, lines = find_language(code), read(file)
        pairs = [
            Exemplar(
                id=f"ntrex:{number}",
                sides=(
                    Side(language=language, text=text),
                    Side(language=ENGLISH, text=english[number - 1]),
                ),
                origin="parallel",
            )
            for number, text in enumerate(lines, 1)
        ]
        tested = Untouched(
            ids=frozenset(f"ntrex:{number}" for number in TESTED),
            texts=frozenset(text for n in TESTED for text in (lines[n - 1], english[n - 1])),
        )
        for source, target in ((language, ENGLISH), (ENGLISH, language)):
            material = Material(
                direction=Direction(source=source, target=target),
                parallel=tuple(pairs),
                tested=tested,
            )
            ready = asyncio.run(load_method("few-shot").prepare(asker, material))
            exemplars = ready.preparation.exemplars
            assert len(exemplars) == 8
            assert all(int(e.id.partition(":")[2]) not in TESTED for e in exemplars)
            assert not {side.text for e in exemplars for side in e.sides} & tested.texts
            chosen.add(tuple(e.id for e in exemplars))
    assert len(chosen) == 1  # the same lines in every language and direction


def test_references_as_another_systems_output(data: Path) -> None:
    english = read(data / "ldp" / "ntrex" / "newstest2019-src.eng.first500.txt")
    lines = [Line(id=f"ntrex:{n}", text=english[n - 1]) for n in range(2, LINES, 3)]
    for code, file in files(data).items():
        direction = Direction(source=ENGLISH, target=find_language(code))
        system = read_hypotheses(file, direction, lines, corpus=LINES)
        made = [system.translation(line, Checker()) for line in lines]
        assert [one.text for one in made] == [
            " ".join(read(file)[n - 1].split()) for n in range(2, LINES, 3)
        ]
        with pytest.raises(InputError, match=f"{LINES} lines for {len(lines)}"):
            read_hypotheses(file, direction, lines)


def test_equal_lines_score_one_in_every_script(data: Path) -> None:
    for code, file in files(data).items():
        unit = rouge_unit(find_language(code))
        for text in read(file):
            scores = rouge(text, text, unit=unit)
            assert scores["rougeL"] == scores["rouge1"] == 1, (code, text)


def test_sentences_lose_no_letter(data: Path) -> None:
    for file in files(data).values():
        text = " ".join(read(file))
        found = sentences(text)
        assert "".join("".join(found).split()) == "".join(text.split())
        assert LINES * 0.9 < len(found) < LINES * 2.5, (file.name, len(found))
        assert max(map(len, found)) <= 400
