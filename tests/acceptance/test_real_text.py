"""Real text in many languages and real multiple-choice files go through the public doors."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from xgen_core import open_tokenizer
from xgen_core.testing import UnigramModel
from xgen_data import DataRecipe, SourceConfig, TokenStore, build, read_documents
from xgen_eval import evaluate
from xgen_eval.tasks.multiple_choice import MultipleChoice


def test_every_language_comes_back_from_its_ids(data: Path) -> None:
    tokenizer = open_tokenizer("xgen")
    files = sorted((data / "ldp" / "ntrex").glob("*.txt"))
    assert len(files) >= 17
    for path in files:
        text = path.read_text("utf-8")
        assert tokenizer.decode(tokenizer.encode(text)) == text, path.name


def test_a_store_of_real_text_holds_every_byte(data: Path, tmp_path: Path) -> None:
    uri = f"text:{data / 'ldp' / 'ntrex'}"
    recipe = DataRecipe(sources=(SourceConfig(name="ntrex", uri=uri),))
    store = TokenStore.open(build(recipe, tmp_path / "store"))
    tokenizer = open_tokenizer(str(store.path / "tokenizer"))
    line = store.line("train", "ntrex")
    ids = line.read(0, line.tokens).tolist()
    text = tokenizer.decode([i for i in ids if i != tokenizer.eos_id])
    documents = read_documents(store.path, "train", "ntrex")
    assert text == "".join(document.text for document in documents)
    assert not store.verify()


@pytest.mark.parametrize("name", ["arc_challenge", "boolq", "openbook_qa", "winogrande"])
def test_a_real_multiple_choice_file_is_scored(name: str, data: Path, tmp_path: Path) -> None:
    [path] = (data / "eval" / "local_tasks").glob(f"{name}_*.jsonl")

    async def work() -> None:
        async with UnigramModel(context_length=8192) as model:
            task = MultipleChoice(path=path)
            await evaluate(model, [task], output=tmp_path / "run")

    asyncio.run(work())
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    metrics = results["tasks"]["multiple_choice"]["metrics"]
    assert metrics["acc"]["n"] == 250
    assert 0 < metrics["acc"]["value"] < 1
