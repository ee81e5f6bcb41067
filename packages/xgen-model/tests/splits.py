"""Loss and gradients on meshes against one device; a program, because it needs its own devices.

    JAX_NUM_CPU_DEVICES=8 python splits.py            some meshes, every axis with every other
    JAX_NUM_CPU_DEVICES=8 python splits.py --all      all 20 factorisations of 8
    JAX_NUM_CPU_DEVICES=2 python splits.py --process I 2 HOST:PORT    one of two processes
    JAX_NUM_CPU_DEVICES=1 python splits.py --process I 4 HOST:PORT    one of four
    JAX_NUM_CPU_DEVICES=8 python splits.py --memory   what making parameters takes on one device

Prints the meshes that agreed and ends with an error at the first that does not. One document of
each row crosses the edges of the pieces that time is cut into, the last row ends in padding, query
heads share key heads, and the vocabulary has rows that no tokenizer knows.
"""

import argparse
import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np

from xgen_core import Batch
from xgen_model import (
    ModelConfig,
    abstract_params,
    as_read,
    batch_sharding,
    create,
    forward,
    loss,
    make_mesh,
    place_batch,
    row_losses,
    row_part,
    shardings,
    token_logprobs,
)
from xgen_model.attention import attention
from xgen_model.attention.splash import splash
from xgen_model.balance import balance, unbalance
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
    {"tensor": 8},
    {"data": 2, "fsdp": 2, "tensor": 2},
    {"data": 2, "fsdp": 2, "sequence": 2},
    {"fsdp": 2, "sequence": 2, "tensor": 2},
)
ACROSS_PROCESSES = (
    {"fsdp": 2, "sequence": 2},
    {"data": 2, "tensor": 2},
    {"sequence": 2, "tensor": 2},
    {"fsdp": 4},
)


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


def check(shape, single, expected, batch, in_place):
    mesh = make_mesh(shape)
    where = shardings(CONFIG, mesh)
    with jax.set_mesh(mesh):
        if in_place:
            params = create(CONFIG, 0, shardings=where)
        else:
            params = jax.tree.map(placed, single, where)
        part, parts = row_part(mesh)
        read = (np.split(x, parts)[part] for x in batch)
        found = gradient(params, place_batch(mesh, Batch(*read)))
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


def check_order(single, batch):
    """Callers never see the balanced order: each token's figures come back in its place."""
    mesh = make_mesh({"fsdp": 2, "sequence": 4})

    @jax.jit
    def figures(params, batch):
        hidden = forward(CONFIG, params, batch.inputs, batch.positions, batch.segment_ids)
        return hidden, token_logprobs(CONFIG, params, batch).logprob

    expected = figures(single, batch)
    with jax.set_mesh(mesh):
        params = jax.tree.map(placed, single, shardings(CONFIG, mesh))
        found = figures(params, place_batch(mesh, batch))
    for a, b in zip(found, expected, strict=True):
        assert largest_difference(a, np.asarray(b)) < TOLERANCE
    print("order", flush=True)


def check_interleaved(single, batch):
    """Devices of the processes in turn, as a TPU's may lie: each row's figures find their row."""
    one, *others = (jax.local_devices(process_index=i) for i in range(jax.process_count()))
    mesh = make_mesh({"fsdp": -1}, devices=list(itertools.chain(*zip(one, *others, strict=True))))
    part, parts = row_part(mesh)

    def figures(params, batch):
        return row_losses(CONFIG, params, batch).nll

    with jax.default_device(jax.local_devices()[0]):
        expected = np.asarray(jax.jit(figures)(single, jax.tree.map(jnp.asarray, batch)))
    with jax.set_mesh(mesh):
        params = jax.tree.map(placed, single, shardings(CONFIG, mesh))
        placed_batch = place_batch(mesh, Batch(*(np.split(x, parts)[part] for x in batch)))
        whole = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
        found = np.asarray(jax.jit(figures, out_shardings=whole)(params, placed_batch))
    np.testing.assert_allclose(as_read(mesh, found), expected, rtol=TOLERANCE)
    print("interleaved", flush=True)


def check_attention(name, implementation, shape, time):
    """Rows long enough for several blocks on each device, in balanced order."""
    mesh = make_mesh(shape)
    random = np.random.default_rng(1)
    q = random.standard_normal((2, time, 4, 8)).astype(np.float32)
    k, v = random.standard_normal((2, 2, time, 2, 8)).astype(np.float32)
    segments = np.cumsum(random.random((2, time)) < 4 / time, axis=1).astype(np.int32) + 1
    positions = np.broadcast_to(np.arange(time, dtype=np.int32), (2, time))

    def value(q, k, v, segments, positions, balanced, implementation):
        out = attention(
            q,
            k,
            v,
            segments=segments,
            positions=positions,
            balanced=balanced,
            implementation=implementation,
        )
        return jnp.sum(jnp.sin(out) * jnp.arange(1, 9)), out

    both = jax.jit(
        jax.value_and_grad(value, argnums=(0, 1, 2), has_aux=True), static_argnums=(5, 6)
    )
    (_, out), gradients = both(q, k, v, segments, positions, False, "reference")
    shards = mesh.shape["sequence"]
    arrays = (balance(x, shards) for x in (q, k, v, segments, positions))
    with jax.set_mesh(mesh):
        split = (jax.device_put(x, batch_sharding(mesh)) for x in arrays)
        (_, found), found_gradients = both(*split, True, implementation)
    for a, b in zip((found, *found_gradients), (out, *gradients), strict=True):
        difference = unbalance(np.asarray(a), shards) - b
        worst = np.max(np.abs(difference)) / np.max(np.abs(b))
        assert worst < TOLERANCE, (name, shape, worst)
    print(name, *(f"{a}={s}" for a, s in shape.items()), flush=True)


def memory_of_create():
    """Bytes of all parameters; of those one of 8 devices makes; of what it needs meanwhile."""
    config = dataclasses.replace(CONFIG, d_model=256, d_ff=512)
    where = shardings(config, make_mesh({"fsdp": 4, "tensor": 2}))
    made = jax.jit(lambda: create(config, 0, shardings=where)).lower().compile().memory_analysis()
    whole = sum(x.size * 4 for x in jax.tree.leaves(abstract_params(config)))
    return whole, made.output_size_in_bytes, made.temp_size_in_bytes


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--process", nargs=3, metavar=("I", "N", "ADDRESS"))
    options = parser.parse_args()
    meshes = list(all_meshes()) if options.all else SOME
    if options.memory:
        print(*memory_of_create())
        return
    if options.process:
        index, count, address = options.process
        jax.distributed.initialize(address, int(count), int(index))
        meshes = ACROSS_PROCESSES if options.all else ACROSS_PROCESSES[:1]
    batch = make_batch()
    with jax.default_device(jax.local_devices()[0]):
        single = create(CONFIG, 0)
        expected = jax.device_get(gradient(single, jax.tree.map(jnp.asarray, batch)))
    single = jax.device_get(single)
    if options.process:
        check_interleaved(single, batch)
    else:
        check_order(single, batch)
        check_attention("chunked", "chunked", {"data": 2, "sequence": 4}, 2048)
        interpreted = functools.partial(splash, interpret=True)
        check_attention("splash", interpreted, {"fsdp": 2, "sequence": 2, "tensor": 2}, 512)
    for shape in meshes:
        in_place = options.all or shape is meshes[-1]
        worst = check(shape, single, expected, batch, in_place)
        print(" ".join(f"{a}={s}" for a, s in shape.items()), f"{worst:.1e}", sep="\t", flush=True)


if __name__ == "__main__":
    main()
