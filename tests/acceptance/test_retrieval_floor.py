"""Questions of AdvHotpotQA find the paragraphs that they rest on, among those made to mislead."""

from __future__ import annotations

import json
from pathlib import Path

from xgen_core.files import write_jsonl
from xgen_reason.knowledge.index import TextIndex, build_index
from xgen_reason.knowledge.injection import suspicion
from xgen_reason.knowledge.sentences import split_sentences

FLOOR = 0.97
BM25S = 0.99
"""bm25s 0.3.16 on the same text, the better of with and without Snowball stems:
`python tools/bench/retrieval.py first100.json`."""


def test_a_gold_paragraph_is_among_the_first_three(data: Path, tmp_path: Path) -> None:
    questions = json.loads((data / "reason" / "hotpot_adv" / "first100.json").read_text("utf-8"))
    texts = dict.fromkeys(p["context"] for q in questions for p in q["paragraphs"])
    ids = {text: f"{place}" for place, text in enumerate(texts)}
    write_jsonl(tmp_path / "docs.jsonl", [{"id": ids[text], "text": text} for text in texts])
    build_index([tmp_path / "docs.jsonl"], tmp_path / "docs.db")
    hits = 0
    with TextIndex(tmp_path / "docs.db") as index:
        for question in questions:
            golds = {ids[p["context"]] for p in question["paragraphs"] if p["is_supp"]}
            found = index.search(question["question"], limit=20)
            first = list(dict.fromkeys(passage.document for passage in found))[:3]
            hits += bool(golds & set(first))
    share = hits / len(questions)
    assert share >= max(FLOOR, BM25S)


def test_encyclopedia_text_reads_like_no_order(data: Path) -> None:
    questions = json.loads((data / "reason" / "hotpot_adv" / "first100.json").read_text("utf-8"))
    texts = [p["context"] for q in questions for p in q["paragraphs"]]
    assert [text for text in texts if suspicion(text)] == []


def test_sentences_of_paragraphs_are_those_of_the_data_set(data: Path) -> None:
    """All but seven of 224; those are cut inside `Nativity!`, `People!` and broken paragraphs."""
    questions = json.loads((data / "reason" / "hotpot_adv" / "first100.json").read_text("utf-8"))
    wanted = found = 0
    for question in questions:
        ours = {s for p in question["paragraphs"] for s in split_sentences(p["context"])}
        theirs = {" ".join(r["sentence"].split()) for r in question["rationale"]}
        wanted += len(theirs)
        found += len(theirs & ours)
    assert found / wanted >= 0.96
