"""How good an answer is: a function that a user names.

    def reward(example: Example, answers: Sequence[str]) -> Sequence[float]:

It gets a prompt with all that its line holds (`example.metadata`, and answers at its end) and the
answers of one group, and gives a number for each. All answers to a prompt come at once, so that a
judge can be asked, or a sandbox run, for all of them at a time. A run is taken up exactly if the
function gives the same numbers for the same answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, cast

from xgen_core import Example, InputError, XgenError
from xgen_core.recipe import load_function

__all__ = ["Reward", "load_reward", "rewards_of"]

Reward = Callable[[Example, Sequence[str]], Sequence[float]]


def load_reward(name: str) -> Reward:
    """The function of a recipe.

    Raises:
        RecipeError: no such module, file or function.
    """
    return cast(Reward, load_function(name, "reward"))


def rewards_of(reward: Reward, name: str, example: Example, answers: Sequence[str]) -> list[float]:
    """Ask the function, and see that it answers as it should.

    Args:
        reward: the function.
        name: what the recipe calls it.
        example: the prompt.
        answers: of one group.

    Raises:
        InputError: it raises, or gives anything but a finite number for each answer; names it and
            the prompt.
    """
    where = f"reward {name}, prompt {example.id!r}"
    try:
        found: Any = reward(example, answers)
        values = [float(value) for value in found]
    except XgenError as error:
        raise InputError(f"{where}: {error}") from error
    except Exception as error:
        raise InputError(f"{where}: {type(error).__name__}: {error}") from error
    if len(values) != len(answers):
        raise InputError(
            f"{where}: gave {len(values)} numbers for {len(answers)} answers; one each is expected"
        )
    for number, value in enumerate(values):
        if not math.isfinite(value):
            raise InputError(
                f"{where}: gave {value} for answer {number + 1}, {answers[number]!r:.80}; a finite "
                "number is expected"
            )
    return values
