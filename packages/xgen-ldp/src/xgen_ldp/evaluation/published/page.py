"""A run beside the published tables: means beside means, pairs beside the same pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xgen_core.records import Scalar
from xgen_core.report import Block, Section, Table, Text
from xgen_ldp.evaluation.published.tables import (
    GroupColumn,
    PairColumn,
    PublishedTable,
    published_tables,
)
from xgen_ldp.evaluation.scores import Figure, RunScores

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
    rows: list[tuple[Scalar, ...]] = [*ours]
    rows += [
        (row, *(_printed([table.value(row, c, m) for m in c.metrics]) for c in table.columns))
        for row in table.rows
    ]
    metrics = " / ".join(table.columns[0].metrics)
    caption = f"{metrics}. {table.title}. {table.source}."
    if any(isinstance(column, GroupColumn) for column in table.columns):
        caption += " A mean of this run over some of the languages only says over how many."
    notes = [*table.notes, *(f"{doubt.row}: {doubt.note}" for doubt in table.doubts)]
    headings = [column.heading for column in table.columns]
    return [
        Table(columns=("system", *headings), rows=tuple(rows), caption=caption),
        *(Text(text=note) for note in notes),
    ]


def _ours(table: PublishedTable, scores: RunScores) -> list[tuple[Scalar, ...]]:
    """A row a system; where the table has BLEU and the run spBLEU, another with that for BLEU."""
    rows: list[tuple[Scalar, ...]] = []
    several = any(len(column.metrics) > 1 for column in table.columns)
    forms = [("BLEU", "this run")]
    if several and scores.spm is not None:
        forms.append(("spBLEU", "this run, spBLEU for BLEU"))
    for system in dict.fromkeys(one.system for one in scores.scored):
        for bleu, name in forms:
            cells = [_cell(column, bleu, scores, system) for column in table.columns]
            if any(cell is not None for cell in cells):
                rows.append((f"{system}, {name}", *cells))
    return rows


def _cell(column: _Column, bleu: str, scores: RunScores, system: str) -> Scalar:
    found = _figures(column, scores, system)
    if found is None:
        return None
    figures, some = found
    metrics = [bleu if metric == "BLEU" else metric for metric in column.metrics]
    cell = _printed([figures[m].value if m in figures else None for m in metrics])
    return f"{cell} ({some})" if some else cell


def _figures(
    column: _Column, scores: RunScores, system: str
) -> tuple[Mapping[str, Figure], str] | None:
    """The run's figures of a column, and of how many languages if not of all."""
    if isinstance(column, PairColumn):
        for one in scores.scored:
            if (one.direction.name, one.system) == (column.direction.name, system) and one.figures:
                return one.figures, ""
        return None
    for mean in scores.means:
        if (mean.group, mean.kind, mean.system) == (column.group, column.kind, system):
            return mean.figures, "" if mean.whole else f"{len(mean.present)} of {mean.of}"
    return None


def _printed(values: Sequence[float | None]) -> str:
    return " / ".join("–" if value is None else f"{value:.2f}" for value in values)
