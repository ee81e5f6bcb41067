"""A tuning run to its end: training, what it changed, and soft prompts as files of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import jax

from xgen_core import Run, apply_settings
from xgen_model import open_source
from xgen_train.trainer import TrainResult, train
from xgen_train.tuning.answers import write_answers
from xgen_train.tuning.prompts import export_prompts
from xgen_train.tuning.resolved import Resolved

__all__ = ["tune"]


def tune(
    resolved: Resolved,
    output: Path | str,
    *,
    settings: Sequence[str] = (),
    samples: int = 3,
    tensorboard: bool | None = None,
) -> TrainResult:
    """Run a resolved tuning, taking up what an earlier process left.

    Where each task has a soft prompt of its own, `output/prompts/TASK` are PEFT directories, which
    `xgen model import --base` reads.

    Args:
        resolved: from `resolve`.
        output: the run directory.
        settings: changes of the recipe, `name=value`.
        samples: held-out examples that the models before and after answer for the page; 0 for none.
        tensorboard: see `xgen_train.monitor.Monitor`.

    Raises:
        InputError: as for `train`.
        RecipeError: a setting does not fit.
        DivergedError: as for `train`.
    """
    resolved = replace(resolved, recipe=apply_settings(resolved.recipe, settings))
    result = train(resolved.recipe, output, tensorboard=tensorboard)
    if jax.process_count() > 1:
        return result  # what follows is one process's work, and any one can do it later
    write_answers(Run.open(result.run), resolved, samples)
    if resolved.apart:
        trained = open_source(result.run).parameters
        tasks = list(resolved.prompts)
        base = resolved.recipe.start
        export_prompts(trained, tasks, result.run / "prompts", base_name=base)
    return result
