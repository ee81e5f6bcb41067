"""A comparison on the report page and on the terminal: table, plot, and the items that changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xgen_core.records import Scalar
from xgen_core.report import Block, Item, Items, Plot, Section, Table, Text
from xgen_eval.analysis.comparison import Comparison, Line, PairedTask
from xgen_eval.analysis.items import Row, score_of
from xgen_eval.grading import cut
from xgen_eval.plots import Dot, interval_plot
from xgen_eval.statistics import ALPHA

__all__ = [
    "changes_section",
    "comparison_section",
    "comparison_table",
    "evidence_table",
    "interval_text",
    "row_fields",
    "short_p",
]

_SHOWN = 60
"""Items that changed in each direction on the page."""

_SHORT = 60


def comparison_table(comparison: Comparison) -> Table:
    """What was found, a line each; with more than two runs a column says which."""
    other = next(name for name in comparison.models if name != comparison.first)
    second = "this run" if _several(comparison) else other
    values = (comparison.first, second, "difference", "95 % interval")
    return _table(
        comparison,
        ("task", "metric", *values, "p, Holm", "verdict"),
        [
            (
                line.task,
                line.metric,
                round(line.first, 4),
                round(line.second, 4),
                round(line.difference, 4),
                interval_text(line.interval),
                short_p(line.corrected),
                line.verdict,
            )
            for line in comparison.lines
        ],
        "Difference: second minus first, on the items that both have. p, Holm: how often chance "
        "alone gives such a difference, corrected for all lines of this table; at most "
        f"{ALPHA} is called a difference.",
    )


def evidence_table(comparison: Comparison) -> Table:
    """What stands behind each line."""
    return _table(
        comparison,
        ("task", "metric", "±", "p", "test", "won", "lost", "items", "units", "detectable"),
        [
            (
                line.task,
                line.metric,
                None if line.stderr is None else round(line.stderr, 4),
                short_p(line.p),
                line.test,
                line.won,
                line.lost,
                line.n,
                line.units,
                None if line.detectable is None else round(line.detectable, 4),
            )
            for line in comparison.lines
        ],
        "±: standard error of the difference. McNemar: exact, where items are right or wrong; "
        "otherwise a studentised paired bootstrap over the independent units. Won and lost: items "
        "on which the second is higher and lower. Detectable: the true difference that this "
        "comparison would find four times in five.",
    )


def comparison_section(comparison: Comparison) -> Section:
    """Table, plot of the differences, and notes."""
    names = [name for name in comparison.models if name != comparison.first]
    blocks: list[Block] = [
        comparison_table(comparison),
        *_plots(comparison),
        evidence_table(comparison),
    ]
    blocks += [Text(text=note) for note in comparison.notes]
    models = "; ".join(f"{name}: {model}" for name, model in comparison.models.items())
    return Section(
        title=f"{', '.join(names)} against {comparison.first}",
        summary=models,
        blocks=tuple(blocks),
    )


def changes_section(
    paired: PairedTask, metric: str, names: tuple[str, str], flagged: frozenset[str] = frozenset()
) -> Section | None:
    """A browser through the items that changed most in a metric, or None where none did.

    Args:
        paired: the task's rows.
        metric: by which items are told apart.
        names: of the first and the second run.
        flagged: ids that training data may contain; said in their titles.
    """
    pairs = paired.scored(metric)
    steps = [(score_of(b, metric) or 0.0) - (score_of(a, metric) or 0.0) for a, b in pairs]
    won = sorted((i for i, s in enumerate(steps) if s > 0), key=lambda i: -steps[i])
    lost = sorted((i for i, s in enumerate(steps) if s < 0), key=lambda i: steps[i])
    if not won and not lost:
        return None
    shown = [_change(*pairs[i], metric, names, flagged) for i in (*won[:_SHOWN], *lost[:_SHOWN])]
    first, second = names
    caption = (
        f"{metric}: {len(won)} items are higher in {second}, {len(lost)} in {first}, "
        f"{len(pairs) - len(won) - len(lost)} equal."
    )
    if len(shown) < len(won) + len(lost):
        caption += f" Shown: up to {_SHOWN} of each, largest changes first."
    return Section(
        title=f"{paired.name}: what changed from {first} to {second}",
        blocks=(Items(items=tuple(shown), caption=caption),),
    )


def interval_text(interval: tuple[float, float] | None) -> str:
    """`-0.0456 to -0.0123`, or nothing."""
    return "" if interval is None else f"{interval[0]:.4f} to {interval[1]:.4f}"


def _several(comparison: Comparison) -> bool:
    return len(comparison.models) > 2


def _table(
    comparison: Comparison,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Scalar, ...]],
    caption: str,
) -> Table:
    if _several(comparison):
        columns = ("run", *columns)
        rows = [(line.run, *row) for line, row in zip(comparison.lines, rows, strict=True)]
    return Table(columns=columns, rows=tuple(rows), caption=caption)


def short_p(p: float | None) -> float | None:
    """A probability with the two digits that anybody reads."""
    return None if p is None else float(f"{p:.2g}")


def _plots(comparison: Comparison) -> Iterator[Plot]:
    """One plot for each unit: bits and fractions do not share an axis."""
    several = _several(comparison)
    kinds: dict[str, list[Line]] = {}
    for line in comparison.lines:
        kinds.setdefault(line.unit, []).append(line)
    for unit, lines in kinds.items():
        dots = [
            Dot(
                label=f"{line.task} {line.metric}",
                value=round(line.difference, 4),
                interval=line.interval and (round(line.interval[0], 4), round(line.interval[1], 4)),
                series=line.run if several else "",
            )
            for line in lines
        ]
        yield interval_plot(
            dots,
            title=f"difference{f' in {unit}' if unit else ''}",
            series="run" if several else "",
            zero=f"{comparison.first}, with which the others are compared",
            description=f"differences from {comparison.first} with 95 % intervals, by task",
            caption="Bars are 95 % intervals, not corrected for their number.",
        )


def row_fields(row: Row) -> dict[str, str]:
    """A row for a browser: texts as they are read, then numbers, then attributes."""
    return {key: cut(_text(row[key])) for key in _reading_order(row) if key != "id"}


def _reading_order(row: Row) -> list[str]:
    return sorted(row, key=lambda key: (key.startswith("attr."), not isinstance(row[key], str)))


def _change(a: Row, b: Row, metric: str, names: tuple[str, str], flagged: frozenset[str]) -> Item:
    fields: dict[str, str] = {}
    for key in _reading_order({**b, **a}):
        x, y = _text(a.get(key)), _text(b.get(key))
        if key in ("id", metric):
            continue
        if x == y:
            fields[key] = cut(x)
        elif len(x) + len(y) <= _SHORT:
            fields[key] = f"{x or '–'} → {y or '–'}"
        else:
            fields[f"{key}, {names[0]}"] = cut(x)
            fields[f"{key}, {names[1]}"] = cut(y)
    mark = "  (in training data)" if a["id"] in flagged else ""
    title = f"{a['id']}  {metric} {score_of(a, metric):g} → {score_of(b, metric):g}{mark}"
    return Item(title=title, fields=fields)


def _text(value: Scalar) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else f"{value}"
