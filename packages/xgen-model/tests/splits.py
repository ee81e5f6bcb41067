"""Loss and gradients on meshes against one device; a program, because it needs its own devices.

    JAX_NUM_CPU_DEVICES=8 python splits.py            a set of meshes in which every axis meets every
    JAX_NUM_CPU_DEVICES=8 python splits.py --all      all 20 factorisations of 8
    JAX_NUM_CPU_DEVICES=2 python splits.py --process I N ADDRESS    as process I of N

Prints the meshes that agreed and ends with an error at the first that does not. One document of
each row crosses the edges of the pieces that time is cut into, the last row ends in padding, query
heads share key heads, and the vocabulary has rows that no tokenizer knows.
"""

import argparse
import itertools

import jax
import jax.numpy as jnp
import numpy as np

from xgen_core import Batch
from xgen_model import ModelConfig, batch_sharding, create, loss, make_mesh, shardings
from xgen_model.mesh import MESH_AXES

ROWS, TIME = 8, 32
TOLERANCE = 1e-5
CONFIG = ModelConfig(
    vocab_size=128,
    n_tokens=120,
    d_model=64,
    n_layers=2,
    n_heads=8,
    n_kv_heads=2,
    d_ff=64,
    context_length=TIME,
    scan_layers=True,
    remat="full",
    loss_chunk=16,
)
SOME = (
    {"fsdp": 8},
    {"sequence": 8},
    {"tensor": 8},
    {"data": 2, "fsdp": 2, "tensor": 2},
    {"data": 2, "fsdp": 2, "sequence": 2},
    {"fsdp": 2, "sequence": 2, "tensor": 2},
)
ACROSS_PROCESSES = ({"fsdp": 2, "sequence": 2}, {"sequence": 2, "tensor": 2})


def all_meshes():
    for sizes in itertools.product((1, 2, 4, 8), repeat=4):
        if np.prod(sizes) == 8:
            yield {a: s for a, s in zip(MESH_AXES, sizes, strict=True) if s > 1}


def make_batch():
    random = np.random.default_rng(0)
    ids = random.integers(0, CONFIG.n_tokens, (ROWS, TIME + 1)).astype(np.int32)
    lengths = ((9, 16, 7), (32,), (5, 27), (13, 19))
    segments = np.stack(
        [np.repeat(np.arange(len(n)) + 1, n) for n in itertools.islice(itertools.cycle(lengths), 8)]
    ).astype(np.int32)
    segments[-1, -6:] = 0
    positions = np.zeros_like(segments)
    for t in range(1, TIME):
        same = segments[:, t] == segments[:, t - 1]
        positions[:, t] = np.where(same, positions[:, t - 1] + 1, 0)
    return Batch(ids[:, :-1], ids[:, 1:], segments, positions, (segments > 0).astype(np.int32))


def objective(params, batch):
    sums = loss(CONFIG, params, batch)
    return sums.nll / sums.tokens


gradient = jax.jit(jax.value_and_grad(objective))


def placed(array, sharding):
    return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])


def largest_difference(found, expected):
    """Of the parts that this process holds, relative to the largest element of the whole."""
    scale = np.max(np.abs(expected))
    return max(
        np.max(np.abs(np.asarray(s.data) - expected[s.index])) / scale
        for s in found.addressable_shards
    )


def check(shape, single, expected, batch):
    mesh = make_mesh(shape)
    where = shardings(CONFIG, mesh)
    with jax.set_mesh(mesh):
        params = create(CONFIG, 0, shardings=where)
        found = gradient(params, Batch(*(placed(x, batch_sharding(mesh)) for x in batch)))
    for leaf, sharding, whole in zip(
        *(jax.tree.leaves(x) for x in (params, where, single)), strict=True
    ):
        assert leaf.sharding == sharding, (shape, leaf.sharding, sharding)
        assert largest_difference(leaf, whole) == 0, (shape, "made in place, but of other values")
    query = params["layers"]["attention"]["query"]["kernel"]
    ways = mesh.shape["fsdp"] * mesh.shape["tensor"]
    assert query.addressable_shards[0].data.size == query.size // ways, shape
    worst = max(
        largest_difference(a, b)
        for a, b in zip(*(jax.tree.leaves(x) for x in (found, expected)), strict=True)
    )
    assert worst < TOLERANCE, (shape, worst)
    return worst


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--process", nargs=3, metavar=("I", "N", "ADDRESS"))
    options = parser.parse_args()
    meshes = list(all_meshes()) if options.all else SOME
    if options.process:
        index, count, address = options.process
        jax.distributed.initialize(address, int(count), int(index))
        meshes = ACROSS_PROCESSES
    batch = make_batch()
    with jax.default_device(jax.local_devices()[0]):
        single = create(CONFIG, 0)
        expected = jax.device_get(gradient(single, jax.tree.map(jnp.asarray, batch)))
    single = jax.device_get(single)
    for shape in meshes:
        worst = check(shape, single, expected, batch)
        print(" ".join(f"{a}={s}" for a, s in shape.items()), f"{worst:.1e}", sep="\t", flush=True)


if __name__ == "__main__":
    main()
