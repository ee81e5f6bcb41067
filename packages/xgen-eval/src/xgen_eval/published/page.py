"""Ours beside the published numbers, as blocks of the report page."""

from __future__ import annotations

from collections.abc import Sequence

from xgen_core.records import Scalar
from xgen_core.report import Block, Plot, Section, Table, Text
from xgen_eval.plots import Dot, interval_plot
from xgen_eval.published.ranks import ranks
from xgen_eval.published.registry import PublishedTable, published_tables
from xgen_eval.published.standing import Standing, stand
from xgen_eval.results import Results
from xgen_eval.statistics import ALPHA

__all__ = [
    "notes",
    "printed_table",
    "published_section",
    "ranks_table",
    "reasons",
    "standing_table",
    "table_blocks",
    "tables_of",
]

_OURS = "this run"
_OTHERWISE = "this run, not comparable"
_Z = 1.96


def published_section(results: Results) -> Section | None:
    """Every published table of which the run has a task, or None where there is none."""
    tables = tables_of(results)
    if not tables:
        return None
    blocks = [block for table in tables for block in table_blocks(table, results)]
    return Section(
        title="Beside published numbers",
        summary="Cells of which this run has no task say so; other variants are shown, not judged.",
        blocks=tuple(blocks),
    )


def tables_of(results: Results) -> tuple[PublishedTable, ...]:
    """The package's tables of which a run has a task, those first that it is comparable with."""
    found = [table for table in published_tables() if table.tasks & results.tasks.keys()]
    return tuple(
        sorted(found, key=lambda t: all(s.state != "comparable" for s in stand(t, results)))
    )


def table_blocks(table: PublishedTable, results: Results, model: str = "") -> list[Block]:
    """Title, standing, plot, the table as printed, what its order is worth, and its notes.

    Raises:
        InputError: no such row.
    """
    standings = stand(table, results, model)
    heading = f"{table.title} ({table.source})."
    return [
        Text(text=heading),
        standing_table(table, standings),
        *(Text(text=reason) for reason in reasons(standings)),
        *_plot(standings),
        printed_table(table, standings),
        ranks_table(table, model),
        *(Text(text=note) for note in notes(table)),
    ]


def standing_table(table: PublishedTable, standings: Sequence[Standing]) -> Table:
    """Column by column: ours, the published number, their difference and what it means."""
    digits = _digits(table) + 1
    return Table(
        columns=(
            *("column", "metric", _OURS, "n", standings[0].published.model),
            *("difference", "p, Holm", "reading"),
        ),
        rows=tuple(
            (
                s.published.column,
                s.published.metric,
                _with_error(s.ours, s.stderr, digits),
                s.n,
                f"{s.published.value:.{digits - 1}f} ± {s.published.stderr:.{digits}f}",
                _with_error(s.difference, s.difference_stderr, digits),
                None if s.corrected is None else float(f"{s.corrected:.2g}"),
                s.reading,
            )
            for s in standings
        ),
        caption=f"In {table.unit}, ± one standard error; the published one is "
        f"{_origin(standings)}. p takes the two as independent, which is timid where both answered "
        "the same items; Holm corrects it for the comparable columns, and at most "
        f"{ALPHA} is called a difference.",
    )


def printed_table(table: PublishedTable, standings: Sequence[Standing]) -> Table:
    """The table as it was printed, with the run on top."""
    digits = _digits(table)
    rows: list[tuple[Scalar, ...]] = []
    for name, state in ((_OURS, "comparable"), (_OTHERWISE, "not comparable")):
        ours = [s.ours if s.state == state else None for s in standings]
        if any(value is not None for value in ours):
            rows.append((name, *(None if v is None else round(v, digits) for v in ours)))
    rows += [(model, *(e.value for e in table.of(model))) for model in table.models]
    return Table(columns=("model", *table.columns), rows=tuple(rows), caption="As printed.")


def ranks_table(table: PublishedTable, model: str = "", *, names: bool = True) -> Table:
    """How much of each column's order is more than chance; who is alike by name or by number."""
    name = model or table.reference
    return Table(
        columns=("column", f"± of {name}", "close neighbours", f"above {name}", "alike", "below"),
        rows=tuple(
            (
                r.column,
                round(r.stderr, 2),
                f"{r.close} of {r.neighbours}",
                len(r.above),
                (", ".join(r.alike) or "none") if names else len(r.alike),
                len(r.below),
            )
            for r in ranks(table, name)
        ),
        caption="Inside the published table: neighbours in the order are close, and models alike, "
        "within two standard errors of their difference.",
    )


def _origin(standings: Sequence[Standing]) -> str:
    """Where the published standard errors come from: nobody printed any."""
    of_percent = standings[0].published.unit == "%"
    return "binomial, of value and n" if of_percent else "the one that the notes give"


def reasons(standings: Sequence[Standing]) -> list[str]:
    """Why columns are not comparable, those of one reason together."""
    columns: dict[str, list[str]] = {}
    for s in standings:
        if s.reason:
            columns.setdefault(s.reason, []).append(s.published.column)
    return [f"{', '.join(own)}: not comparable ({reason})." for reason, own in columns.items()]


def notes(table: PublishedTable) -> list[str]:
    """What is doubtful: of the whole table, of its columns, of single numbers."""
    columns: list[str] = []
    single: list[str] = []
    for column in table.columns:
        entries = table.column(column)
        shared = [n for n in entries[0].notes if all(n in e.notes for e in entries)]
        columns += [f"{column}: {note}" for note in shared]
        single += [
            f"{e.model}, {column}: {note}"
            for e in entries
            for note in e.notes
            if note not in shared
        ]
    return [*table.notes, *columns, *single]


def _plot(standings: Sequence[Standing]) -> list[Plot]:
    """Ours and the published number of each column that was run, with 95 % intervals."""
    dots: list[Dot] = []
    for s in standings:
        if s.ours is None:
            continue
        e = s.published
        dots.append(_dot(e.column, e.value, e.stderr, f"published, {e.model}"))
        series = _OURS if s.state == "comparable" else _OTHERWISE
        dots.append(_dot(e.column, s.ours, s.stderr, series))
    if not dots:
        return []
    return [
        interval_plot(
            dots,
            title=standings[0].published.unit,
            description="this run beside the published numbers, by column, with 95 % intervals",
            caption="Bars are 95 % intervals.",
        )
    ]


def _dot(label: str, value: float, stderr: float | None, series: str) -> Dot:
    interval = None
    if stderr is not None:
        interval = (round(value - _Z * stderr, 2), round(value + _Z * stderr, 2))
    return Dot(label=label, value=round(value, 2), interval=interval, series=series)


def _with_error(value: float | None, stderr: float | None, digits: int) -> str:
    if value is None:
        return ""
    return f"{value:.{digits}f}" + ("" if stderr is None else f" ± {stderr:.{digits}f}")


def _digits(table: PublishedTable) -> int:
    """Decimals that the table was printed with."""
    return max(len(f"{entry.value}".partition(".")[2]) for entry in table.entries)
