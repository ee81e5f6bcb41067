"""What a data build shows on the report page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from xgen_core.records import Scalar
from xgen_core.report import Plot, Section, Table, bar_plot
from xgen_data.decontamination import Hit, Report
from xgen_data.documents import DocumentsSummary
from xgen_data.manifest import Manifest
from xgen_data.mixture import Mixture
from xgen_data.order import Order

__all__ = [
    "contamination_section",
    "documents_section",
    "funnel_table",
    "mixture_section",
    "mixture_table",
    "realised_table",
    "token_table",
    "tokens_section",
]


_LANGUAGES = 40
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
    """The funnel, and the lengths and languages of what came through it."""
    kept = sum(source.kept for source in summary.sources)
    read = sum(source.read for source in summary.sources)
    size = sum(file.bytes for file in summary.files)
    blocks = [_funnel_plot(summary), funnel_table(summary), _length_plot(summary)]
    if any(source.languages for source in summary.sources):
        blocks.append(_language_plot(summary))
    return Section(
        title="Documents",
        summary=f"{kept:,} of {read:,} documents kept, {size:,} bytes of text",
        blocks=tuple(blocks),
    )


def _funnel_plot(summary: DocumentsSummary) -> Plot:
    rows: list[dict[str, Scalar]] = []
    for source in summary.sources:
        ends = Counter({"kept": source.kept})
        for drop in source.drops:
            ends[drop.step] += drop.documents
        for kind, count in source.removed.items():
            ends[f"copies, {kind}"] += count
        rows += [
            {"source": source.source, "end": end, "share": round(100 * n / source.read, 3)}
            for end, n in ends.items()
        ]
    return bar_plot(
        rows=rows,
        x="share",
        y="end",
        series="source",
        x_title="% of the documents read",
        description="Where the documents of each source ended: kept, dropped by a step, or a copy",
    )


def _length_plot(summary: DocumentsSummary) -> Plot:
    sizes = sorted({int(size) for source in summary.sources for size in source.lengths})
    rows: list[dict[str, Scalar]] = [
        {
            "bytes": f"{size:,}",
            "documents": source.lengths.get(str(size), 0),
            "source": source.source,
        }
        for size in sizes
        for source in summary.sources
    ]
    return bar_plot(
        rows=rows,
        x="bytes",
        y="documents",
        series="source",
        x_title="document length, bytes from",
        description="Number of documents kept by length, in bins of powers of two, for each source",
    )


def _language_plot(summary: DocumentsSummary) -> Plot:
    total = sum((Counter(source.languages) for source in summary.sources), Counter[str]())
    shown = [name for name, _ in total.most_common(_LANGUAGES)]
    rows: list[dict[str, Scalar]] = [
        {"language": name, "documents": source.languages.get(name, 0), "source": source.source}
        for name in shown
        for source in summary.sources
        if source.languages
    ]
    others = len(total) - len(shown)
    return bar_plot(
        rows=rows,
        x="documents",
        y="language",
        series="source",
        description="Number of documents by identified language, for each source",
        caption=f"{others} rarer languages are left out." if others > 0 else "",
    )


def contamination_section(report: Report, hits: Sequence[Hit]) -> Section:
    """What a look for benchmark items found, with the worst hits."""
    columns = ("benchmark", "items", "searchable", "touched", "contaminated", "documents")
    table = Table(
        columns=columns,
        rows=tuple(
            (
                *(b.benchmark, b.items, b.searchable, b.touched, b.contaminated),
                b.contaminated_documents,
            )
            for b in report.benchmarks
        ),
    )
    evidence = Table(
        columns=("benchmark", "item", "source", "document", "share", "match"),
        rows=tuple(
            (h.benchmark, h.item, h.source, h.document, round(h.share, 3), h.match) for h in hits
        ),
    )
    found = sum(b.contaminated for b in report.benchmarks)
    return Section(
        title="Contamination",
        summary=f"{found:,} benchmark items stand in the documents with at least "
        f"{report.threshold:.0%} of their {report.ngram}-grams or functions",
        blocks=(table, evidence) if hits else (table,),
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


_TOLERANCE = 1.01
"""A store's lines hold whole windows only, so epochs are never declared to the last token."""


def _repetition(declared: float, real: float) -> str | None:
    """What is wrong where a store is too small for the epochs that a mixture declares."""
    if real <= declared * _TOLERANCE:
        return None
    return f"too few tokens: read {real:.4g} times, not {declared:.4g}"


def realised_table(mixture: Mixture, order: Order) -> Table:
    """The mixture beside what a schedule of one stage reads of a store."""
    shares, read, epochs = mixture.shares(), order.budgets(0), order.epochs()
    total = order.stages[0].tokens
    return Table(
        columns=(
            *("source", "share planned %", "share read %", "tokens read"),
            *("windows off", "epochs declared", "epochs of this store", "warning"),
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
                _repetition(c.epochs, epochs[c.source]),
            )
            for c in mixture.components
        ),
    )


def mixture_section(mixture: Mixture, order: Order) -> Section:
    """Mixture planned against realised."""
    table = realised_table(mixture, order)
    worst = max(abs(float(row[4] or 0)) for row in table.rows)
    short = [str(row[0]) for row in table.rows if row[-1] is not None]
    warning = f"; too few tokens in {', '.join(short)}" if short else ""
    return Section(
        title="Mixture",
        summary=f"{mixture.name}: {order.stages[0].tokens:,} tokens, every source within "
        f"{worst:.2f} windows of its share{warning}",
        blocks=(table,),
    )
