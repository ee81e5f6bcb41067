"""Retrieval on adversarial questions: `python tools/bench/retrieval.py first100.json`.

Every paragraph of every question is a document without its title (which tells what was added), each
question a query. Printed for our text index and our TF-IDF, and for bm25s (`pip install bm25s
PyStemmer`) where it is installed: the share of questions with any gold paragraph among the first k,
and with all of them.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from xgen_reason.knowledge.index import TextIndex, build_index
from xgen_reason.knowledge.tfidf import TfidfVectors, build_tfidf

CUTS = (1, 3, 5, 10)
Search = Callable[[str], list[int]]
"""A question to places of paragraphs, best first."""


def main(path: str) -> None:
    """Print one line for each retriever."""
    questions = json.loads(Path(path).read_text("utf-8"))
    texts = list(dict.fromkeys(p["context"] for q in questions for p in q["paragraphs"]))
    places = {text: place for place, text in enumerate(texts)}
    golds = [{places[p["context"]] for p in q["paragraphs"] if p["is_supp"]} for q in questions]
    asked = [q["question"] for q in questions]
    print(f"{len(asked)} questions, {len(texts)} paragraphs")
    print(f"{'':16}" + "".join(f"  any@{k:<3} all@{k:<3}" for k in CUTS) + "  ms a query")
    with tempfile.TemporaryDirectory() as directory:
        source, index = Path(directory) / "docs.jsonl", Path(directory) / "docs.db"
        lines = (json.dumps({"id": f"{i}", "text": text}) + "\n" for i, text in enumerate(texts))
        source.write_text("".join(lines), "utf-8")
        summary = build_index([source], index)
        build_tfidf(index)
        vectors = TfidfVectors(index, summary.fingerprint)
        with TextIndex(index) as opened:
            show("text index", asked, golds, lambda q: _documents(opened, q))
        show("TF-IDF", asked, golds, lambda q: [i for i, _ in vectors.best(q, limit=max(CUTS))])
    if importlib.util.find_spec("bm25s") is None:
        print("bm25s is not installed")
        return
    for stemmed in (True, False):
        show(f"bm25s{', stems' if stemmed else ''}", asked, golds, bm25s_search(texts, stemmed))


def _documents(index: TextIndex, question: str) -> list[int]:
    found = index.search(question, limit=4 * max(CUTS))
    return list(dict.fromkeys(int(passage.document) for passage in found))[: max(CUTS)]


def bm25s_search(texts: Sequence[str], stemmed: bool) -> Search:
    """The peer on the same text, with its own English stop words."""
    import bm25s  # pyright: ignore[reportMissingImports]

    stemmer: Any = None
    if stemmed:
        import Stemmer  # pyright: ignore[reportMissingImports]

        stemmer = Stemmer.Stemmer("english")

    def tokens(texts: Sequence[str]) -> Any:
        return bm25s.tokenize(list(texts), stopwords="en", stemmer=stemmer, show_progress=False)

    retriever = bm25s.BM25()
    retriever.index(tokens(texts), show_progress=False)

    def search(question: str) -> list[int]:
        found, _ = retriever.retrieve(tokens([question]), k=max(CUTS), show_progress=False)
        return [int(place) for place in found[0]]

    return search


def show(name: str, asked: list[str], golds: list[set[int]], search: Search) -> None:
    """One line."""
    begun = time.perf_counter()
    found = [search(question) for question in asked]
    spent = (time.perf_counter() - begun) / len(asked)
    cells = ""
    for k in CUTS:
        either = sum(bool(gold & set(f[:k])) for gold, f in zip(golds, found, strict=True))
        both = sum(gold <= set(f[:k]) for gold, f in zip(golds, found, strict=True))
        cells += f"  {either / len(asked):7.3f} {both / len(asked):7.3f}"
    print(f"{name:16}{cells}  {1000 * spent:10.2f}")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        main(sys.argv[1])
    else:
        print("passed over: python tools/bench/retrieval.py first100.json (AdvHotpotQA)")
