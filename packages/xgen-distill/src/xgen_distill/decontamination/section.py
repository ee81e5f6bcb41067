"""What the report page shows of a comparison with benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xgen_core.report import Item, Items, Section, Table
from xgen_distill.decontamination.contamination import MARKS, Contamination
from xgen_distill.decontamination.evidence import KINSHIPS, Evidence
from xgen_distill.decontamination.item import TrainingItem
from xgen_distill.task import Task

__all__ = ["MOST_PAIRS", "contamination_section", "counts_table"]

MOST_PAIRS = 200
"""Pairs on the page; all of them are in `pairs.jsonl`."""


def counts_table(found: Contamination) -> Table:
    """How many tasks of each benchmark share what with a training item."""
    counts = found.counts()
    return Table(
        columns=("shared with a training item", *counts),
        rows=tuple((mark, *(of[mark] for of in counts.values())) for mark in MARKS),
        caption=f"Tasks; {found.items:,} training items. leak, similar, unrelated: the verdict by "
        "all evidence; the rows above are single signs, of which wording proves nothing.",
    )


def contamination_section(
    found: Contamination, items: Sequence[TrainingItem], tasks: Sequence[Task]
) -> Section:
    """Counts, and the nearest training item of every task that has one, leaks first.

    Args:
        found: all pairs.
        items: the training items.
        tasks: of the benchmarks.
    """
    learnt = {item.id: item for item in items}
    asked = {task.id: task for task in tasks}
    nearest = sorted(found.nearest().values(), key=lambda pair: KINSHIPS.index(pair.verdict))
    shown = nearest[:MOST_PAIRS]
    some = f"{len(shown)} of {len(nearest)}" if len(shown) < len(nearest) else f"All {len(nearest)}"
    return Section(
        title="Benchmarks in the training data",
        summary=f"{len(found.clean):,} of {len(found.tasks):,} tasks are clean.",
        blocks=(
            counts_table(found),
            Items(
                items=tuple(_item(pair, learnt[pair.item], asked[pair.task]) for pair in shown),
                caption=f"{some} tasks with their nearest training item, leaks first.",
            ),
        ),
    )


def _item(pair: Evidence, item: TrainingItem, task: Task) -> Item:
    said: Mapping[str, str] = {
        "benchmark": task.instruction,
        "training": item.instruction,
        "words in a row": f"{pair.ngram}: {pair.words}" if pair.ngram else "",
        "ROUGE-L": f"{pair.rouge_l:.2f}" if pair.rouge_l else "",
        "name": f"both are called {task.entry_point}" if pair.same_name else "",
        "tree": "one solution, other names" if pair.same_tree else "",
        "training solution under the benchmark's tests": _run(pair),
        "benchmark's solution": task.gold,
        "training solution": "\n\n".join(item.programs),
    }
    return Item(
        title=f"{pair.verdict}  {pair.task}  ~  {pair.item}",
        fields={heading: text for heading, text in said.items() if text},
    )


def _run(pair: Evidence) -> str:
    if pair.agrees is None:
        return pair.outcome
    return f"{pair.outcome}; beyond them it {'agrees' if pair.agrees else 'disagrees'}"
