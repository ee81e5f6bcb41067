"""LoRA, soft prompts, and what is trained of a model."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xgen_core import InputError
from xgen_model import (
    Lora,
    abstract_params,
    add_lora,
    add_soft_prompt,
    forward,
    join,
    loss,
    merge_lora,
    split,
    trained_mask,
    with_soft_prompt,
)

EVERY = Lora(rank=3, alpha=6, targets=("query", "key", "value", "output", "gate", "up", "down"))


@pytest.fixture(scope="module")
def batch(make_batch):
    segments = [[1] * 9 + [2] * 15, [1] * 20 + [0] * 4]
    return make_batch(np.random.default_rng(0).integers(0, 257, (2, 25)), segments)


@partial(jax.jit, static_argnums=0)
def hidden(config, params, batch):
    return forward(config, params, batch.inputs, batch.positions, batch.segment_ids)


def names(tree):
    flat = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {"/".join(k.key for k in path): leaf for path, leaf in flat}


def trained_adapters(config, params):
    """As after training: neither A nor B is zero."""
    wider, fresh = add_lora(config, params, EVERY, seed=1)
    random = np.random.default_rng(2)

    def filled(path, leaf):
        return leaf + 0.2 * random.normal(size=leaf.shape) * (path[-1].key == "lora_b")

    return wider, jax.tree_util.tree_map_with_path(filled, fresh)


def test_fresh_adapters_change_nothing_and_trained_ones_do(config, params, batch):
    wider, fresh = add_lora(config, params, EVERY, seed=1)
    assert jax.tree.map(jnp.shape, fresh) == jax.tree.map(jnp.shape, abstract_params(wider))
    np.testing.assert_array_equal(hidden(wider, fresh, batch), hidden(config, params, batch))
    wider, tuned = trained_adapters(config, params)
    assert np.max(np.abs(hidden(wider, tuned, batch) - hidden(config, params, batch))) > 0.1
    added = {n for n in names(fresh) if "lora" in n}
    assert len(added) == 14
    assert all(np.any(a) == n.endswith("lora_a") for n, a in names(fresh).items() if n in added)


def test_merging_computes_the_same(config, params, batch):
    wider, tuned = trained_adapters(config, params)
    plain, merged = merge_lora(wider, tuned)
    assert plain == config
    assert names(merged).keys() == names(params).keys()
    found, expected = hidden(plain, merged, batch), hidden(wider, tuned, batch)
    np.testing.assert_allclose(found, expected, atol=2e-5 * np.max(np.abs(expected)))
    assert merge_lora(config, params) == (config, params)


def test_rank_stabilised_scale():
    assert Lora(rank=4, alpha=8).scale == 2
    assert Lora(rank=4, alpha=8, rank_stabilised=True).scale == 4


def test_a_soft_prompt_stands_before_every_packed_document(config, params, batch, make_batch):
    wider, tuned = add_soft_prompt(config, params, 3, seed=4)
    longer = with_soft_prompt(wider, jax.tree.map(np.asarray, batch), documents=2)
    assert longer.inputs.shape == (2, 24 + 2 * 3)
    assert longer.inputs[0, :4].tolist() == [384, 385, 386, int(batch.inputs[0, 0])]
    assert longer.positions[0, 12:16].tolist() == [0, 1, 2, 3]
    assert int(longer.loss_mask.sum()) == int(batch.loss_mask.sum())
    # The second document alone, its prompt written out by hand.
    alone = np.concatenate([[384, 385, 386], np.asarray(batch.inputs[0, 9:]), np.zeros(12, int)])
    single = make_batch(np.append(alone, 0)[None].repeat(2, 0), [[1] * 18 + [0] * 12] * 2)
    found = hidden(wider, tuned, jax.tree.map(jnp.asarray, longer))[0, 12:30]
    expected = hidden(wider, tuned, single)[0, :18]
    np.testing.assert_allclose(found, expected, atol=2e-5)
    with pytest.raises(ValueError, match="2 documents"):
        with_soft_prompt(wider, jax.tree.map(np.asarray, batch), documents=1)


def test_a_soft_prompt_of_known_tokens_begins_as_those(config, params, batch):
    wider, tuned = add_soft_prompt(config, params, [72, 105])
    virtual = hidden(wider, tuned, batch._replace(inputs=batch.inputs.at[:, :2].set([384, 385])))
    real = hidden(wider, tuned, batch._replace(inputs=batch.inputs.at[:, :2].set([72, 105])))
    np.testing.assert_array_equal(virtual, real)


def test_only_the_selection_gets_gradients(config, params, batch):
    wider, tuned = trained_adapters(config, params)
    mask = trained_mask(tuned, ("qkv",))
    trained, frozen = split(tuned, mask)
    chosen = names(trained)
    assert {n.rsplit("/", 1)[0] for n in chosen} == {
        f"layers/attention/{p}" for p in ("query", "key", "value")
    }
    gradient = jax.jit(jax.grad(lambda half: loss(wider, join(half, frozen), batch).nll))(trained)
    whole = jax.jit(jax.grad(lambda tree: loss(wider, tree, batch).nll))(tuned)
    assert names(gradient).keys() == chosen.keys()
    for name, found in names(gradient).items():
        expected = names(whole)[name]
        assert np.max(np.abs(found - expected)) <= 1e-5 * np.max(np.abs(expected)), name
    same = jax.tree.map(lambda a, b: a is b, join(trained, frozen), tuned)
    assert all(jax.tree.leaves(same))
    assert len(names(split(tuned, trained_mask(tuned, ("lora",)))[0])) == 14
    paths = ("layers.mlp.*.kernel", "embedding")
    assert len(names(split(tuned, trained_mask(tuned, paths))[0])) == 4


def test_what_does_not_exist_is_refused(config, params):
    with pytest.raises(InputError, match="nothing in this model matches"):
        trained_mask(params, ("lora",))
    with pytest.raises(ValueError, match="no projections"):
        replace(config, lora=Lora(targets=("query", "wide")))
    with pytest.raises(ValueError, match="no projections gate"):
        replace(config, block="bloom", lora=Lora(targets=("gate",)))
    wider, tuned = add_lora(config, params, EVERY, seed=1)
    with pytest.raises(ValueError, match="already"):
        add_lora(wider, tuned, EVERY, seed=1)
    with pytest.raises(ValueError, match="at least one"):
        add_soft_prompt(config, params, [])
