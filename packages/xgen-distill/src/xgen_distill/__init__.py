"""Personalised distillation of code models: what the student failed, repaired by a teacher.

Start with `Task`, `Template` and `UnitTest`; a run makes `Attempt`, `Refinement` and `Row`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xgen_distill.attempt import Attempt, Refinement
    from xgen_distill.feedback import Feedback, feedback_of
    from xgen_distill.program import Definition, find_definition
    from xgen_distill.sets import Row
    from xgen_distill.task import Task
    from xgen_distill.templates import Template
    from xgen_distill.unit_test import UnitTest

__all__ = [
    "Attempt",
    "Definition",
    "Feedback",
    "Refinement",
    "Row",
    "Task",
    "Template",
    "UnitTest",
    "feedback_of",
    "find_definition",
]

_HOMES = {
    "attempt": ("Attempt", "Refinement"),
    "feedback": ("Feedback", "feedback_of"),
    "program": ("Definition", "find_definition"),
    "sets": ("Row",),
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
