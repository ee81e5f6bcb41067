"""A comparison on the report page and on the terminal: table, plot, and the items that changed."""

from __future__ import annotations

from collections.abc import Iterator

from xgen_core.records import Scalar
from xgen_core.report import Block, Item, Items, Plot, Section, Table, Text
from xgen_eval.comparison import Comparison, Line, PairedTask
from xgen_eval.items import Row, score_of
from xgen_eval.plots import Dot, interval_plot

__all__ = ["changes_section", "comparison_section", "comparison_table"]

_SHOWN = 60
"""Items that changed in each direction on the page."""

_LONGEST = 4000

CAPTION = (
    "Difference: second minus first, on the items that both have; from and to are its 95 % "
    "interval. p: McNemar's exact test where items are right or wrong, otherwise a paired "
    "bootstrap; Holm: corrected for all lines of this table, and what the verdict rests on. Won "
    "and lost: items on which the second is higher and lower. Detectable: the true difference that "
    "this comparison would find four times in five."
)


def comparison_table(comparison: Comparison) -> Table:
    """All lines; with more than two runs a column says which."""
    several = len(comparison.models) > 2
    second = "run's" if several else next(n for n in comparison.models if n != comparison.first)
    columns = (
        *(("run",) if several else ()),
        *("task", "metric", comparison.first, second, "difference", "±", "from", "to"),
        *("p", "Holm", "won", "lost", "n", "detectable", "verdict"),
    )
    rows = tuple((*((line.run,) if several else ()), *_cells(line)) for line in comparison.lines)
    return Table(columns=columns, rows=rows, caption=CAPTION)


def comparison_section(comparison: Comparison) -> Section:
    """Table, plot of the differences, and notes."""
    names = [name for name in comparison.models if name != comparison.first]
    blocks: list[Block] = [comparison_table(comparison), *_plots(comparison)]
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


def _cells(line: Line) -> tuple[Scalar, ...]:
    low, high = line.interval or (None, None)
    numbers = (line.first, line.second, line.difference, line.stderr, low, high)
    return (
        line.task,
        line.metric,
        *(None if x is None else round(x, 4) for x in numbers),
        _short(line.p),
        _short(line.corrected),
        line.won,
        line.lost,
        line.n,
        None if line.detectable is None else round(line.detectable, 4),
        line.verdict,
    )


def _short(p: float | None) -> float | None:
    """A probability with the two digits that anybody reads."""
    return None if p is None else float(f"{p:.2g}")


def _plots(comparison: Comparison) -> Iterator[Plot]:
    """One plot for each unit: bits and fractions do not share an axis."""
    several = len(comparison.models) > 2
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


def _change(a: Row, b: Row, metric: str, names: tuple[str, str], flagged: frozenset[str]) -> Item:
    fields: dict[str, str] = {}
    for key in dict.fromkeys([*a, *b]):
        if key == "id":
            continue
        x, y = a.get(key), b.get(key)
        if x == y:
            fields[key] = _cut(_text(x))
        else:
            fields[f"{key}, {names[0]}"] = _cut(_text(x))
            fields[f"{key}, {names[1]}"] = _cut(_text(y))
    mark = "  (in training data)" if a["id"] in flagged else ""
    title = f"{a['id']}  {metric} {score_of(a, metric):g} → {score_of(b, metric):g}{mark}"
    return Item(title=title, fields=fields)


def _text(value: Scalar) -> str:
    return "" if value is None else f"{value}"


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]}\n… {len(text) - 2 * half:,} characters left out …\n{text[-half:]}"
