"""What a data build shows on the report page."""

from __future__ import annotations

from xgen_core.records import Scalar
from xgen_core.report import Plot, Section, Table
from xgen_data.documents import DocumentsSummary
from xgen_data.manifest import Manifest

__all__ = ["documents_section", "funnel_table", "token_table", "tokens_section"]


_COPIES = {
    "exact": "same text seen before",
    "url": "a newer document has the same address",
    "near": "nearly the same text seen before",
}


def funnel_table(summary: DocumentsSummary) -> Table:
    """Where every document went: read, dropped by step and reason, duplicates, kept."""
    rows: list[tuple[Scalar, ...]] = []
    for source in summary.sources:
        name = source.source
        rows.append((name, "read", None, source.read, source.uri))
        rows += [(name, d.step, d.reason, -d.documents, d.example) for d in source.drops]
        rows += [
            (name, "copies", _COPIES[kind], -count, None) for kind, count in source.removed.items()
        ]
        rows.append((name, "kept", None, source.kept, None))
    return Table(columns=("source", "step", "reason", "documents", "example"), rows=tuple(rows))


def documents_section(summary: DocumentsSummary) -> Section:
    """The funnel and the lengths of what was kept."""
    kept = sum(source.kept for source in summary.sources)
    read = sum(source.read for source in summary.sources)
    size = sum(file.bytes for file in summary.files)
    return Section(
        title="Documents",
        summary=f"{kept:,} of {read:,} documents kept, {size:,} bytes of text",
        blocks=(funnel_table(summary), _length_plot(summary)),
    )


def _length_plot(summary: DocumentsSummary) -> Plot:
    rows = [
        {"bytes": int(size), "documents": count, "source": source.source}
        for source in summary.sources
        for size, count in source.lengths.items()
    ]
    return Plot(
        spec={
            "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
            "data": {"values": rows},
            "mark": "bar",
            "encoding": {
                "x": {"field": "bytes", "type": "ordinal", "title": "document length, bytes from"},
                "y": {"field": "documents", "type": "quantitative", "title": "documents"},
                "xOffset": {"field": "source", "type": "nominal"},
                "color": {"field": "source", "type": "nominal"},
            },
        },
        description="Number of documents kept by length, in bins of powers of two, for each source",
    )


def token_table(manifest: Manifest) -> Table:
    """Documents, bytes and tokens by split and source."""
    return Table(
        columns=("split", "source", "documents", "bytes", "tokens", "bytes/token"),
        rows=tuple(
            (
                split,
                source,
                line.documents,
                line.bytes,
                line.tokens,
                round(line.bytes / line.tokens, 3),
            )
            for split, lines in manifest.splits.items()
            for source, line in lines.items()
        ),
    )


def tokens_section(manifest: Manifest) -> Section:
    """The token store in figures."""
    tokens = sum(line.tokens for line in manifest.splits["train"].values())
    return Section(
        title="Token store",
        summary=f"{tokens:,} training tokens by the tokenizer {manifest.tokenizer.name!r} "
        f"({manifest.tokenizer.vocab_size:,} ids)",
        blocks=(token_table(manifest),),
    )
