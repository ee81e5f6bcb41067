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

METRICS = {"acc", "acc_norm", "word_perplexity", "byte_perplexity", "bits_per_byte"}
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
        """Compare requests and figures, and give the number of questions.

        Args:
            task: ours, `module:class`.
            settings: of it.
            rows: by task of the harness and by split, in the hub's form.
            harness: by task of the harness, `requests` (context, continuation, log-probability) in
                its order, and `metrics`.
        """
        known = {(c, t): v for found in harness.values() for c, t, v in found["requests"]}
        ours, inputs = self._prepared(task, settings, rows)
        if ours.name != "perplexity":  # whose requests are looked up in what is known
            items = ours.items(Inputs(data=inputs["data"]))
            for part, own in _asked(ours, items, rows).items():
                assert own == [(c, t) for c, t, _ in harness[part]["requests"]], part
        self._figures(ours, inputs, Recorded(known), harness)
        return len(rows["pages"]["test"]) if ours.name == "perplexity" else len(items)

    def figures(
        self, task: str, settings: Mapping[str, Any], rows: Rows, harness: Mapping[str, Any]
    ) -> None:
        """Compare figures only, on the model that `run_task` brings along."""
        ours, inputs = self._prepared(task, settings, rows)
        self._figures(ours, inputs, None, harness)

    def _figures(self, ours: Any, inputs: Any, model: Any, harness: Mapping[str, Any]) -> None:
        record, _ = self.run_task(model, ours, self.directory / "run", **inputs)
        values = {name: metric.value for name, metric in record.metrics.items()}
        theirs = {part: found["metrics"] for part, found in harness.items()}
        if ours.name == "truthfulqa_mc":
            for part in ("mc1", "mc2"):
                same({"acc": values[part]}, theirs[part], "acc")
        elif ours.name == "mmlu":
            for part, metrics in theirs.items():
                same({"acc": values[f"acc@{part}"]}, metrics, "acc")
        else:
            ((_, metrics),) = theirs.items()
            same(values, metrics, *(METRICS & set(metrics)))

    def _prepared(self, task: str, settings: Mapping[str, Any], rows: Rows) -> tuple[Any, Any]:
        module, _, name = task.partition(":")
        ours = getattr(importlib.import_module(module), name)(**settings)
        if ours.name == "perplexity":
            return ours, {"documents": [self._documents(rows["pages"]["test"])]}
        return ours, {"data": self._add(ours, rows)}

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


def _asked(ours: Any, items: Sequence[Any], rows: Rows) -> dict[str, list[tuple[str, str]]]:
    """Our requests in the harness's order, by its task."""
    pairs = [[(r.context, r.continuation) for r in item.requests()] for item in items]
    if ours.name == "truthfulqa_mc":
        order = {
            "mc1": [item.mc1 for item in items],
            "mc2": [(*item.true, *item.false) for item in items],
        }
        return {
            part: [own[i] for own, at in zip(pairs, places, strict=True) for i in at]
            for part, places in order.items()
        }
    found: dict[str, list[tuple[str, str]]] = {part: [] for part in rows}
    (only, *_) = found
    for item, own in zip(items, pairs, strict=True):
        found[item.attributes["subject"] if ours.name == "mmlu" else only].extend(own)
    return found


def same(ours: Mapping[str, float], theirs: Mapping[str, float], *names: str) -> None:
    """The figures are equal to 1e-6, and there are some."""
    assert names
    for name in names:
        assert math.isclose(ours[name], theirs[name], rel_tol=1e-6, abs_tol=1e-6), name
