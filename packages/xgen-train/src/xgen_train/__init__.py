"""Training as XGen did it: staged lengths, exact resume, one recipe from laptop to pod.

`train(recipe, directory)` runs a `TrainRecipe`; `xgen train run` is the same from the shell.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xgen_train.faults import Fault, FaultOptions, parse_faults
    from xgen_train.feed import Feed, StoreFeed
    from xgen_train.objective import LanguageModelling, Objective, Sums
    from xgen_train.optimizer import build_optimizer
    from xgen_train.recipe import (
        GuardRecipe,
        MeshShape,
        MixtureChange,
        OptimizerRecipe,
        RunRecipe,
        StageRecipe,
        TrainRecipe,
    )
    from xgen_train.schedule import learning_rate
    from xgen_train.session import DivergedError, Session
    from xgen_train.state import TrainState, abstract_state, fresh_state
    from xgen_train.step import StepMetrics, compile_step, make_step
    from xgen_train.trainer import TrainResult, train

__all__ = [
    "DivergedError",
    "Fault",
    "FaultOptions",
    "Feed",
    "GuardRecipe",
    "LanguageModelling",
    "MeshShape",
    "MixtureChange",
    "Objective",
    "OptimizerRecipe",
    "RunRecipe",
    "Session",
    "StageRecipe",
    "StepMetrics",
    "StoreFeed",
    "Sums",
    "TrainRecipe",
    "TrainResult",
    "TrainState",
    "abstract_state",
    "build_optimizer",
    "compile_step",
    "fresh_state",
    "learning_rate",
    "make_step",
    "parse_faults",
    "train",
]

_HOMES = {
    "faults": ("Fault", "FaultOptions", "parse_faults"),
    "feed": ("Feed", "StoreFeed"),
    "objective": ("LanguageModelling", "Objective", "Sums"),
    "optimizer": ("build_optimizer",),
    "schedule": ("learning_rate",),
    "session": ("DivergedError", "Session"),
    "state": ("TrainState", "abstract_state", "fresh_state"),
    "step": ("StepMetrics", "compile_step", "make_step"),
    "trainer": ("TrainResult", "train"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load jax only when something that needs it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"xgen_train.{_HOME.get(name, 'recipe')}"), name)
