"""A source that is filled in the middle, from its recipe to ids of XGen's vocabulary."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path

import pytest

from xgen_core import InputError, Segment, open_tokenizer
from xgen_data import (
    DataRecipe,
    FillInTheMiddle,
    SourceConfig,
    TokenStore,
    build,
    encode,
    read_documents,
)

WORDS = ("alpha", "beta", "gamma", "<fim_middle>", "δέλτα", "epsilon\n")


@pytest.fixture
def recipe(tmp_path: Path) -> DataRecipe:
    chance = random.Random(3)
    (tmp_path / "notes").mkdir()
    for number in range(80):
        words = " ".join(chance.choices(WORDS, k=chance.randint(5, 60)))
        (tmp_path / "notes" / f"{number}.txt").write_text(f"{number}: {words}", "utf-8")
    source = SourceConfig(
        name="notes", uri=f"text:{tmp_path / 'notes'}", fim=FillInTheMiddle(rate=0.8)
    )
    return DataRecipe(sources=(source,), validation_fraction=0.2)


def texts_in(store: TokenStore, split: str) -> list[list[int]]:
    line = store.line(split, "notes")
    starts = [*line.document_starts(0, line.tokens).tolist(), line.tokens]
    ids = line.read(0, line.tokens).tolist()
    return [ids[a : b - 1] for a, b in itertools.pairwise(starts)]  # without the end of text


def test_documents_are_rearranged_and_whole(recipe: DataRecipe, tmp_path: Path) -> None:
    store = TokenStore.open(build(recipe, tmp_path / "store"))
    tokenizer = open_tokenizer("xgen")
    prefix, suffix, middle = (
        tokenizer.special_ids[name] for name in ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
    )
    kinds = {"whole": 0, "psm": 0, "spm": 0}
    documents = list(read_documents(store.path, "train", "notes"))
    for ids, document in zip(texts_in(store, "train"), documents, strict=True):
        if prefix not in ids:
            kinds["whole"] += 1
            assert ids == tokenizer.encode(document.text)  # its own "<fim_middle>" stays text
            continue
        assert sum(ids.count(marker) for marker in (prefix, suffix, middle)) == 3
        at_suffix, at_middle = ids.index(suffix), ids.index(middle)
        parts = [ids[1:at_suffix], ids[at_suffix + 1 : at_middle], ids[at_middle + 1 :]]
        before, after, between = map(tokenizer.decode, parts)
        kinds["psm" if before else "spm"] += 1
        assert before + between + after == document.text
        segments = [
            Segment(text="<fim_prefix>", trained=True, special=True),
            Segment(text=before, trained=True),
            Segment(text="<fim_suffix>", trained=True, special=True),
            Segment(text=after, trained=True),
            Segment(text="<fim_middle>", trained=True, special=True),
            Segment(text=between, trained=True),
        ]
        assert encode(segments, tokenizer).ids.tolist() == ids
    assert min(kinds.values()) >= 3, kinds
    for ids, document in zip(
        texts_in(store, "validation"), read_documents(store.path, "validation"), strict=True
    ):
        assert ids == tokenizer.encode(document.text)  # what is held out is not rearranged


def test_a_vocabulary_without_the_markers_is_refused(recipe: DataRecipe, tmp_path: Path) -> None:
    from xgen_tokenizer import train_bpe

    plain = train_bpe(["some text " * 50], vocab_size=259, specials=("<|endoftext|>",))
    plain.save(tmp_path / "plain")
    changed = replace(recipe, tokenizer=str(tmp_path / "plain"))
    with pytest.raises(InputError, match="no special token <fim_prefix>, <fim_suffix>"):
        build(changed, tmp_path / "store")
