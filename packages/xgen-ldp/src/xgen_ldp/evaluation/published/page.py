"""A run beside the published tables: means beside means, pairs beside the same pairs."""

from __future__ import annotations

from xgen_core.records import Scalar
from xgen_core.report import Block, Section, Table, Text
from xgen_ldp.evaluation.published.tables import (
    GroupColumn,
    PairColumn,
    PublishedTable,
    published_tables,
)
from xgen_ldp.evaluation.scores import RunScores

__all__ = ["published_section"]

_Column = GroupColumn | PairColumn


def published_section(scores: RunScores) -> Section | None:
    """Each published table of which the run has a column; None where it has of neither."""
    blocks: list[Block] = []
    for table in published_tables():
        blocks += _blocks(table, scores)
    if not blocks:
        return None
    return Section(
        title="Beside published figures",
        summary="The lines of the published figures are not known, and the models are others: "
        "figures stand beside each other to show where a run lies, not to be subtracted.",
        blocks=tuple(blocks),
    )


def _blocks(table: PublishedTable, scores: RunScores) -> list[Block]:
    ours = _ours(table, scores)
    if not ours:
        return []
    several = any(len(column.metrics) > 1 for column in table.columns)
    headings = [
        f"{column.heading} {metric}" if several else column.heading
        for column in table.columns
        for metric in column.metrics
    ]
    rows = [*ours, *((row, *values) for row, values in table.rows.items())]
    caption = f"{table.title}. {table.source}."
    if several:
        caption += " A mean of this run over some of the languages only says over how many."
    notes = [*table.notes, *(f"{doubt.row}: {doubt.note}" for doubt in table.doubts)]
    return [
        Table(columns=("system", *headings), rows=tuple(rows), caption=caption),
        *(Text(text=note) for note in notes),
    ]


def _ours(table: PublishedTable, scores: RunScores) -> list[tuple[Scalar, ...]]:
    """A row a system; where the table has BLEU and the run spBLEU, another with that for BLEU."""
    rows: list[tuple[Scalar, ...]] = []
    for system in dict.fromkeys(one.system for one in scores.scored):
        for bleu, name in (("BLEU", "this run"), ("spBLEU", "this run, spBLEU for BLEU")):
            metrics = [
                (column, bleu if metric == "BLEU" else metric)
                for column in table.columns
                for metric in column.metrics
            ]
            cells = [_cell(column, metric, scores, system) for column, metric in metrics]
            named = [
                cell for cell, (_, metric) in zip(cells, metrics, strict=True) if metric == bleu
            ]
            has_bleu = any(cell is not None for cell in named)
            if any(cell is not None for cell in cells) and (bleu == "BLEU" or has_bleu):
                rows.append((f"{system}, {name}", *cells))
    return rows


def _cell(column: _Column, metric: str, scores: RunScores, system: str) -> float | str | None:
    if isinstance(column, PairColumn):
        for one in scores.scored:
            if (one.direction.name, one.system) == (column.direction.name, system):
                figure = one.figures.get(metric)
                return None if figure is None else round(figure.value, 2)
        return None
    for mean in scores.means:
        if (mean.group, mean.kind, mean.system) == (column.group, column.kind, system):
            if metric not in mean.figures:
                return None
            value = round(mean.figures[metric].value, 2)
            return value if mean.whole else f"{value:.2f} ({len(mean.present)} of {mean.of})"
    return None
