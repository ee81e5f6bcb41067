"""The corpus of `docs/data`: what the pages say of it is what a build of it does."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from xgen_core import load_recipe
from xgen_data import DataRecipe, build
from xgen_data.documents import read_documents, read_summary

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "corpus"


def test_the_pages_go_the_way_that_the_guide_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fasttext", reason="the guide's recipe needs xgen-data[filters]")
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, EXAMPLE / "make_pages.py"], check=True)
    recipe = load_recipe(f"{EXAMPLE / 'corpus.py'}:small", DataRecipe)
    pages = replace(recipe, sources=recipe.sources[:1])
    store = build(pages, tmp_path / "store", until="documents")
    (found,) = read_summary(store).sources
    assert found.read == 320
    # words are drawn from this Python's docstrings, so chance decides on a page or two
    assert found.kept == pytest.approx(301, abs=3)
    assert found.removed == {"exact": 5, "near": 8, "url": 3}
    drops = {(drop.step, drop.example) for drop in found.drops}
    assert {("language", "german"), ("language", "short"), ("decontaminate", "exam")} <= drops
    mail = next(
        d
        for split in ("train", "validation")
        for d in read_documents(store, split)
        if d.id == "mail"
    )
    assert mail.text.startswith("Write to <EMAIL>, or look at <IP_ADDRESS>.")
