"""Perplexity of documents by word and by byte, as lm-evaluation-harness reports it."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from xgen_core import Document, InputError, ScoringModel
from xgen_core.progress import Progress
from xgen_core.records import Scalar
from xgen_core.report import Section
from xgen_eval.grading import metric_table
from xgen_eval.inputs import Inputs
from xgen_eval.metrics import bits
from xgen_eval.scoring import rolling, window_length
from xgen_eval.statistics import Estimate, ratio_of_sums
from xgen_eval.task import Metric, TaskResult
from xgen_eval.tasks.detokenize import detokenize_wikitext

__all__ = ["Perplexity"]

_CAPTION = (
    "Each document is scored on its own in disjoint windows of {window} tokens. Words are what "
    "white space separates; words and bytes are counted in the documents as given. The standard "
    "error takes documents as the independent units, and the interval of a perplexity is that of "
    "its logarithm. Where words are not set apart by white space, a perplexity by word may exceed "
    "the range of numbers; it is left out then."
)
_LARGEST = math.log(sys.float_info.max)


class _Row(NamedTuple):
    document: Document
    nats: float
    words: int
    bytes: int
    tokens: int

    def item(self) -> dict[str, Scalar]:
        return {
            "id": self.document.id,
            "source": self.document.source,
            "logprob": -self.nats,
            "words": self.words,
            "bytes": self.bytes,
            "tokens": self.tokens,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Perplexity:
    """Word and byte perplexity, and bits per byte, over all documents.

    Attributes:
        window: tokens in a window; None is the model's context length.
        text: "plain", or "wikitext" for raw WikiText pages: spaces that its tokenizer put in are
            taken out before scoring, and words and bytes are those of the raw page.
    """

    window: int | None = None
    text: Literal["plain", "wikitext"] = "plain"

    name: ClassVar[str] = "perplexity"
    needs: ClassVar[Literal["score", "generate"]] = "score"
    summary: ClassVar[str] = "word and byte perplexity of documents (WikiText)"

    def __post_init__(self) -> None:
        if self.window is not None and self.window < 2:
            raise ValueError(f"window must be at least 2 tokens, got {self.window}")
        if self.text not in ("plain", "wikitext"):
            raise ValueError(f"text is plain or wikitext, got {self.text!r}")

    @property
    def variant(self) -> str:
        """`plain-disjoint-v1` or `wikitext-disjoint-v1`."""
        return f"{self.text}-disjoint-v1"

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """The documents."""
        return inputs.require(self.name)

    async def run(self, model: ScoringModel, inputs: Inputs, progress: Progress) -> TaskResult:
        """Score every document; see `xgen_eval.task.Task`."""
        documents = inputs.documents()[: inputs.limit]
        window = window_length(model.info, self.window)
        progress.total, progress.unit = len(documents), "documents"
        texts = self.texts(documents)
        scores = await rolling(model, texts, progress, window=window, stride=window)
        rows = [
            _Row(
                document=document,
                nats=-math.fsum(score.token_logprobs),
                words=len(re.split(r"\s+", document.text)),
                bytes=len(document.text.encode("utf-8")),
                tokens=len(score.token_logprobs),
            )
            for document, score in zip(documents, scores, strict=True)
        ]
        metrics = _metrics(rows, "")
        sources = dict.fromkeys(row.document.source for row in rows)
        for source in sorted(sources) if len(sources) > 1 else ():
            metrics |= _metrics([r for r in rows if r.document.source == source], f"/{source}")
        caption = _CAPTION.format(window=window)
        return TaskResult(
            name=self.name,
            variant=self.variant,
            metrics=metrics,
            items=tuple(row.item() for row in rows),
            sections=(Section(title="Perplexity", blocks=(metric_table(metrics, caption),)),),
        )

    def texts(self, documents: Sequence[Document]) -> list[str]:
        """What is scored of each document.

        Raises:
            InputError: nothing is left of one.
        """
        if self.text == "plain":
            return [document.text for document in documents]
        texts = [detokenize_wikitext(document.text) for document in documents]
        for document, text in zip(documents, texts, strict=True):
            if not text:
                raise InputError(f"document {document.id} is white space only: leave it out")
        return texts


def _metrics(rows: Sequence[_Row], suffix: str) -> dict[str, Metric]:
    nats = [row.nats for row in rows]
    words = ratio_of_sums(nats, [float(row.words) for row in rows])
    bytes_ = ratio_of_sums(nats, [float(row.bytes) for row in rows])
    error = None if bytes_.stderr is None else bits(bytes_.stderr)
    per_byte = Estimate(bits(bytes_.value), error, bytes_.n)
    metrics = {
        f"word_perplexity{suffix}": _perplexity(words),
        f"byte_perplexity{suffix}": _perplexity(bytes_),
        f"bits_per_byte{suffix}": Metric.of(per_byte, "bits/byte"),
    }
    return {name: metric for name, metric in metrics.items() if metric is not None}


def _perplexity(nats: Estimate) -> Metric | None:
    """Exp of nats per unit, its standard error by the delta method; None beyond a float's range."""
    mean = Metric.of(nats)
    low, high = mean.interval or (mean.value, mean.value)
    if high > _LARGEST:
        return None
    value = math.exp(mean.value)
    if mean.stderr is None:
        return Metric(value=value, n=mean.n)
    return Metric(
        value=value,
        n=mean.n,
        stderr=value * mean.stderr,
        interval=(math.exp(low), math.exp(high)),
    )
