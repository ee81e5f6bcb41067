"""Language models and tokenizers by name: `open_model(uri)`, `open_tokenizer(uri)`.

What is asked many times goes through `recorded(model, store)`: a `CallStore` that keeps every
answer, and a `Budget` where money is at stake. `planned(model)` counts instead of asking.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from xgen_core.lm.open import open_model, open_tokenizer

if TYPE_CHECKING:
    from xgen_core.lm.budget import Budget, Prices, Usage
    from xgen_core.lm.calls import CallStore
    from xgen_core.lm.planned_model import Plan, PlannedModel, planned
    from xgen_core.lm.recorded_call import RecordedCall
    from xgen_core.lm.recorded_model import recorded

__all__ = [
    "Budget",
    "CallStore",
    "Plan",
    "PlannedModel",
    "Prices",
    "RecordedCall",
    "Usage",
    "open_model",
    "open_tokenizer",
    "planned",
    "recorded",
]

_HOMES = {
    "Budget": "budget",
    "CallStore": "calls",
    "Plan": "planned_model",
    "PlannedModel": "planned_model",
    "Prices": "budget",
    "RecordedCall": "recorded_call",
    "Usage": "budget",
    "planned": "planned_model",
    "recorded": "recorded_model",
}
"""Loaded when asked for, since sqlite3 and asyncio take longer than the rest of this package."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
