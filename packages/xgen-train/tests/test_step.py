import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xgen_core import Batch
from xgen_model import ModelConfig, create, make_mesh
from xgen_train import (
    GuardRecipe,
    LanguageModelling,
    OptimizerRecipe,
    RunRecipe,
    TrainState,
    abstract_state,
    compile_step,
    fresh_state,
)

ROWS, TIME = 8, 16


def tiny(**changes: object) -> RunRecipe:
    recipe = RunRecipe(
        model=ModelConfig(
            vocab_size=64,
            n_tokens=64,
            d_model=16,
            n_layers=2,
            n_heads=2,
            n_kv_heads=2,
            d_ff=32,
            context_length=TIME,
        ),
        optimizer=OptimizerRecipe(learning_rate=1e-2, warmup_steps=0, schedule="constant"),
    )
    return dataclasses.replace(recipe, **changes)


def batch(seed: int = 0) -> Batch[jax.Array]:
    """Rows in which ever fewer tokens count, one of them without any."""
    random = np.random.default_rng(seed)
    ids = random.integers(0, 64, (2, ROWS, TIME), dtype=np.int32)
    ones = np.ones((ROWS, TIME), np.int32)
    positions = np.broadcast_to(np.arange(TIME, dtype=np.int32), (ROWS, TIME))
    mask = (np.arange(TIME)[None, :] < 2 * np.arange(ROWS)[:, None]).astype(np.int32)
    return Batch(*(jnp.asarray(x) for x in (ids[0], ids[1], ones, positions, mask)))


def run(recipe: RunRecipe, steps: int = 1, z_loss: float = 0.0) -> tuple[TrainState, list]:
    objective = LanguageModelling(config=recipe.model, z_loss=z_loss)
    step = compile_step(objective, recipe, 10, make_mesh())
    state, seen = fresh_state(recipe, create(recipe.model, 0)), []
    for number in range(steps):
        state, metrics = step(state, batch(number))
        seen.append(jax.device_get(metrics))
    return state, seen


def largest_difference(a: object, b: object) -> float:
    apart = jax.tree.map(lambda x, y: float(np.abs(np.asarray(x) - np.asarray(y)).max()), a, b)
    return max(jax.tree.leaves(apart))


@pytest.mark.parametrize("micro_batches", [2, 8])
def test_micro_batches_of_uneven_token_counts_equal_one_big_batch(micro_batches: int) -> None:
    whole, said = run(tiny(), z_loss=1e-2)
    parts, said_in_parts = run(tiny(micro_batches=micro_batches), z_loss=1e-2)
    # Adam's first moment is a tenth of the clipped gradient: the gradient itself, not its sign
    assert largest_difference(whole.optimizer[0].mu, parts.optimizer[0].mu) < 1e-7
    assert said[0].loss == pytest.approx(said_in_parts[0].loss, rel=1e-6)
    assert said[0].gradient_norm == pytest.approx(said_in_parts[0].gradient_norm, rel=1e-6)
    for name, rows in said[0].rows.items():  # in the order of the batch, not of its parts
        np.testing.assert_allclose(rows, said_in_parts[0].rows[name], rtol=1e-5)


def test_the_z_loss_is_minimised_and_logged_apart() -> None:
    with_z, without = LanguageModelling(config=tiny().model, z_loss=1e-2), tiny().model
    params = create(without, 0)
    rows = with_z.sums(params, batch()).rows
    values = with_z.values({n: np.asarray(x) for n, x in rows.items()})
    plain = LanguageModelling(config=without).values({n: np.asarray(x) for n, x in rows.items()})
    assert values["loss"] == plain["loss"]
    assert values["z_loss"] == pytest.approx(1e-2 * float(rows["z"].sum() / rows["tokens"].sum()))
    assert "z_loss" not in plain


def test_what_is_not_trained_stays_and_has_no_moments() -> None:
    recipe = tiny(trained=("layers.mlp.*.kernel",))
    state, _ = run(recipe)
    before = create(recipe.model, 0)
    assert state.trained["embedding"] is None
    np.testing.assert_array_equal(state.params["embedding"], before["embedding"])
    kernel = state.params["layers"]["mlp"]["up"]["kernel"]
    assert not np.array_equal(kernel, before["layers"]["mlp"]["up"]["kernel"])
    assert state.optimizer[0].mu["embedding"] is None


def test_a_refused_update_changes_nothing_but_the_clock() -> None:
    recipe = tiny(guard=GuardRecipe(window=4, sigmas=0))
    objective = LanguageModelling(config=recipe.model)
    step = compile_step(objective, recipe, 10, make_mesh())
    state, _ = step(fresh_state(recipe, create(recipe.model, 0)), batch())
    sound = jax.device_get(state)
    broken = state._replace(
        trained={**state.trained, "embedding": state.trained["embedding"].at[0, 0].set(jnp.nan)}
    )
    held = jax.device_get(broken)
    after, metrics = step(broken, batch(1))
    assert not metrics.applied
    assert metrics.refused == 1
    assert after.step == 2
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(after.trained), held.trained)
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(after.optimizer), sound.optimizer)
    assert after.guard.seen == 1  # what is not finite does not become usual


def test_muon_turns_matrices_and_leaves_the_rest_to_adam() -> None:
    muon = dataclasses.replace(tiny().optimizer, kind="muon", weight_decay=0.0, learning_rate=1.0)
    recipe = tiny(optimizer=muon)
    state, _ = run(recipe)
    before = create(recipe.model, 0)
    moved = np.asarray(state.params["layers"]["mlp"]["up"]["kernel"]) - np.asarray(
        before["layers"]["mlp"]["up"]["kernel"]
    )
    for layer in moved / (0.2 * 32**0.5):
        values = np.linalg.svd(layer, compute_uv=False)
        assert values.min() > 0.5  # nearly orthogonal, as Newton-Schulz is
        assert values.max() < 1.3
    moved = np.asarray(state.params["final_norm"]["scale"] - before["final_norm"]["scale"])
    np.testing.assert_allclose(np.abs(moved), 1.0, rtol=1e-2)  # Adam's first step is a sign


def test_the_layout_puts_moments_where_their_parameters_are() -> None:
    for kind in ("adamw", "muon"):
        recipe = tiny(optimizer=dataclasses.replace(tiny().optimizer, kind=kind))
        layout = abstract_state(recipe, make_mesh())
        real = fresh_state(recipe, create(recipe.model, 0))
        assert jax.tree.structure(layout) == jax.tree.structure(real)
        assert [x.shape for x in jax.tree.leaves(layout)] == [
            x.shape for x in jax.tree.leaves(real)
        ]
