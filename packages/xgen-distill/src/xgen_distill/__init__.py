"""Personalised distillation of code models: what the student failed, repaired by a teacher.

Start with `Task`, `Template` and `UnitTest`; `run_loop` makes `Attempt`, `Refinement` and `Row`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xgen_distill.attempt import Attempt, Refinement
    from xgen_distill.configuration import Configuration, Sampling
    from xgen_distill.feedback import Feedback, feedback_of
    from xgen_distill.items import RunItems, read_items
    from xgen_distill.program import Definition, find_definition
    from xgen_distill.results import RunResults
    from xgen_distill.runs import run_loop
    from xgen_distill.sets import Row
    from xgen_distill.spending import Spending
    from xgen_distill.task import Task
    from xgen_distill.templates import Template
    from xgen_distill.unit_test import UnitTest

__all__ = [
    "Attempt",
    "Configuration",
    "Definition",
    "Feedback",
    "Refinement",
    "Row",
    "RunItems",
    "RunResults",
    "Sampling",
    "Spending",
    "Task",
    "Template",
    "UnitTest",
    "feedback_of",
    "find_definition",
    "read_items",
    "run_loop",
]

_HOMES = {
    "attempt": ("Attempt", "Refinement"),
    "configuration": ("Configuration", "Sampling"),
    "feedback": ("Feedback", "feedback_of"),
    "items": ("RunItems", "read_items"),
    "program": ("Definition", "find_definition"),
    "results": ("RunResults",),
    "runs": ("run_loop",),
    "sets": ("Row",),
    "spending": ("Spending",),
    "task": ("Task",),
    "templates": ("Template",),
    "unit_test": ("UnitTest",),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package stays cheap."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"xgen_distill.{module}"), name)
    raise AttributeError(f"module 'xgen_distill' has no attribute {name!r}")
