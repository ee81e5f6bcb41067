"""Real benchmarks, languages and student programs through the work on data."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from xgen_core import Document, open_tokenizer
from xgen_data.decontamination import Decontaminate, benchmark_named
from xgen_data.instruction import prepare
from xgen_data.language import identify

KNOWN = {  # by ISO 639-3 in the file names: languages that lid.176 has, as it calls them
    "arb": "ar",
    "ben": "bn",
    "eng": "en",
    "fra": "fr",
    "guj": "gu",
    "hin": "hi",
    "nep": "ne",
    "rus": "ru",
    "tam": "ta",
    "tel": "te",
    "urd": "ur",
    "vie": "vi",
    "zho-CN": "zh",
}


def test_languages_of_translated_news_are_identified(data: Path) -> None:
    """Paragraphs of ten sentences; the model is small, so one in ten may be missed."""
    for language, code in KNOWN.items():
        [path] = (data / "ldp" / "ntrex").glob(f"*.{language}.first500.txt")
        lines = path.read_text("utf-8").splitlines()
        paragraphs = [" ".join(lines[i : i + 10]) for i in range(0, len(lines), 10)]
        right = sum(verdict.code == code for verdict in identify(paragraphs))
        assert right >= 0.9 * len(paragraphs), (language, right, len(paragraphs))


def test_the_fast_backend_and_the_reference_agree_on_every_language(data: Path) -> None:
    fast, reference = open_tokenizer("xgen:fast"), open_tokenizer("xgen:tiktoken")
    files = sorted((data / "ldp" / "ntrex").glob("*.txt"))
    texts = [line for path in files for line in path.read_text("utf-8").splitlines()]
    one, other = fast.encode_batch(texts), reference.encode_batch(texts)
    assert len(texts) > 8000
    assert one.ids == other.ids
    assert one.offsets == other.offsets


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("humaneval", "eval/humaneval/HumanEval.jsonl.gz"),
        ("mbpp", "eval/mbpp/mbpp.jsonl"),
        ("hellaswag", "eval/hellaswag/hellaswag_first400.jsonl"),
    ],
)
def test_planted_benchmark_items_are_found(name: str, path: str, data: Path) -> None:
    """Whole items inside longer documents are contaminated; the text around them is not."""
    step = Decontaminate(benchmarks=(benchmark_named(f"{name}={data / path}"),))
    file = data / path
    content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    rows = [json.loads(line) for line in content.splitlines()[:100]]
    keys = ("prompt", "text", "code", "ctx")
    items = ["\n".join(str(row[key]) for key in keys if key in row) for row in rows]
    around = "Some words of a page that has nothing to do with any test, said at length. " * 5
    planted = [
        Document(id=str(i), text=f"{around}\n{item}\n{around}", source="s")
        for i, item in enumerate(items)
    ]
    found = [document for document, hits in zip(planted, step.find(planted), strict=True) if hits]
    long = [d for d, item in zip(planted, items, strict=True) if len(item.split()) >= 20]
    assert len(long) > 20
    assert {d.id for d in long} <= {d.id for d in found}
    assert not any(step.find([Document(id="x", text=around, source="s")]))


def test_instruction_answers_are_prepared(data: Path, tmp_path: Path) -> None:
    file = data / "eval" / "alpaca_eval" / "text_davinci_003_model_outputs.json"
    summary = prepare([file], tmp_path / "i")
    dropped = sum(drop.count for drop in summary.drops)
    assert summary.files[0].read == 805
    assert sum(output.examples for output in summary.outputs) + dropped == 805
