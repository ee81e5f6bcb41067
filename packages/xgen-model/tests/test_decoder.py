"""What a decoder and its loss promise."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xgen_model import abstract_params, create, forward, logits, loss, token_logprobs

TIME = 24


@pytest.fixture(scope="module")
def gradient():
    """Compiled summed loss and its gradient; one compilation a configuration."""

    @partial(jax.jit, static_argnums=0)
    def run(config, params, batch):
        def total(params):
            sums = loss(config, params, batch)
            return sums.nll + 1e-3 * sums.z, sums

        (_, sums), gradients = jax.value_and_grad(total, has_aux=True)(params)
        return sums, gradients

    return run


@pytest.fixture(scope="module")
def hidden():
    @partial(jax.jit, static_argnums=0)
    def run(config, params, batch):
        return forward(config, params, batch.inputs, batch.positions, batch.segment_ids)

    return run


@pytest.fixture(scope="module")
def batch(make_batch):
    return make_batch(np.random.default_rng(0).integers(0, 257, (2, TIME + 1)))


def assert_close(found, expected, tolerance=2e-5):
    """Every leaf within `tolerance` of the largest element of its counterpart."""

    def check(a, b):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        assert np.max(np.abs(a - b)) <= tolerance * max(np.max(np.abs(b)), 1e-6)

    jax.tree.map(check, found, expected)


def test_packed_documents_are_as_if_alone(make_batch, config, params, gradient):
    random = np.random.default_rng(3)
    first, second = random.integers(0, 257, 11), random.integers(0, 257, 13)
    filler = random.integers(0, 257, TIME)
    # Rows are [t + 1]; targets across the edge, and the last ones, are masked.
    packed = make_batch(
        np.stack([np.append(np.append(first, second), 0), np.append(filler, 0)]),
        segments=[[1] * 11 + [2] * 13, [0] * 24],
        mask=[[1] * 10 + [0] + [1] * 12 + [0], [0] * 24],
    )
    alone = make_batch(
        np.stack([np.append(first, filler[:14]), np.append(second, filler[:12])]),
        segments=[[1] * 11 + [0] * 13, [1] * 13 + [0] * 11],
        mask=[[1] * 10 + [0] * 14, [1] * 12 + [0] * 12],
    )
    found, expected = gradient(config, params, packed), gradient(config, params, alone)
    assert float(found[0].tokens) == 22
    assert_close(found, expected)


def test_masked_targets_count_nowhere(config, params, gradient, batch):
    mask = np.ones((2, TIME), np.int32)
    mask[0, 3:9] = 0
    once = batch._replace(loss_mask=jnp.asarray(mask))
    other = once._replace(targets=once.targets.at[0, 3:9].set(7))
    a, b = gradient(config, params, once), gradient(config, params, other)
    jax.tree.map(np.testing.assert_array_equal, a, b)
    nothing = gradient(config, params, batch._replace(loss_mask=jnp.zeros_like(batch.loss_mask)))
    assert all(not np.any(leaf) for leaf in jax.tree.leaves(nothing))


def test_loss_is_a_sum_that_scores_add_up_to(config, params, gradient, batch):
    sums, _ = gradient(config, params, batch)
    scores = jax.jit(token_logprobs, static_argnums=0)(config, params, batch)
    assert float(sums.nll) == pytest.approx(-float(jnp.sum(scores.logprob)), rel=1e-5)
    assert float(sums.tokens) == 2 * TIME
    assert float(sums.nll) / (2 * TIME) > 1  # far from certain of random bytes


def test_no_position_sees_the_future(config, params, hidden, batch):
    changed = batch._replace(inputs=batch.inputs.at[:, 15].add(1) % 257)
    before, after = hidden(config, params, batch), hidden(config, params, changed)
    np.testing.assert_array_equal(before[:, :15], after[:, :15])
    assert not np.allclose(before[:, 15:], after[:, 15:], atol=1e-3)


def test_only_relative_positions_matter(config, params, hidden, batch):
    moved = batch._replace(positions=batch.positions + 50)
    assert_close(hidden(config, params, moved), hidden(config, params, batch), 1e-4)
    stretched = batch._replace(positions=batch.positions * 2)
    difference = hidden(config, params, stretched) - hidden(config, params, batch)
    assert np.max(np.abs(difference)) > 1e-2


@pytest.mark.parametrize(
    "change",
    [
        {"scan_layers": True, "remat": "full", "loss_chunk": 7},
        {"remat": "dots", "loss_chunk": 0},
        {"remat": "attention", "scan_layers": True},
    ],
    ids=["scan, full remat, chunks", "dots remat, whole", "scan, attention kept"],
)
def test_how_it_is_compiled_changes_nothing(config, params, gradient, batch, change):
    found = gradient(replace(config, **change), params, batch)
    assert_close(found, gradient(config, params, batch))


def test_bfloat16_is_close(config, params, hidden, batch):
    narrow = hidden(replace(config, dtype="bfloat16"), params, batch)
    assert narrow.dtype == jnp.bfloat16
    wide = hidden(config, params, batch)
    assert float(jnp.mean(jnp.abs(narrow - wide))) < 0.03 * float(jnp.mean(jnp.abs(wide)))


def test_rows_that_no_tokenizer_has_are_never_likely(config, params):
    values = logits(config, params, jnp.ones((1, config.d_model)))
    assert values.dtype == jnp.float32
    assert float(jnp.max(values[:, config.n_tokens :])) < -1e29
    assert float(jnp.min(values[:, : config.n_tokens])) > -1e3


def test_fresh_parameters(config):
    made = create(config, 5)
    jax.tree.map(
        lambda a, b: (a.shape, a.dtype) == (b.shape, b.dtype), made, abstract_params(config)
    )
    again = create(config, 5)
    jax.tree.map(np.testing.assert_array_equal, made, again)
    assert not np.array_equal(made["embedding"], create(config, 6)["embedding"])
    query, output = (
        made["layers"]["attention"]["query"]["kernel"],
        made["layers"]["attention"]["output"]["kernel"],
    )
    assert float(jnp.std(query)) == pytest.approx(0.02, rel=0.1)
    assert float(jnp.std(output)) == pytest.approx(0.02 / 2, rel=0.1)  # sqrt(2 · 2 layers)
    assert not np.array_equal(query[0], query[1])
