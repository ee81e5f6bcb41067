"""Training as XGen did it: staged lengths, exact resume, one recipe from laptop to pod.

`train(recipe, directory)` runs a `TrainRecipe`; `xgen train run` is the same from the shell.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xgen_train.optimizer import build_optimizer
    from xgen_train.recipe import MeshShape, OptimizerRecipe, StageRecipe, TrainRecipe
    from xgen_train.schedule import learning_rate
    from xgen_train.step import StepMetrics, TrainState, make_step
    from xgen_train.trainer import DivergedError, TrainResult, train

__all__ = [
    "DivergedError",
    "MeshShape",
    "OptimizerRecipe",
    "StageRecipe",
    "StepMetrics",
    "TrainRecipe",
    "TrainResult",
    "TrainState",
    "build_optimizer",
    "learning_rate",
    "make_step",
    "train",
]

_HOMES = {
    "build_optimizer": "optimizer",
    "learning_rate": "schedule",
    "make_step": "step",
    "StepMetrics": "step",
    "TrainState": "step",
    "DivergedError": "trainer",
    "TrainResult": "trainer",
    "train": "trainer",
}


def __getattr__(name: str) -> Any:
    """Load jax only when something that needs it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"xgen_train.{_HOMES.get(name, 'recipe')}"), name)
