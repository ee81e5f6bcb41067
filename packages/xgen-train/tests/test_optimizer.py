import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xgen_model import create
from xgen_train import OptimizerRecipe, build_optimizer, learning_rate
from xgen_train.optimizer import decays
from xgen_train.recipes import quickstart


def test_cosine_climbs_peaks_and_ends_at_its_fraction() -> None:
    rate = learning_rate(OptimizerRecipe(learning_rate=1.0, warmup_steps=10), 110)
    values = [float(rate(step)) for step in range(111)]
    assert values[0] == pytest.approx(0.1)
    assert values[9] == pytest.approx(1.0)
    assert max(values) == pytest.approx(1.0)
    assert values[60] == pytest.approx(0.1 + 0.9 * 0.5, abs=1e-6)
    assert values[110] == pytest.approx(0.1)


def test_wsd_is_flat_and_then_falls_over_its_last_fraction() -> None:
    recipe = OptimizerRecipe(
        learning_rate=1.0, warmup_steps=10, schedule="wsd", decay_fraction=0.2, final_fraction=0.0
    )
    rate = learning_rate(recipe, 100)
    values = [float(rate(step)) for step in range(101)]
    assert values[10:80] == pytest.approx([1.0] * 70)
    assert values[90] == pytest.approx(0.5)
    assert values[100] == pytest.approx(0.0)


def test_constant_stays() -> None:
    rate = learning_rate(OptimizerRecipe(learning_rate=0.5, warmup_steps=0, schedule="constant"), 9)
    assert [float(rate(step)) for step in (0, 5, 9)] == [0.5, 0.5, 0.5]


def test_warmup_must_leave_something() -> None:
    with pytest.raises(ValueError, match="leaves nothing"):
        learning_rate(OptimizerRecipe(warmup_steps=5), 5)


def test_decay_spares_norm_scales_by_name() -> None:
    params = create(quickstart.smoke().model, 0)
    flags = jax.tree_util.tree_map_with_path(lambda path, _: decays(path), params)
    spared = [
        jax.tree_util.keystr(path)
        for path, flag in jax.tree_util.tree_leaves_with_path(flags)
        if not flag
    ]
    assert len(spared) == 3  # before attention, before the MLP, and the final one
    assert all("norm" in name for name in spared)


def test_first_update_equals_adamw_by_hand() -> None:
    optimizer = build_optimizer(OptimizerRecipe(weight_decay=0.5))
    params = {"matrix": jnp.array([2.0, -1.0]), "norm": jnp.array([1.0])}
    gradients = {"matrix": jnp.array([0.6, 0.0]), "norm": jnp.array([0.8])}
    updates, _ = optimizer.update(gradients, optimizer.init(params), params)
    # Adam's first direction is the gradient's sign; decay adds 0.5·w to matrices
    np.testing.assert_allclose(updates["matrix"], [1.0 + 1.0, -0.5], 1e-5)
    np.testing.assert_allclose(updates["norm"], [1.0], 1e-5)
