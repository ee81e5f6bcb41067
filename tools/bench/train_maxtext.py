# pyright: reportMissingImports=false
"""MaxText's side of `train.py`: its own train step, on the CPU, in float32.

    train_maxtext.py START.npz [KEY=VALUE…]

The weights are its own, the ids are ours. Further arguments are settings of `base.yml`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.update(DECOUPLE_GCLOUD="TRUE", JAX_PLATFORMS="cpu")

import jax
import maxtext
import numpy as np
from flax import nnx
from flax.core.spmd import logical_axis_rules
from maxtext.configs import pyconfig
from maxtext.trainers.pre_train import train
from maxtext.utils import sharding, train_utils
from train_side import BETAS, CLIP, DECAY, EPSILON, RATE, ROWS, SIZES, TIME, load, serve


def settings(scratch: str) -> list[str]:
    """The same model and optimizer as the other sides; the rest is as MaxText ships it."""
    given = {
        "run_name": "bench",
        "base_output_directory": scratch,
        "hardware": "cpu",
        "skip_jax_distributed_system": True,
        "dataset_type": "synthetic",
        "enable_checkpointing": False,
        "steps": 1000,
        "decoder_block": "llama2",
        "per_device_batch_size": ROWS,
        "max_target_length": TIME,
        "vocab_size": SIZES["vocabulary"],
        "base_emb_dim": SIZES["width"],
        "base_num_decoder_layers": SIZES["layers"],
        "base_num_query_heads": SIZES["heads"],
        "base_num_kv_heads": SIZES["heads"],
        "head_dim": SIZES["width"] // SIZES["heads"],
        "base_mlp_dim": SIZES["inner"],
        "normalization_layer_epsilon": 1e-6,
        "dtype": "float32",
        "weight_dtype": "float32",
        "learning_rate": RATE,
        "adam_b1": BETAS[0],
        "adam_b2": BETAS[1],
        "adam_eps": EPSILON,
        "adam_weight_decay": DECAY,
        "gradient_clipping_threshold": CLIP,
    }
    return [f"{name}={value}" for name, value in given.items()]


def main() -> None:
    """Train on demand."""
    ids, _ = load(sys.argv[1])
    base = Path(str(maxtext.__file__)).parent / "configs" / "base.yml"
    scratch = tempfile.mkdtemp()
    config = pyconfig.initialize(["train", str(base), *settings(scratch), *sys.argv[2:]])
    found = train_utils.setup_train_loop(config, None)
    places, model, mesh, state = found[2], found[3], found[4], found[-1]
    graph, state = nnx.split(state)
    params_places, places = sharding.maybe_update_params_sharding_with_opt(config, places)
    compiled, _ = train_utils.jit_train_and_eval_step(
        config, graph, mesh, state, places, train.train_step, train.eval_step, None, params_places
    )
    del model
    ones = np.ones((ROWS, TIME), np.int32)
    positions = np.broadcast_to(np.arange(TIME, dtype=np.int32), ones.shape)
    batch = {
        "inputs": ids[:, :-1],
        "inputs_position": positions,
        "inputs_segmentation": ones,
        "targets": ids[:, 1:],
        "targets_position": positions,
        "targets_segmentation": ones,
    }
    batch = jax.device_put(batch, sharding.get_input_data_sharding(config, mesh))

    def step() -> float:
        nonlocal state
        with jax.set_mesh(mesh), logical_axis_rules(config.logical_axis_rules):
            state, metrics = compiled(state, batch)
        jax.block_until_ready(state)
        return float(metrics["scalar"]["learning/loss"])

    serve({"maxtext": "0.2.5", "jax": jax.__version__}, step)


if __name__ == "__main__":
    main()
