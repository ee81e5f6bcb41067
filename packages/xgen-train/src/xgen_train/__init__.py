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
    from xgen_train.preference.objective import PreferenceOptimisation
    from xgen_train.preference.recipe import DpoRecipe
    from xgen_train.preference.trainer import DpoResult, dpo_recipe, train_dpo
    from xgen_train.recipe import (
        GuardRecipe,
        MeshShape,
        MixtureChange,
        OptimizerRecipe,
        RunRecipe,
        StageRecipe,
        TrainRecipe,
    )
    from xgen_train.reinforcement.objective import GroupRelative
    from xgen_train.reinforcement.recipe import GrpoRecipe
    from xgen_train.reinforcement.trainer import GrpoResult, grpo_recipe, train_grpo
    from xgen_train.schedule import learning_rate
    from xgen_train.session import DivergedError, Session
    from xgen_train.state import TrainState, abstract_state, fresh_state
    from xgen_train.step import StepMetrics, compile_step, make_step
    from xgen_train.trainer import TrainResult, train

__all__ = [
    "DivergedError",
    "DpoRecipe",
    "DpoResult",
    "Fault",
    "FaultOptions",
    "Feed",
    "GroupRelative",
    "GrpoRecipe",
    "GrpoResult",
    "GuardRecipe",
    "LanguageModelling",
    "MeshShape",
    "MixtureChange",
    "Objective",
    "OptimizerRecipe",
    "PreferenceOptimisation",
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
    "dpo_recipe",
    "fresh_state",
    "grpo_recipe",
    "learning_rate",
    "make_step",
    "parse_faults",
    "train",
    "train_dpo",
    "train_grpo",
]

_HOMES = {
    "faults": ("Fault", "FaultOptions", "parse_faults"),
    "feed": ("Feed", "StoreFeed"),
    "objective": ("LanguageModelling", "Objective", "Sums"),
    "optimizer": ("build_optimizer",),
    "preference.objective": ("PreferenceOptimisation",),
    "preference.recipe": ("DpoRecipe",),
    "preference.trainer": ("DpoResult", "dpo_recipe", "train_dpo"),
    "reinforcement.objective": ("GroupRelative",),
    "reinforcement.recipe": ("GrpoRecipe",),
    "reinforcement.trainer": ("GrpoResult", "grpo_recipe", "train_grpo"),
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
