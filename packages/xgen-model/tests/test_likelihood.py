"""Log-likelihoods through the vocabulary in blocks, against the definition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xgen_model.likelihood import likelihood

ROWS, TIME, WIDTH, VOCABULARY, IDS = 2, 5, 8, 50, 47


@pytest.fixture(scope="module")
def given():
    keys = jax.random.split(jax.random.key(0), 6)
    hidden = jax.random.normal(keys[0], (ROWS, TIME, WIDTH))
    kernel = jax.random.normal(keys[1], (WIDTH, VOCABULARY))
    bias = jax.random.normal(keys[2], (VOCABULARY,))
    targets = jax.random.randint(keys[3], (ROWS, TIME), 0, IDS)
    weights = jax.random.normal(keys[4], (2, ROWS, TIME))
    return hidden, kernel, bias, targets, weights


def by_definition(hidden, kernel, bias, targets):
    logits = (hidden @ kernel + (0.0 if bias is None else bias))[..., :IDS]
    log_z = jax.nn.logsumexp(logits, axis=-1)
    chosen = jnp.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    return chosen - log_z, log_z, jnp.argmax(logits, axis=-1) == targets


# all at once; two blocks; blocks of which the last is filled up; one id a block
@pytest.mark.parametrize("chunk", [0, 10, 5, 4, 3, 1])
@pytest.mark.parametrize("with_bias", [True, False])
def test_values_and_gradients_are_those_of_the_definition(given, chunk, with_bias):
    hidden, kernel, bias, targets, weights = given
    bias = bias if with_bias else None

    def total(function):
        def weighed(hidden, kernel, bias):
            logprob, log_z, greedy = function(hidden, kernel, bias, targets)
            return jnp.sum(weights[0] * logprob + weights[1] * log_z**2), (logprob, log_z, greedy)

        return jax.jit(jax.value_and_grad(weighed, argnums=(0, 1, 2), has_aux=True))

    def in_blocks(*arrays):
        return likelihood(*arrays, n_tokens=IDS, chunk=chunk)

    (_, found), gradients = total(in_blocks)(hidden, kernel, bias)
    (_, wanted), expected = total(by_definition)(hidden, kernel, bias)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    for a, b in zip(jax.tree.leaves(gradients), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-5)
    # ids that no tokenizer has get no gradient
    assert not np.any(np.asarray(gradients[1])[:, IDS:])


def test_of_equal_logits_the_lowest_id_is_the_likeliest(given):
    hidden, kernel, *_ = given
    targets = jnp.zeros((ROWS, TIME), jnp.int32)
    for chunk in (0, 4):
        even = likelihood(hidden, jnp.zeros_like(kernel), None, targets, n_tokens=IDS, chunk=chunk)
        assert np.all(even.greedy)
        np.testing.assert_allclose(even.logprob, -np.log(IDS), rtol=1e-6)
        later = likelihood(
            hidden, jnp.zeros_like(kernel), None, targets + 1, n_tokens=IDS, chunk=chunk
        )
        assert not np.any(later.greedy)


def test_large_logits_do_not_overflow(given):
    hidden, kernel, _, targets, _ = given
    found = likelihood(1e4 * hidden, kernel, None, targets, n_tokens=IDS, chunk=4)
    assert np.all(np.isfinite(found.logprob))
    assert np.all(found.logprob <= 0)
