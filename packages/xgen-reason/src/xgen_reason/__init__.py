"""Chains of thought that are verified and edited with knowledge.

Start with `Question`, `load_prompts`, `open_source` and the methods in `xgen_reason.methods`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xgen_reason.chain import Chain
    from xgen_reason.evidence import Evidence, Found, Query
    from xgen_reason.knowledge.source import Source, open_source
    from xgen_reason.prompts import Prompt, PromptSet, load_prompts
    from xgen_reason.question import Paragraph, Question, Table
    from xgen_reason.result import Edit, Result, Vote
    from xgen_reason.tools import Tools

__all__ = [
    "Chain",
    "Edit",
    "Evidence",
    "Found",
    "Paragraph",
    "Prompt",
    "PromptSet",
    "Query",
    "Question",
    "Result",
    "Source",
    "Table",
    "Tools",
    "Vote",
    "load_prompts",
    "open_source",
]

_HOMES = {
    "chain": ("Chain",),
    "evidence": ("Evidence", "Found", "Query"),
    "knowledge.source": ("Source", "open_source"),
    "prompts": ("Prompt", "PromptSet", "load_prompts"),
    "question": ("Paragraph", "Question", "Table"),
    "result": ("Edit", "Result", "Vote"),
    "tools": ("Tools",),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package stays cheap."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"xgen_reason.{module}"), name)
    raise AttributeError(f"module 'xgen_reason' has no attribute {name!r}")
