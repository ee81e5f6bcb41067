import dataclasses

import pytest

from xgen_core import RecipeError, load_recipe
from xgen_core.codec import decode, encode
from xgen_train import StageRecipe, TrainRecipe
from xgen_train.recipes import quickstart, small, xgen_1b, xgen_7b

RECIPES = (
    quickstart.base,
    quickstart.smoke,
    small.base,
    xgen_1b.base,
    xgen_7b.base,
    xgen_7b.base_4k,
    xgen_7b.base_1500b,
    xgen_7b.instruct,
)


def test_published_recipes_round_trip_through_json() -> None:
    for maker in RECIPES:
        recipe = maker()
        assert decode(TrainRecipe, encode(recipe)) == recipe


def test_xgen_7b_keeps_the_published_tables_and_base_1500b_the_published_lengths() -> None:
    recipe = xgen_7b.base()
    tokens = [stage.steps * recipe.batch_tokens / 1e9 for stage in recipe.stages]
    assert tokens == pytest.approx([800, 400, 174.52, 110], abs=0.003)
    assert sum(tokens) == pytest.approx(1484.52, abs=0.0022)  # half a batch
    longer = xgen_7b.base_1500b()
    phases = [stage.steps * longer.batch_tokens / 1e9 for stage in longer.stages]
    assert [sum(phases[:2]), sum(phases[2:])] == pytest.approx([1200, 300], abs=0.003)
    code = recipe.stages[-1].weights
    assert code["starcoderdata"] == sum(code.values()) / 2
    assert "starcoderdata" not in recipe.stages[2].weights


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
