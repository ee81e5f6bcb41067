"""A task of ours against tasks of lm-evaluation-harness: what is asked, and what comes of it."""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval_doubles import Recorded

from xgen_eval.datasets import DataDirectory
from xgen_eval.inputs import Inputs

Rows = Mapping[str, Mapping[str, Sequence[object]]]


class Comparison:
    """Compares; every difference is an AssertionError.

    Args:
        run_task: the fixture.
        directory: for files, empty.
    """

    def __init__(self, run_task: Callable[..., Any], directory: Path) -> None:
        self.run_task = run_task
        self.directory = directory

    def __call__(
        self, task: str, settings: Mapping[str, Any], rows: Rows, harness: Mapping[str, Any]
    ) -> int:
        """Compare, and give the number of questions.

        Args:
            task: ours, `module:class`.
            settings: of it.
            rows: by task of the harness and by split, in the hub's form.
            harness: by task of the harness, `requests` (context, continuation, log-probability) in
                its order, and `metrics`.
        """
        module, _, name = task.partition(":")
        ours = getattr(importlib.import_module(module), name)(**settings)
        asked = {part: [(c, t) for c, t, _ in found["requests"]] for part, found in harness.items()}
        known = {(c, t): v for found in harness.values() for c, t, v in found["requests"]}
        theirs = {part: found["metrics"] for part, found in harness.items()}
        if ours.name == "perplexity":
            path = self._documents(rows["pages"]["test"])
            values = self._values(ours, known, [path])
            same(values, theirs["pages"], "word_perplexity", "byte_perplexity", "bits_per_byte")
            return len(rows["pages"]["test"])
        data = self._add(ours, rows)
        items = ours.items(Inputs(data=data))
        pairs = [[(r.context, r.continuation) for r in item.requests()] for item in items]
        values = self._values(ours, known, data=data)
        if ours.name == "truthfulqa_mc":
            order = {
                "mc1": [item.mc1 for item in items],
                "mc2": [(*item.true, *item.false) for item in items],
            }
            for part, places in order.items():
                own = [p[i] for p, at in zip(pairs, places, strict=True) for i in at]
                assert own == asked[part]
                same({"acc": values[part]}, theirs[part], "acc")
            return len(items)
        assert [pair for own in pairs for pair in own] == [p for own in asked.values() for p in own]
        if ours.name == "mmlu":
            for part, metrics in theirs.items():
                same({"acc": values[f"acc@{part}"]}, metrics, "acc")
            sizes = {part: len(own) for part, own in asked.items()}
            total = sum(theirs[part]["acc"] * size for part, size in sizes.items())
            same(values, {"acc": total / sum(sizes.values())}, "acc")
        else:
            ((_, metrics),) = theirs.items()
            same(values, metrics, *({"acc", "acc_norm"} & set(metrics)))
        return len(items)

    def _values(self, ours: Any, known: Any, documents: Any = (), data: Any = None) -> Any:
        run = self.directory / "run"
        record, _ = self.run_task(Recorded(known), ours, run, documents, data=data)
        return {name: metric.value for name, metric in record.metrics.items()}

    def _documents(self, pages: Sequence[Any]) -> Path:
        rows = [
            {"id": f"{i}", "source": "pages", "text": row["page"]} for i, row in enumerate(pages)
        ]
        return self._file("pages", rows)

    def _add(self, ours: Any, rows: Rows) -> Path:
        data = DataDirectory(self.directory / "data")
        parts = dict(list(rows.items())[:1]) if ours.name == "truthfulqa_mc" else rows
        for split in ours.dataset.splits:
            files = [
                self._file(f"{part}_{split}", splits[split])
                for part, splits in parts.items()
                if split in splits
            ]
            if files:
                data.add(ours.dataset, split, files)
        return data.path

    def _file(self, name: str, rows: Sequence[object]) -> Path:
        path = self.directory / "raw" / f"{name}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path


def same(ours: Mapping[str, float], theirs: Mapping[str, float], *names: str) -> None:
    """The figures are equal to 1e-6, and there are some."""
    assert names
    for name in names:
        assert math.isclose(ours[name], theirs[name], rel_tol=1e-6, abs_tol=1e-6), name
