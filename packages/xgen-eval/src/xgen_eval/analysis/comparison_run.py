"""A comparison as a run directory, and what it becomes without items that were seen in training.

comparison.json    format `xgen-comparison`, version 1
sections/          table and plot, clean and dirty scores, a browser of changes for each task
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xgen_core import InputError, Run
from xgen_core.files import write_json
from xgen_core.records import Record
from xgen_core.report import Section, Table
from xgen_eval.analysis.comparison import Comparison, compare_runs, pair_task
from xgen_eval.analysis.comparison_page import changes_section, comparison_section, comparison_table
from xgen_eval.analysis.contamination import CleanDirty, Findings, clean_and_dirty
from xgen_eval.analysis.items import FinishedRun
from xgen_eval.analysis.slices_page import contamination_table

__all__ = ["SeenItems", "seen_items", "write_comparison"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenItems(Record):
    """What findings of overlap change about a comparison.

    Attributes:
        flagged: ids of flagged items by task.
        scores: clean and dirty scores by run.
        clean: the comparison on the other items.
    """

    flagged: Mapping[str, tuple[str, ...]]
    scores: Mapping[str, tuple[CleanDirty, ...]]
    clean: Comparison

    def tables(self) -> list[Table]:
        """Clean and dirty scores, and the clean comparison."""
        clean = comparison_table(self.clean)
        caption = f"On items that were not flagged. {clean.caption}"
        return [contamination_table(self.scores), dataclasses.replace(clean, caption=caption)]


def seen_items(
    runs: Sequence[FinishedRun], comparison: Comparison, findings: Findings
) -> SeenItems:
    """Join findings to the compared tasks.

    Raises:
        InputError: findings that fit no row, or of none of the compared tasks.
    """
    metrics: dict[str, list[str]] = {}
    for line in comparison.lines:
        if line.metric not in metrics.setdefault(line.task, []):
            metrics[line.task].append(line.metric)
    first = [runs[0].items(task) for task in metrics]
    flagged = {items.name: tuple(findings.flagged(items)) for items in first}
    scores = {
        run.name: clean_and_dirty(
            [run.items(task) for task in metrics if task in run.results.tasks], findings
        )
        for run in runs
    }
    if not any(scores.values()):
        raise InputError(
            f"{findings.path}: findings of {', '.join(findings.by_benchmark) or 'nothing'}, but "
            f"compared are {', '.join(metrics)}"
        )
    names = tuple(dict.fromkeys(metric for own in metrics.values() for metric in own))
    clean = compare_runs(runs, tuple(metrics), names, flagged)
    return SeenItems(flagged=flagged, scores=scores, clean=clean)


def write_comparison(
    output: Path | str,
    comparison: Comparison,
    runs: Sequence[FinishedRun],
    seen: SeenItems | None = None,
) -> None:
    """Write a run directory that `xgen report` renders.

    Raises:
        InputError: another comparison lies there.
    """
    recipe = {
        "runs": {
            run.name: {name: record.key for name, record in run.results.tasks.items()}
            for run in runs
        },
        "lines": [[line.run, line.task, line.metric] for line in comparison.lines],
        "flagged": {} if seen is None else seen.flagged,
    }
    directory = Run.create(output, "compare", recipe)
    directory.write_section("10-comparison", comparison_section(comparison))
    if seen is not None:
        count = sum(map(len, seen.flagged.values()))
        section = Section(
            title="Without items that training data may contain",
            summary=f"{count} items are flagged",
            blocks=tuple(seen.tables()),
        )
        directory.write_section("15-contamination", section)
    for name, section in _changes(comparison, runs, seen):
        directory.write_section(name, section)
    header = {"format": "xgen-comparison", "version": 1}
    body = comparison.to_json() | ({} if seen is None else seen.to_json())
    write_json(Path(output) / "comparison.json", header | body)


def _changes(
    comparison: Comparison, runs: Sequence[FinishedRun], seen: SeenItems | None
) -> Iterator[tuple[str, Section]]:
    """A browser for each task of each run, by the task's first metric."""
    metrics: dict[tuple[str, str], str] = {}
    for line in comparison.lines:
        metrics.setdefault((line.run, line.task), line.metric)
    numbers = {run.name: number for number, run in enumerate(runs)}
    for (run, task), metric in metrics.items():
        paired = pair_task(runs[0], runs[numbers[run]], task, [])
        flagged = frozenset(seen.flagged.get(task, ()) if seen else ())
        if paired is not None:
            section = changes_section(paired, metric, (runs[0].name, run), flagged)
            if section is not None:
                yield f"20-{task}-{numbers[run]}", section
