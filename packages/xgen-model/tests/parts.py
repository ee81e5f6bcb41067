"""Run by test_parameters on 8 virtual devices: a Hugging Face directory onto a mesh, and back."""

import sys
from pathlib import Path

import jax
import numpy as np

from xgen_model import CheckpointStore, ModelConfig, abstract_params, make_mesh, shardings
from xgen_model.hugging_face.exporter import export_model
from xgen_model.parameters import CheckpointParameters, load_params
from xgen_model.source import open_source

config = ModelConfig(
    block="codegen",
    vocab_size=64,
    n_tokens=64,
    d_model=32,
    n_layers=3,
    n_heads=4,
    n_kv_heads=4,
    d_ff=64,
    context_length=32,
    rope_dims=4,
)
root = Path(sys.argv[1])
random = np.random.default_rng(0)
params = jax.tree.map(
    lambda a: random.normal(size=a.shape).astype(np.float32), abstract_params(config)
)
store = CheckpointStore.create(root / "ckpt", config)
store.save(0, params)
export_model(CheckpointParameters(config, store.step_directory(0)), root / "hf")

where = shardings(config, make_mesh({"fsdp": 4, "tensor": 2}))
source = open_source(root / "hf")
asked = []


class Watched:
    """Notes how much is asked for."""

    config = source.config

    @staticmethod
    def read(name, index):
        found = source.parameters.read(name, index)
        asked.append((name, found.size))
        return found


found = load_params(Watched, where)
for x, y, s in zip(
    jax.tree.leaves(found), jax.tree.leaves(params), jax.tree.leaves(where), strict=True
):
    assert x.sharding == s
    assert np.array_equal(np.asarray(x), y)
kernels = [size for name, size in asked if name == "layers.attention.query.kernel"]
assert set(kernels) == {3 * 32 * 32 // 8}, kernels
print("parts")

# Whatever mesh a process has, it writes the same files.
store.save(1, found)
assert store.identity(1) == store.identity(0)
export_model(CheckpointParameters(config, store.step_directory(1)), root / "again")
assert (root / "again/model.safetensors").read_bytes() == (
    root / "hf/model.safetensors"
).read_bytes()
print("saved")
