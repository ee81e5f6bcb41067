"""The learning rate at each step, over all stages as one curve."""

from __future__ import annotations

import optax

from xgen_train.recipe import OptimizerRecipe

__all__ = ["learning_rate"]


def learning_rate(recipe: OptimizerRecipe, total_steps: int) -> optax.Schedule:
    """Linear warm-up, then the recipe's shape down to `final_fraction` of the peak.

    Args:
        recipe: peak, warm-up and shape.
        total_steps: where the curve ends; the rate stays flat after it.

    Returns:
        A function from the step (0 for the first update) to the rate.

    Raises:
        ValueError: the warm-up is not shorter than the run.
    """
    warmup = recipe.warmup_steps
    if warmup >= total_steps:
        raise ValueError(f"warmup_steps {warmup} leaves nothing of a run of {total_steps} steps")
    peak, final = recipe.learning_rate, recipe.learning_rate * recipe.final_fraction
    rest = total_steps - warmup
    if recipe.schedule == "cosine":
        body = optax.cosine_decay_schedule(peak, rest, alpha=recipe.final_fraction)
    elif recipe.schedule == "wsd":
        decay = max(1, round(recipe.decay_fraction * total_steps))
        decay = min(decay, rest)
        body = optax.join_schedules(
            [optax.constant_schedule(peak), optax.linear_schedule(peak, final, decay)],
            [rest - decay],
        )
    else:
        body = optax.constant_schedule(peak)
    if warmup == 0:
        return body
    # the first update uses peak / warmup rather than 0, which would waste a step
    climb = optax.linear_schedule(peak / warmup, peak, max(1, warmup - 1))
    return optax.join_schedules([climb, body], [warmup])
