"""All attention implementations compute one function, gradients included."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xgen_model.attention import IMPLEMENTATIONS, attention


def inputs(time):
    random = np.random.default_rng(1)
    q = random.standard_normal((2, time, 4, 8))
    k, v = random.standard_normal((2, 2, time, 2, 8))
    segments = np.cumsum(random.random((2, time)) < 0.03, axis=1) + 1
    segments[1, -20:] = 0
    return *(jnp.asarray(a, jnp.float32) for a in (q, k, v)), marks(segments)


def marks(segments):
    positions = np.zeros_like(segments)
    for t in range(1, segments.shape[1]):
        same = segments[:, t] == segments[:, t - 1]
        positions[:, t] = np.where(same, positions[:, t - 1] + 1, 0)
    segments, positions = jnp.asarray(segments, jnp.int32), jnp.asarray(positions, jnp.int32)
    return {
        "query_segments": segments,
        "key_segments": segments,
        "query_positions": positions,
        "key_positions": positions,
    }


def by_hand(q, k, v, segments):
    """Straight from the definition, in float64."""
    q, k, v, segments = (np.asarray(a, np.float64) for a in (q, k, v, segments))
    out = np.zeros_like(q)
    for b in range(q.shape[0]):
        for t in range(q.shape[1]):
            seen = [s for s in range(t + 1) if segments[b, s] == segments[b, t]]
            for n in range(q.shape[2]):
                scores = k[b, seen, n // 2] @ q[b, t, n] / np.sqrt(q.shape[3])
                weights = np.exp(scores - scores.max())
                out[b, t, n] = weights / weights.sum() @ v[b, seen, n // 2]
    return out


def test_reference_follows_the_definition():
    q, k, v, segments = inputs(40)
    found = attention(q, k, v, **segments)
    np.testing.assert_allclose(found, by_hand(q, k, v, segments["query_segments"]), atol=1e-6)


@pytest.mark.parametrize("name", [n for n in IMPLEMENTATIONS if n != "reference"])
def test_implementations_agree_with_the_reference(name):
    q, k, v, segments = inputs(300)
    weights = jnp.asarray(np.random.default_rng(2).standard_normal(q.shape), jnp.float32)

    def value(implementation):
        def f(q, k, v):
            out = attention(
                q,
                k,
                v,
                **segments,
                implementation=implementation,
            )
            return jnp.sum(out * weights), out

        return jax.jit(jax.value_and_grad(f, argnums=(0, 1, 2), has_aux=True))(q, k, v)

    (_, out), gradients = value(name)
    (_, expected), expected_gradients = value("reference")
    np.testing.assert_allclose(out, expected, atol=2e-6)
    for found, wanted in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_an_unknown_implementation_is_refused():
    q, k, v, segments = inputs(8)
    with pytest.raises(ValueError, match="known: auto, reference, blocks"):
        attention(q, k, v, **segments, implementation="flash")
