"""Bits per byte of held-out documents, beside what gzip and xz reach on the same bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from xgen_core import Document, ScoringModel
from xgen_core.progress import Progress
from xgen_core.records import Scalar
from xgen_core.report import Section, Table
from xgen_eval.inputs import Inputs
from xgen_eval.metrics import bits, gzip_bytes, xz_bytes
from xgen_eval.scoring import rolling, window_length
from xgen_eval.statistics import Estimate, ratio_of_sums
from xgen_eval.task import Metric, TaskResult

__all__ = ["BitsPerByte"]

_UNIT = "bits/byte"
_CAPTION = (
    "Model: minus the summed log2 probability of all tokens, over the UTF-8 bytes of the "
    "documents; each document is scored on its own in windows of {window} tokens that advance by "
    "{stride}. The standard error takes documents as the independent units. gzip -9 and xz -9: "
    "the size of the same documents, in file order with nothing between them, compressed as one "
    "file for each source, headers included; 'all' is the sum of these files. A compressor starts "
    "empty and learns from that file alone, the model has been trained on other text."
)


class _Row(NamedTuple):
    document: Document
    bits: float
    bytes: int
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BitsPerByte:
    """How well a model predicts held-out text, in a unit that no tokenizer can bend.

    Attributes:
        window: tokens in a window; None is the model's context length.
        stride: tokens by which windows advance; None is half a window, so that every token but a
            document's first has at least half a window (or all there is) before it. `window`
            itself makes disjoint windows: half the work, and a worse figure.
    """

    window: int | None = None
    stride: int | None = None

    name: ClassVar[str] = "bits_per_byte"
    variant: ClassVar[str] = "rolling-v1"
    needs: ClassVar[Literal["score", "generate"]] = "score"
    summary: ClassVar[str] = "bits per byte of held-out documents, beside gzip and xz"

    def __post_init__(self) -> None:
        if self.window is not None and self.window < 2:
            raise ValueError(f"window must be at least 2 tokens, got {self.window}")
        if self.stride is not None and self.stride < 1:
            raise ValueError(f"stride must be at least 1, got {self.stride}")
        if self.window and self.stride and self.stride > self.window:
            raise ValueError(f"stride {self.stride} would skip tokens of windows of {self.window}")

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """The held-out documents."""
        return inputs.require(self.name)

    async def run(self, model: ScoringModel, inputs: Inputs, progress: Progress) -> TaskResult:
        """Score every document; see `xgen_eval.task.Task`."""
        documents = inputs.documents()[: inputs.limit]
        window = window_length(model.info, self.window)
        stride = min(self.stride or window // 2, window)
        progress.total, progress.unit = len(documents), "documents"
        scores = await rolling(
            model, [d.text for d in documents], progress, window=window, stride=stride
        )
        rows = [
            _Row(
                document=document,
                bits=bits(-math.fsum(score.token_logprobs)),
                bytes=sum(score.byte_lengths),
                tokens=len(score.token_logprobs),
            )
            for document, score in zip(documents, scores, strict=True)
        ]
        return self._result(rows, window, stride, progress)

    def _result(self, rows: list[_Row], window: int, stride: int, progress: Progress) -> TaskResult:
        sources: dict[str, list[_Row]] = {}
        for row in rows:
            sources.setdefault(row.document.source, []).append(row)
        metrics: dict[str, Metric] = {}
        table: list[tuple[Scalar, ...]] = []
        gzip_total = xz_total = 0
        for source, own in sorted(sources.items()):
            progress.advance(0, f"compressing {source}")
            gzip_size = gzip_bytes(r.document.text.encode("utf-8") for r in own)
            xz_size = xz_bytes(r.document.text.encode("utf-8") for r in own)
            gzip_total += gzip_size
            xz_total += xz_size
            if len(sources) > 1:
                metrics |= _metrics(own, gzip_size, xz_size, f"/{source}")
                table.append(_cells(source, own, gzip_size, xz_size))
        table.append(_cells("all", rows, gzip_total, xz_total))
        return TaskResult(
            name=self.name,
            variant=self.variant,
            metrics=_metrics(rows, gzip_total, xz_total, "") | metrics,
            items=tuple(_item(row) for row in rows),
            sections=(
                Section(
                    title="Bits per byte on held-out documents",
                    blocks=(
                        Table(
                            columns=(
                                "source",
                                "documents",
                                "bytes",
                                "tokens",
                                "bytes/token",
                                "bits/byte",
                                "standard error",
                                "gzip -9",
                                "xz -9",
                            ),
                            rows=tuple(table),
                            caption=_CAPTION.format(window=window, stride=stride),
                        ),
                    ),
                ),
            ),
        )


def _estimate(rows: list[_Row]) -> Estimate:
    return ratio_of_sums([r.bits for r in rows], [float(r.bytes) for r in rows])


def _metrics(rows: list[_Row], gzip_size: int, xz_size: int, suffix: str) -> dict[str, Metric]:
    size, n = sum(r.bytes for r in rows), len(rows)
    return {
        f"bits_per_byte{suffix}": Metric.of(_estimate(rows), _UNIT),
        f"gzip{suffix}": Metric(value=8 * gzip_size / size, n=n, unit=_UNIT),
        f"xz{suffix}": Metric(value=8 * xz_size / size, n=n, unit=_UNIT),
    }


def _cells(source: str, rows: list[_Row], gzip_size: int, xz_size: int) -> tuple[Scalar, ...]:
    size, tokens = sum(r.bytes for r in rows), sum(r.tokens for r in rows)
    value, stderr, n = _estimate(rows)
    return (
        source,
        n,
        size,
        tokens,
        round(size / tokens, 3),
        round(value, 4),
        None if stderr is None else round(stderr, 4),
        round(8 * gzip_size / size, 4),
        round(8 * xz_size / size, 4),
    )


def _item(row: _Row) -> dict[str, Scalar]:
    return {
        "id": row.document.id,
        "source": row.document.source,
        "bytes": row.bytes,
        "tokens": row.tokens,
        "bits": row.bits,
        "bits_per_byte": row.bits / row.bytes,
    }
