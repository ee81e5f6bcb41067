"""Summaries of long documents, from a local file, by ROUGE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from xgen_core import InputError
from xgen_core.files import read_jsonl
from xgen_core.report import Block
from xgen_eval.answers import Answered, Ask
from xgen_eval.curves import curve
from xgen_eval.generation import GenerationBenchmark
from xgen_eval.grading import Graded
from xgen_eval.inputs import Inputs, check_text
from xgen_eval.metrics import rouge
from xgen_eval.rows import known_fields
from xgen_eval.seeded.lengths import TokenCounter

__all__ = ["Summarization"]

_SCORES = ("rouge1", "rouge2", "rougeL", "rougeLsum")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """A line of the file."""

    document: str
    summary: str
    id: str = ""

    def __post_init__(self) -> None:
        check_text(self.document)
        check_text(self.summary)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summarization(GenerationBenchmark):
    """ROUGE F-measures of summaries, over all documents and by their length.

    Each line of the file is `{"document": TEXT, "summary": TEXT}`, with an `id` if it likes; other
    fields are ignored.

    Attributes:
        path: the file.
        prompt: with `{document}` in it.
        max_document_tokens: longer documents are cut at their end, and their rows say so; None
            for never.
        tokenizer: that counts the tokens, as `open_tokenizer` takes it; empty estimates them.
        bytes_per_token: of that estimate.
        stemming: compare stems, as most published figures do.
    """

    path: Path | None = None
    prompt: str = "Summarize the following text.\n\n{document}\n\nSummary:"
    max_document_tokens: int | None = 7680
    tokenizer: str = ""
    bytes_per_token: float = 4.0
    stemming: bool = True
    max_tokens: int = 512

    name: ClassVar[str] = "summarization"
    procedure: ClassVar[str] = "rouge-v1"
    summary: ClassVar[str] = "ROUGE of summaries of the documents of a local file"
    title: ClassVar[str] = "Summaries"
    caption: ClassVar[str] = (
        "F-measures, equal to rouge-score's. ROUGE counts words in common: it does not see "
        "whether a summary is true."
    )
    parts: ClassVar[tuple[str, ...]] = ("bucket",)

    def __post_init__(self) -> None:
        GenerationBenchmark.__post_init__(self)
        if self.prompt.count("{document}") != 1:
            raise ValueError(f"prompt needs one {{document}}, got {self.prompt!r:.80}")
        if self.max_document_tokens is not None and self.max_document_tokens < 1:
            raise ValueError("max_document_tokens must be at least 1")
        if self.bytes_per_token <= 0:
            raise ValueError(f"bytes_per_token must be positive, got {self.bytes_per_token}")

    @property
    def variant(self) -> str:
        """The procedure, and whether words are stemmed."""
        return f"{self.procedure}-{'stems' if self.stemming else 'words'}"

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """The file of documents."""
        if self.path is None:
            raise InputError(f"{self.name} reads a JSONL file: give --set {self.name}.path=FILE")
        return (self.path,)

    def asks(self, inputs: Inputs) -> list[Ask]:
        """Every document in its prompt."""
        (path,) = self.files(inputs)
        counter = TokenCounter(self.tokenizer, self.bytes_per_token)
        pairs = list(read_jsonl(path, lambda value: known_fields(_Pair, value)))[: inputs.limit]
        asks: list[Ask] = []
        for number, pair in enumerate(pairs, 1):
            document, tokens = pair.document, counter.count(pair.document)
            cut = self.max_document_tokens is not None and tokens > self.max_document_tokens
            if cut:
                document = counter.span(document, 0, self.max_document_tokens or 0)
            asks.append(
                Ask(
                    id=pair.id or f"{number}",
                    request=self.request(self.prompt.replace("{document}", document)),
                    references=(pair.summary,),
                    attributes={"tokens": tokens, "bucket": _bucket(tokens), "cut": cut},
                )
            )
        return asks

    def grade(self, answered: Answered) -> Mapping[str, float]:
        """ROUGE-1, 2, L and Lsum with the reference summary."""
        (summary,) = answered.ask.references
        return rouge(answered.text.strip(), summary, stemming=self.stemming)

    def blocks(self, items: Sequence[Graded]) -> Sequence[Block]:
        """The curve by length, if the lengths differ."""
        if len({item.attributes["bucket"] for item in items}) < 2:
            return ()
        ordered = sorted(items, key=lambda item: int(f"{item.attributes['tokens']}"))
        return (curve(ordered, _SCORES, "bucket", x_title="tokens of the document"),)


def _bucket(tokens: int) -> str:
    """The power of two below: `4096-8191`."""
    low = 1 << max(tokens, 1).bit_length() - 1
    return f"{low}-{2 * low - 1}"
