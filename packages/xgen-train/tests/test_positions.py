import jax.numpy as jnp
import numpy as np

from xgen_core import Batch
from xgen_model import ModelConfig, create, make_mesh, token_logprobs
from xgen_train.positions import PositionSums


def test_a_bin_holds_the_mean_loss_of_its_positions() -> None:
    config = ModelConfig(
        vocab_size=32,
        n_tokens=32,
        d_model=8,
        n_layers=1,
        n_heads=2,
        n_kv_heads=2,
        d_ff=16,
        context_length=16,
    )
    params = create(config, 0)
    random = np.random.default_rng(0)
    inputs, targets = random.integers(0, 32, (2, 3, 16), dtype=np.int32)
    segments = np.ones((3, 16), np.int32)
    segments[:, 11:] = 2  # a second document, whose positions begin again
    positions = np.broadcast_to(np.r_[0:11, 0:5].astype(np.int32), (3, 16))
    mask = np.ones((3, 16), np.int32)
    mask[0, 2] = 0
    batch = Batch(*(jnp.asarray(x) for x in (inputs, targets, segments, positions, mask)))
    sums = PositionSums(config, 16, make_mesh())
    curve = sums.curve(sums.of(params, batch) + sums.of(params, batch))
    assert curve.first == [0, 1, 2, 3, 5, 7]
    assert sum(curve.tokens) == 2 * (3 * 16 - 1)
    nll = -np.asarray(token_logprobs(config, params, batch).logprob)
    edges = [*curve.first, 16]
    for low, high, loss in zip(edges, edges[1:], curve.loss, strict=False):
        chosen = (positions >= low) & (positions < high) & (mask == 1)
        np.testing.assert_allclose(loss, nll[chosen].mean(), rtol=1e-5)
