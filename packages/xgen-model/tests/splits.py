"""Run by test_sharding on 8 virtual devices: loss and gradients on several meshes against one."""

import jax
import jax.numpy as jnp
import numpy as np

from xgen_core import Batch
from xgen_model import ModelConfig, batch_sharding, create, loss, make_mesh, shardings

config = ModelConfig(
    vocab_size=128,
    n_tokens=120,
    d_model=64,
    n_layers=2,
    n_heads=8,
    n_kv_heads=8,
    d_ff=64,
    context_length=32,
    scan_layers=True,
)
random = np.random.default_rng(0)
ids = random.integers(0, 120, (8, 17)).astype(np.int32)
segments = np.repeat([[1] * 9 + [2] * 7], 8, axis=0).astype(np.int32)
positions = np.repeat([[*range(9), *range(7)]], 8, axis=0).astype(np.int32)
batch = Batch(ids[:, :-1], ids[:, 1:], segments, positions, np.ones((8, 16), np.int32))


@jax.jit
def gradient(params, batch):
    return jax.value_and_grad(lambda p: loss(config, p, batch).nll / 128)(params)


single = create(config, 0)
expected = jax.device_get(gradient(single, jax.tree.map(jnp.asarray, batch)))
MESHES = {
    "fsdp": {"fsdp": 8},
    "mixed": {"data": 2, "fsdp": 2, "tensor": 2},
}
for name, shape in MESHES.items():
    mesh = make_mesh(shape)
    where = shardings(config, mesh)
    if name == "mixed":
        params = create(config, 0, shardings=where)  # made in place, by each device its part
    else:
        params = jax.device_put(single, where)
    for leaf, sharding in zip(jax.tree.leaves(params), jax.tree.leaves(where), strict=True):
        assert leaf.sharding == sharding, (name, leaf.sharding, sharding)
    query = params["layers"]["attention"]["query"]["kernel"]
    assert query.addressable_shards[0].data.size < query.size, name
    found = jax.device_get(gradient(params, jax.device_put(batch, batch_sharding(mesh))))
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        difference = np.max(np.abs(a - b)) / np.max(np.abs(b))
        assert difference < 1e-5, (name, difference)
    print(name)
