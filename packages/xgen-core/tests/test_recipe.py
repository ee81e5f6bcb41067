import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from xgen_core import RecipeError, apply_settings, load_recipe
from xgen_core.recipe import fingerprint, load_settings


@dataclass(frozen=True, kw_only=True)
class Stage:
    steps: int
    rate: float = 1e-3
    name: str = "s"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    kind: ClassVar[str] = "a recipe"
    stages: tuple[Stage, ...] = (Stage(steps=1), Stage(steps=2))
    model: Stage | None = None
    betas: tuple[float, float] = (0.9, 0.95)
    weights: Mapping[str, float] = field(default_factory=lambda: {"web": 0.5})
    resume: bool = False
    note: str = ""
    sources: tuple[str, ...] = ("web",)
    names: tuple[str, ...] = ()

    def __post_init__(self):
        if sum(self.weights.values()) > 1:
            raise ValueError("weights sum to more than 1")


@pytest.mark.parametrize(
    ("setting", "read"),
    [
        ("stages.1.steps=20", lambda r: r.stages[1].steps == 20),
        ("stages.0.steps=1e3", lambda r: r.stages[0].steps == 1000),
        ("stages.1.rate=3", lambda r: r.stages[1].rate == 3.0),
        ("betas.1=0.99", lambda r: r.betas == (0.9, 0.99)),
        ("names=a,b", lambda r: r.names == ("a", "b")),
        ("betas=[0.5,0.6]", lambda r: r.betas == (0.5, 0.6)),
        ("betas=0.5,0.6", lambda r: r.betas == (0.5, 0.6)),
        ("note=0.5,0.6", lambda r: r.note == "0.5,0.6"),
        ("sources=code,books", lambda r: r.sources == ("code", "books")),
        ("sources=code", lambda r: r.sources == ("code",)),
        ("sources=", lambda r: r.sources == ()),
        ("weights.code=0.25", lambda r: r.weights == {"web": 0.5, "code": 0.25}),
        ("resume=true", lambda r: r.resume is True),
        ("note=123", lambda r: r.note == "123"),
        ("note=a=b", lambda r: r.note == "a=b"),
        ("note=", lambda r: r.note == ""),
        ('model={"steps": 4}', lambda r: r.model == Stage(steps=4)),
        ('stages=[{"steps": 7}]', lambda r: r.stages == (Stage(steps=7),)),
    ],
)
def test_settings_are_typed_by_annotation(setting, read):
    recipe = Recipe()
    changed = apply_settings(recipe, [setting])
    assert read(changed)
    assert recipe == Recipe()
    assert type(changed.stages[0].rate) is float


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("stages", "--set takes name=value, got 'stages'"),
        ("=1", "--set takes name=value, got '=1'"),
        ("stage.0.steps=1", "unknown field of Recipe 'stage'; did you mean 'stages'?"),
        ("stages.0.setps=1", "unknown field of Stage 'setps'; did you mean 'steps'?"),
        ("stages.2.steps=1", "'2' is not an index below 2"),
        ("stages.0.steps=many", "expected int, got 'many'"),
        ("resume=yes", "resume: expected bool, got 'yes'"),
        ("weights.web=2", "weights sum to more than 1"),
        ("note.x=1", "'x' lies below a str, which has no fields"),
        ("betas=[1]", "expected 2 values"),
        ("betas=0.5,a", "expected a list, got '0.5,a'"),
        ("kind=1", "unknown field of Recipe 'kind'"),
    ],
)
def test_bad_settings_say_what_is_wrong(setting, message):
    with pytest.raises(RecipeError) as caught:
        apply_settings(Recipe(), [setting])
    assert message in str(caught.value)
    assert caught.value.exit_code == 2


FILE = """
from dataclasses import dataclass

@dataclass(frozen=True, kw_only=True)
class Mine:
    steps: int = 3

def quick():
    return Mine()

def wrong():
    return "text"
"""


def test_a_recipe_comes_from_a_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    recipe = load_recipe(f"{path}:quick", object, ["steps=5"])
    assert dataclasses.asdict(recipe) == {"steps": 5}
    with pytest.raises(RecipeError, match="returned a str, but a Recipe is needed"):
        load_recipe(f"{path}:wrong", Recipe)
    with pytest.raises(RecipeError, match="unknown recipe 'quik'; did you mean 'quick'"):
        load_recipe(f"{path}:quik", object)
    path.write_text("def broken(:\n")
    with pytest.raises(RecipeError, match=r"mine\.py:1: "):
        load_recipe(f"{path}:quick", object)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("quick", "named module:function or file.py:function"),
        ("missing.py:quick", "missing.py: no such recipe file"),
        ("no_such_package.recipes:base", "no module 'no_such_package.recipes'"),
        ("xgen_core.recipe:lod_recipe", "did you mean 'load_recipe'"),
    ],
)
def test_a_recipe_that_is_not_there(name, message):
    with pytest.raises(RecipeError) as caught:
        load_recipe(name, object)
    assert message in str(caught.value)


def test_a_resolved_recipe_reads_back_and_keeps_its_fingerprint():
    recipe = Recipe(model=Stage(steps=3))
    values = {
        "stages": [{"steps": 1}, {"steps": 2}],
        "model": {"steps": 3},
    }
    assert load_settings(Recipe, values, "run.json") == recipe
    assert fingerprint(recipe) == fingerprint(load_settings(Recipe, values, "run.json"))
    assert fingerprint(recipe) != fingerprint(Recipe())
    with pytest.raises(RecipeError, match=r"^run\.json: model\.steps: expected int"):
        load_settings(Recipe, {"model": {"steps": "x"}}, "run.json")
