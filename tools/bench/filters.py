"""How fast the filters are, and whether they decide as datatrove's.

    python tools/bench/filters.py FILE

FILE is JSONL with a `text` in every row. Figures are documents and megabytes of UTF-8 per CPU
second of this process. Where `datatrove[processing]` and `spacy` are installed
too (an environment of its own is best, as it pins other versions), the same documents go through
its filters, and the share of equal decisions is printed, with the reasons where they differ.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from xgen_core import Document
from xgen_core.files import read_jsonl
from xgen_data import Drop
from xgen_data.steps import C4Quality, FineWebQuality, GopherQuality, GopherRepetition, Step

STEPS: dict[str, Step] = {
    "GopherRepetitionFilter": GopherRepetition(),
    "GopherQualityFilter": GopherQuality(),
    "C4QualityFilter": C4Quality(),
    "FineWebQualityFilter": FineWebQuality(),
}
BATCH = 256
Reasons = dict[str, list[str | None]]


def ours(documents: Sequence[Document]) -> tuple[Reasons, dict[str, float]]:
    """Why each document is dropped by each step, and CPU seconds; in batches, as in a build."""
    reasons: Reasons = {name: [] for name in STEPS}
    seconds = dict.fromkeys(STEPS, 0.0)
    for start in range(0, len(documents), BATCH):
        for name, step in STEPS.items():
            began = time.process_time()
            results = step.apply(documents[start : start + BATCH])
            seconds[name] += time.process_time() - began
            reasons[name] += [r.reason if isinstance(r, Drop) else None for r in results]
    return reasons, seconds


def theirs(documents: Sequence[Document]) -> tuple[Reasons, dict[str, float]]:
    """The same of datatrove."""
    from datatrove.data import Document as Page  # pyright: ignore[reportMissingImports]
    from datatrove.pipeline import filters  # pyright: ignore[reportMissingImports]

    reasons: Reasons = {}
    seconds: dict[str, float] = {}
    for name in STEPS:
        judge: Callable[[Any], bool | tuple[bool, str]] = getattr(filters, name)().filter
        judge(Page(text="Loads the language model once.", id="0"))
        began = time.process_time()
        results = [judge(Page(text=d.text, id=d.id)) for d in documents]
        seconds[name] = time.process_time() - began
        reasons[name] = [r[1] if isinstance(r, tuple) else None for r in results]
    return reasons, seconds


def show(who: str, documents: Sequence[Document], seconds: dict[str, float]) -> None:
    """Print rates of each step and of the three that make up Gopher and C4."""
    megabytes = sum(len(d.text.encode()) for d in documents) / 1e6
    rows = {**seconds, "Gopher + C4": sum(list(seconds.values())[:3])}
    for name, value in rows.items():
        print(f"{who:10} {name:24} {len(documents) / value:9.0f} docs {megabytes / value:8.2f} MB")


def main(path: str) -> None:
    """Measure and compare."""
    rows = read_jsonl(path)
    documents = [Document(id=str(i), text=row["text"], source="s") for i, row in enumerate(rows)]
    mine, seconds = ours(documents)
    show("xgen-data", documents, seconds)
    if importlib.util.find_spec("datatrove") is None:
        return
    other, seconds = theirs(documents)
    show("datatrove", documents, seconds)
    for name in STEPS:
        pairs = list(zip(mine[name], other[name], strict=True))
        differ = Counter(pair for pair in pairs if (pair[0] is None) != (pair[1] is None))
        agree = 1 - differ.total() / len(pairs)
        print(
            f"{name:24} agree on {agree:.2%}", *(f"{a} / {b}: {n}" for (a, b), n in differ.items())
        )


if __name__ == "__main__":
    main(sys.argv[1])
