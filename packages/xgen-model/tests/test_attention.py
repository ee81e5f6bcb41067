"""All attention implementations compute one function, gradients included."""

import functools
from importlib.util import find_spec

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xgen_model.attention import IMPLEMENTATIONS, attention
from xgen_model.attention.cudnn import cudnn
from xgen_model.attention.splash import splash


def inputs(time, heads=4, size=8):
    random = np.random.default_rng(1)
    q = random.standard_normal((2, time, heads, size))
    k, v = random.standard_normal((2, 2, time, 2, size))
    # documents longer than a block of chunked attention in the first row, shorter in the second
    segments = np.cumsum(random.random((2, time)) < [[0.002], [0.03]], axis=1) + 1
    segments[1, -20:] = 0
    return *(jnp.asarray(a, jnp.float32) for a in (q, k, v)), marks(segments)


def marks(segments):
    positions = np.zeros_like(segments)
    for t in range(1, segments.shape[1]):
        same = segments[:, t] == segments[:, t - 1]
        positions[:, t] = np.where(same, positions[:, t - 1] + 1, 0)
    segments, positions = jnp.asarray(segments, jnp.int32), jnp.asarray(positions, jnp.int32)
    return {"segments": segments, "positions": positions}


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


def both_passes(q, k, v, **arguments):
    """Output, and gradients of a weighted sum of it."""
    weights = jnp.asarray(np.random.default_rng(2).standard_normal(q.shape), jnp.float32)

    def f(q, k, v):
        out = attention(q, k, v, **arguments)
        return jnp.sum(out * weights), out

    (_, out), gradients = jax.jit(jax.value_and_grad(f, argnums=(0, 1, 2), has_aux=True))(q, k, v)
    return out, *gradients


def assert_equal(found, expected, atol=2e-5):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=atol)


def test_reference_follows_the_definition():
    q, k, v, segments = inputs(40)
    found = attention(q, k, v, **segments, implementation="reference")
    np.testing.assert_allclose(found, by_hand(q, k, v, segments["segments"]), atol=1e-6)


@pytest.mark.parametrize("slopes", [None, np.asarray([0.5, 0.25, 0.125, 0.0625], np.float32)])
def test_chunked_is_the_reference(slopes):
    # 600 is three blocks, the last one filled up
    q, k, v, segments = inputs(600)
    arguments = {**segments, "slopes": slopes}
    found = both_passes(q, k, v, **arguments, implementation="chunked")
    expected = both_passes(q, k, v, **arguments, implementation="reference")
    assert_equal(found, expected)


def test_splash_is_the_reference():
    # 200 is two blocks of 128 keys, the last one filled up
    q, k, v, segments = inputs(200)
    interpreted = functools.partial(splash, interpret=True)
    found = both_passes(q, k, v, **segments, implementation=interpreted)
    expected = both_passes(q, k, v, **segments, implementation="reference")
    assert_equal(found, expected)


def test_chunked_needs_no_square():
    def temporary(time):
        row = jax.ShapeDtypeStruct((1, time), jnp.int32)
        x = jax.ShapeDtypeStruct((1, time, 2, 16), jnp.float32)

        def f(q, k, v, row):
            four = dict.fromkeys(marks(np.zeros((1, 1), int)), row)
            return jnp.sum(attention(q, k, v, **four, implementation="chunked"))

        compiled = jax.jit(jax.grad(f, argnums=(0, 1, 2))).lower(x, x, x, row).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    assert temporary(8192) < 4.5 * temporary(2048)


def test_what_is_hidden_is_not_even_read():
    # a weight of zero times nan is nan, so only what is left out altogether leaves no trace
    q, k, v, _ = inputs(1024)
    packed = marks(np.repeat([[1, 2], [1, 2]], 512, axis=1))
    run = jax.jit(functools.partial(attention, **packed, implementation="chunked"))
    other_document = run(q, k.at[:, :512].set(jnp.nan), v.at[:, :512].set(jnp.nan))
    assert jnp.all(jnp.isfinite(other_document[:, 512:]))
    future = run(q, k.at[:, 768:].set(jnp.nan), v.at[:, 768:].set(jnp.nan))
    assert jnp.all(jnp.isfinite(future[:, :768]))


def test_half_precision_keeps_a_full_softmax():
    q, k, v, segments = inputs(300)
    half = [x.astype(jnp.bfloat16) for x in (q, k, v)]
    found = both_passes(*half, **segments, implementation="chunked")
    expected = both_passes(*(x.astype(jnp.float32) for x in half), **segments)
    assert all(x.dtype == jnp.bfloat16 for x in found)
    assert_equal((x.astype(jnp.float32) for x in found), expected, atol=0.05)


def test_packed_documents_give_what_separate_ones_give():
    lengths = (170, 90, 44)
    random = np.random.default_rng(3)
    q = jnp.asarray(random.standard_normal((1, sum(lengths), 4, 8)), jnp.float32)
    k, v = jnp.asarray(random.standard_normal((2, 1, sum(lengths), 2, 8)), jnp.float32)
    chunked = jax.jit(functools.partial(attention, implementation="chunked"))
    reference = jax.jit(functools.partial(attention, implementation="reference"))
    packed = chunked(q, k, v, **marks(np.repeat([1, 2, 3], lengths)[None]))
    ends = np.cumsum(lengths)
    for start, end in zip(ends - lengths, ends, strict=True):
        one = marks(np.ones((1, end - start), int))
        alone = reference(*(x[:, start:end] for x in (q, k, v)), **one)
        np.testing.assert_allclose(packed[:, start:end], alone, atol=2e-6)


def test_the_call_of_cudnn_is_the_reference():
    q, k, v, segments = inputs(96, size=16)
    half = [x.astype(jnp.bfloat16) for x in (q, k, v)]
    by_xla = functools.partial(cudnn, backend="xla")
    found = attention(*half, **segments, implementation=by_xla)
    expected = attention(*half, **segments, implementation="reference")
    np.testing.assert_allclose(*(x.astype(jnp.float32) for x in (found, expected)), atol=0.03)


@pytest.mark.skipif(
    not any(find_spec(f"jax_cuda{n}_plugin") for n in (12, 13)),
    reason="tracing cuDNN attention needs its library: pip install 'xgen-model[cuda]'",
)
def test_cudnn_lowers_for_a_gpu():
    q, k, v, segments = inputs(128, size=64)

    def f(q, k, v):
        out = attention(q, k, v, **segments, implementation="cudnn")
        return jnp.sum(out.astype(jnp.float32))

    half = (x.astype(jnp.bfloat16) for x in (q, k, v))
    traced = jax.jit(jax.grad(f, argnums=(0, 1, 2))).trace(*half)
    text = traced.lower(lowering_platforms=("cuda",)).as_text()
    assert "__cudnn$fmha" in text
    assert "Backward" in text


@pytest.mark.parametrize(
    ("name", "slopes", "reason"),
    [
        ("cudnn", None, "bfloat16 or float16"),
        ("splash", np.ones(4, np.float32), "no linear biases"),
        ("flash", None, "known: auto, reference, chunked, splash, cudnn"),
    ],
)
def test_what_cannot_be_done_is_refused(name, slopes, reason):
    q, k, v, segments = inputs(8)
    with pytest.raises(ValueError, match=reason):
        attention(q, k, v, **segments, slopes=slopes, implementation=name)


def test_every_name_is_a_configuration():
    from typing import get_args, get_type_hints

    from xgen_model import ModelConfig

    names = get_args(get_type_hints(ModelConfig)["attention"])
    assert set(names) == {"auto", *IMPLEMENTATIONS}
