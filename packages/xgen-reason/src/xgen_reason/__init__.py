"""Chains of thought that are verified and edited with knowledge.

Start with `Configuration`, `open_solver` and `Question`; `run_questions` works on many.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xgen_reason.chain import Chain
    from xgen_reason.configuration import Configuration
    from xgen_reason.evidence import Evidence, Found, Query
    from xgen_reason.knowledge.source import Source, open_source
    from xgen_reason.prompts import Prompt, PromptSet, load_prompts
    from xgen_reason.question import Paragraph, Question, Table
    from xgen_reason.result import Edit, Result, Vote
    from xgen_reason.runs import ask_question, run_questions
    from xgen_reason.solver import Solver, open_solver
    from xgen_reason.tools import Tools
    from xgen_reason.transcript import write_transcript

__all__ = [
    "Chain",
    "Configuration",
    "Edit",
    "Evidence",
    "Found",
    "Paragraph",
    "Prompt",
    "PromptSet",
    "Query",
    "Question",
    "Result",
    "Solver",
    "Source",
    "Table",
    "Tools",
    "Vote",
    "ask_question",
    "load_prompts",
    "open_solver",
    "open_source",
    "run_questions",
    "write_transcript",
]

_HOMES = {
    "chain": ("Chain",),
    "configuration": ("Configuration",),
    "evidence": ("Evidence", "Found", "Query"),
    "knowledge.source": ("Source", "open_source"),
    "prompts": ("Prompt", "PromptSet", "load_prompts"),
    "question": ("Paragraph", "Question", "Table"),
    "result": ("Edit", "Result", "Vote"),
    "runs": ("ask_question", "run_questions"),
    "solver": ("Solver", "open_solver"),
    "tools": ("Tools",),
    "transcript": ("write_transcript",),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package stays cheap."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"xgen_reason.{module}"), name)
    raise AttributeError(f"module 'xgen_reason' has no attribute {name!r}")
