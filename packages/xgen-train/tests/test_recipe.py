import dataclasses

import pytest

from xgen_core import RecipeError, load_recipe
from xgen_core.codec import decode, encode
from xgen_train import StageRecipe, TrainRecipe
from xgen_train.recipes import quickstart


def test_published_recipes_round_trip_through_json() -> None:
    for maker in (quickstart.base, quickstart.smoke):
        recipe = maker()
        assert decode(TrainRecipe, encode(recipe)) == recipe


def test_stages_keep_xgens_proportions() -> None:
    recipe = quickstart.base()
    assert [s.sequence_length for s in recipe.stages] == [256, 512, 1024]
    assert [s.steps for s in recipe.stages] == [240, 120, 90]
    assert recipe.edges == (240, 360, 450)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": ()}, "at least one stage"),
        ({"batch_tokens": 1000}, "no multiple"),
        (
            {
                "stages": (
                    StageRecipe(sequence_length=64, steps=1),
                    StageRecipe(sequence_length=32, steps=1),
                )
            },
            "must not shrink",
        ),
        ({"stages": (StageRecipe(sequence_length=4096, steps=1),)}, "no multiple|does not fit"),
        ({"checkpoint_every": 0}, "at least 1"),
    ],
)
def test_contradictions_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(quickstart.smoke(), **change)


def test_settings_reach_into_stages_and_are_checked_again() -> None:
    name = "xgen_train.recipes.quickstart:smoke"
    assert load_recipe(name, TrainRecipe, ["stages.1.steps=20"]).stages[1].steps == 20
    with pytest.raises(RecipeError, match="did you mean 'learning_rate'"):
        load_recipe(name, TrainRecipe, ["optimizer.learning_rat=1"])
    with pytest.raises(RecipeError, match="must not shrink"):
        load_recipe(name, TrainRecipe, ["stages.0.sequence_length=128"])
