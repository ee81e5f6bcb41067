"""Supervised tuning on examples: everything, some of it, adapters or soft prompts; many tasks.

    TaskSet                      where the examples of a task lie
    Tuning                       what is trained on them, and how long
    tune(tuning, sets, output)   build the store once, resolve a `TrainRecipe`, run it

A tuning run is an ordinary run over a token store with a loss mask: order, resumption, sharding and
checkpoints are those of pre-training.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xgen_train.tuning.prompts import PromptParameters, export_prompts
    from xgen_train.tuning.resolved import Resolved, resolve
    from xgen_train.tuning.tasks import PreparedSets, TaskSet, prepare_sets
    from xgen_train.tuning.tuner import tune
    from xgen_train.tuning.tuning import Tuning

__all__ = [
    "PreparedSets",
    "PromptParameters",
    "Resolved",
    "TaskSet",
    "Tuning",
    "export_prompts",
    "prepare_sets",
    "resolve",
    "tune",
]

_HOMES = {
    "prompts": ("PromptParameters", "export_prompts"),
    "resolved": ("Resolved", "resolve"),
    "tasks": ("PreparedSets", "TaskSet", "prepare_sets"),
    "tuner": ("tune",),
    "tuning": ("Tuning",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load jax only when something that needs it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"xgen_train.tuning.{_HOME[name]}"), name)
