"""What a data build shows on the report page."""

from __future__ import annotations

from xgen_core.records import Scalar
from xgen_core.report import Plot, Section, Table
from xgen_data.documents import DocumentsSummary
from xgen_data.manifest import Manifest
from xgen_data.mixture import Mixture
from xgen_data.order import Order

__all__ = [
    "documents_section",
    "funnel_table",
    "mixture_section",
    "mixture_table",
    "realised_table",
    "token_table",
    "tokens_section",
]


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


def mixture_table(mixture: Mixture) -> Table:
    """Tokens, shares and epochs of a mixture."""
    shares = mixture.shares()
    return Table(
        columns=("source", "tokens", "share %", "epochs", "tokens of the source"),
        rows=tuple(
            (c.source, c.tokens, round(100 * shares[c.source], 3), round(c.epochs, 4), c.distinct)
            for c in mixture.components
        ),
    )


def realised_table(mixture: Mixture, order: Order) -> Table:
    """The mixture beside what a schedule of one stage reads of a store."""
    shares, read, epochs = mixture.shares(), order.budgets(0), order.epochs()
    total = order.stages[0].tokens
    return Table(
        columns=(
            *("source", "share planned %", "share read %", "tokens read"),
            *("windows off", "epochs declared", "epochs of this store"),
        ),
        rows=tuple(
            (
                c.source,
                round(100 * shares[c.source], 4),
                round(100 * read[c.source] / total, 4),
                read[c.source],
                round((read[c.source] - shares[c.source] * total) / order.cell_tokens, 3),
                round(c.epochs, 4),
                round(epochs[c.source], 4),
            )
            for c in mixture.components
        ),
    )


def mixture_section(mixture: Mixture, order: Order) -> Section:
    """Mixture planned against realised."""
    table = realised_table(mixture, order)
    worst = max(abs(float(row[4] or 0)) for row in table.rows)
    return Section(
        title="Mixture",
        summary=f"{mixture.name}: {order.stages[0].tokens:,} tokens, every source within "
        f"{worst:.2f} windows of its share",
        blocks=(table,),
    )
