"""Slices and flagged items on the report page and on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xgen_core.records import Scalar
from xgen_core.report import Block, Item, Items, Plot, Section, Table
from xgen_eval.analysis.comparison_page import interval_text, row_fields, short_p
from xgen_eval.analysis.contamination import CleanDirty, Finding
from xgen_eval.analysis.items import TaskItems
from xgen_eval.analysis.slices import FOUR_FIFTHS, Slice
from xgen_eval.plots import Dot, interval_plot
from xgen_eval.statistics import ALPHA

__all__ = [
    "contamination_table",
    "disparity_table",
    "flagged_browser",
    "group_table",
    "slice_section",
]

_SHOWN = 100
_PLOTTED = 40


def slice_section(sliced: Slice) -> Section:
    """Disparity, plot and groups of one slice."""
    blocks: list[Block] = [disparity_table([sliced]), _plot(sliced), group_table(sliced)]
    kind = "protected attribute" if sliced.protected else "attribute"
    return Section(
        title=f"{sliced.task}: {sliced.metric} by {sliced.attribute}",
        summary=f"{len(sliced.groups)} groups, {kind}",
        blocks=tuple(blocks),
    )


def disparity_table(slices: Sequence[Slice]) -> Table:
    """How far the groups of each slice lie apart, a line each."""
    rows: list[tuple[Scalar, ...]] = []
    for s in slices:
        d = s.disparity
        start = (s.task, s.metric, s.attribute)
        if d is None:
            rows.append((*start, *[None] * 5, "fewer than two groups of two units"))
            continue
        ratio = "" if d.ratio is None else f"{d.ratio:.3f}"
        if d.ratio_interval is not None:
            ratio += f" ({d.ratio_interval[0]:.3f} to {d.ratio_interval[1]:.3f})"
        difference = f"{d.difference:.4f}"
        if d.interval is not None:
            difference += f" ({interval_text(d.interval)})"
        reading = "; ".join(filter(None, (d.reading, d.four_fifths)))
        rows.append((*start, d.largest, d.smallest, difference, short_p(d.p), ratio, reading))
    fifths = (
        f" Four fifths: a ratio below {FOUR_FIFTHS} of rates of a good outcome is looked into; "
        "“not surely” is said where the interval has both sides of it."
        if any(s.protected for s in slices)
        else ""
    )
    return Table(
        columns=(
            *("task", "metric", "by", "largest", "smallest", "difference", "p", "ratio"),
            "reading",
        ),
        rows=tuple(rows),
        caption="Largest minus smallest, and smallest over largest, with 95 % intervals; intervals "
        "and p hold for all pairs of groups at once, since the two were chosen for being far "
        f"apart. At most {ALPHA} is called a difference.{fifths}",
    )


def group_table(sliced: Slice) -> Table:
    """Every group with its interval, and its difference from all the others."""
    missing = f" {sliced.missing} items have no {sliced.attribute}." if sliced.missing else ""
    return Table(
        columns=(
            *(sliced.attribute, "n", sliced.metric, "95 % interval", "against the rest"),
            *("p", "p, Holm"),
        ),
        rows=tuple(
            (
                group.name,
                group.n,
                round(group.value, 4),
                interval_text(group.interval),
                None if group.difference is None else round(group.difference, 4),
                short_p(group.p),
                short_p(group.corrected),
            )
            for group in sliced.groups
        ),
        caption=f"Holm corrects p for the {len(sliced.groups)} groups.{missing}",
    )


def contamination_table(scores: Mapping[str, Sequence[CleanDirty]]) -> Table:
    """Clean and dirty scores by run and task, and what their difference says."""
    rows: list[tuple[Scalar, ...]] = []
    for run, lines in scores.items():
        for line in lines:
            difference = "" if line.difference is None else f"{line.difference:.4f}"
            if line.interval is not None:
                difference += f" ({interval_text(line.interval)})"
            row = (
                run,
                line.task,
                line.metric,
                f"{line.flagged} of {line.items}",
                line.clean and round(line.clean.value, 4),
                line.dirty and round(line.dirty.value, 4),
                difference,
                short_p(line.corrected),
                line.reading,
            )
            rows.append(row)
    return Table(
        columns=(
            *("run", "task", "metric", "flagged", "clean", "dirty", "difference", "p, Holm"),
            "reading",
        ),
        rows=tuple(rows),
        caption="Flagged: items of which training data holds at least the threshold's share. "
        "Difference: dirty minus clean, with its 95 % interval; Holm over the tasks of a run. "
        "Items that are quoted on the web may be easier for other reasons too: a difference is a "
        "sign, not a proof.",
    )


def flagged_browser(items: TaskItems, flagged: Mapping[str, Finding], metric: str) -> Items:
    """The flagged rows with where they were found, largest share first."""
    rows = items.by_id()
    order = sorted(flagged, key=lambda i: -flagged[i].share)
    shown = [
        Item(
            title=f"{i}  {metric} {rows[i].get(metric, '')}  share {flagged[i].share:.2f}",
            fields={
                "found in": " ".join(filter(None, (flagged[i].source, flagged[i].document))),
                "words": flagged[i].match,
                **row_fields(rows[i]),
            },
        )
        for i in order[:_SHOWN]
    ]
    some = f" The first {_SHOWN} are shown." if len(order) > _SHOWN else ""
    caption = f"{len(order)} flagged items of {items.name}.{some}"
    return Items(items=tuple(shown), caption=caption)


def _plot(sliced: Slice) -> Plot:
    groups = sliced.groups
    if len(groups) > _PLOTTED:
        half = _PLOTTED // 2
        groups = (*groups[:half], *groups[-half:])
    dots = [
        Dot(
            label=f"{group.name} ({group.n})",
            value=round(group.value, 4),
            interval=group.interval and (round(group.interval[0], 4), round(group.interval[1], 4)),
        )
        for group in groups
    ]
    some = f" The {len(groups) // 2} largest and smallest of {len(sliced.groups)} groups."
    return interval_plot(
        dots,
        title=f"{sliced.metric}{f' in {sliced.unit}' if sliced.unit else ''}",
        description=f"{sliced.metric} of each {sliced.attribute}, with 95 % intervals",
        caption="In brackets the number of items; bars are 95 % intervals."
        + (some if len(groups) < len(sliced.groups) else ""),
    )
