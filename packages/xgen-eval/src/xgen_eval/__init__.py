"""Evaluate language models: tasks in, numbers with their uncertainty out.

Start with `evaluate` (tasks on a model, results in a run directory) and `Task` (what a task is).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xgen_eval.evaluation import evaluate
    from xgen_eval.inputs import DataFile, Inputs
    from xgen_eval.results import Results, TaskRecord, read_results
    from xgen_eval.statistics import (
        Estimate,
        clustered_mean,
        mean_stderr,
        ratio_of_sums,
        wilson_interval,
    )
    from xgen_eval.task import Metric, Task, TaskResult, load_task, task_names

__all__ = [
    "DataFile",
    "Estimate",
    "Inputs",
    "Metric",
    "Results",
    "Task",
    "TaskRecord",
    "TaskResult",
    "clustered_mean",
    "evaluate",
    "load_task",
    "mean_stderr",
    "ratio_of_sums",
    "read_results",
    "task_names",
    "wilson_interval",
]

_HOMES = {
    "evaluation": ("evaluate",),
    "inputs": ("DataFile", "Inputs"),
    "results": ("Results", "TaskRecord", "read_results"),
    "statistics": ("Estimate", "clustered_mean", "mean_stderr", "ratio_of_sums", "wilson_interval"),
    "task": ("Metric", "Task", "TaskResult", "load_task", "task_names"),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package stays cheap."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"xgen_eval.{module}"), name)
    raise AttributeError(f"module 'xgen_eval' has no attribute {name!r}")
