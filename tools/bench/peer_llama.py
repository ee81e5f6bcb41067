# pyright: reportMissingImports=false
"""What the benchmarks of generation and scoring share: our weights as a Llama of `transformers`.

    python tools/bench/peer_llama.py                 # by how much the logits differ

Needs xgen-model, torch and transformers.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import torch
from transformers import LlamaForCausalLM

from xgen_core.records import TokenBatch
from xgen_model import (
    CheckpointStore,
    ModelConfig,
    Params,
    abstract_params,
    forward,
    logits,
    open_source,
    parameter_count,
    preset,
)
from xgen_model.hugging_face.exporter import export_model

__all__ = ["Numbers", "build_peer", "prepare", "random_params", "verdict"]


class Numbers:
    """A tokenizer for which the text of id `i` is ` i`; the last id ends a document."""

    name = "numbers"
    bos_id = None

    def __init__(self, size: int) -> None:
        self.vocab_size = size
        self.eos_id = size - 1
        self.special_ids: Mapping[str, int] = {f" {size - 1}": size - 1}
        self.fingerprint = hashlib.sha256(f"numbers {size}".encode()).hexdigest()

    def encode(self, text: str, *, specials: bool = False) -> list[int]:
        """Numbers between spaces."""
        return [int(word) for word in text.split()]

    def encode_batch(self, texts: Sequence[str], *, specials: bool = False) -> TokenBatch:
        """End to end."""
        ids = [self.encode(text) for text in texts]
        offsets = np.cumsum([0, *map(len, ids)]).astype(np.uint64)
        flat = np.asarray([i for part in ids for i in part], np.uint32)
        return TokenBatch(memoryview(flat.data), memoryview(offsets.data))

    def decode(self, ids: Sequence[int]) -> str:
        """Numbers, a space before each."""
        return "".join(f" {i}" for i in ids)

    def token_bytes(self, token_id: int) -> bytes:
        """A space and the number."""
        return f" {token_id}".encode()

    def save(self, directory: Path) -> None:
        """Nothing to keep but the size."""
        (directory / "size").write_text(str(self.vocab_size))


def random_params(config: ModelConfig) -> Params:
    """Weights with the scale of a trained model's, so that the likeliest token is no near tie."""
    random = np.random.default_rng(0)

    def leaf(path: tuple[object, ...], like: jax.ShapeDtypeStruct) -> jax.Array:
        if jax.tree_util.keystr(path).endswith("['scale']"):
            return jnp.ones(like.shape, like.dtype)
        scale = 1.0 if "embedding" in jax.tree_util.keystr(path) else like.shape[-2] ** -0.5
        return jnp.asarray(random.normal(0, scale, like.shape), like.dtype)

    return jax.tree_util.tree_map_with_path(leaf, abstract_params(config))


def build_peer(config: ModelConfig, params: Params) -> LlamaForCausalLM:
    """The same model in transformers, float32: exported, and opened there.

    Args:
        config: block `llama`.
        params: as made by `create`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        store = CheckpointStore.create(Path(scratch) / "checkpoint", config)
        store.save(0, params)
        target = Path(scratch) / "peer"
        export_model(open_source(store.directory).parameters, target)
        peer = LlamaForCausalLM.from_pretrained(target, dtype=torch.float32)
        assert peer.num_parameters() == parameter_count(config)
        return peer.eval()


def prepare(layers: int) -> ModelConfig:
    """`small` with another number of layers; tells torch how many threads, prints what is run."""
    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(cores)
    config = replace(preset("small"), n_layers=layers)
    print(f"{parameter_count(config) / 1e6:.1f}M parameters, {layers} layers, {cores} cores")
    print(f"jax {jax.__version__}, torch {torch.__version__}, load {os.getloadavg()[0]:.1f}")
    return config


def verdict(
    count: int, unit: str, peer: str, seconds: tuple[Sequence[float], Sequence[float]]
) -> str:
    """Rates and their ratio: medians over the rounds, and what the quickest of each side gives.

    Args:
        count: units done a round.
        unit: what is counted.
        peer: the other side's name.
        seconds: ours and theirs, round by round.
    """
    ours, theirs = (count / statistics.median(side) for side in seconds)
    best = min(seconds[1]) / min(seconds[0])
    return (
        f"ours {ours:,.1f} {unit}/s, {peer} {theirs:,.1f} {unit}/s: ratio {ours / theirs:.2f} "
        f"({best:.2f} between the quickest rounds)"
    )


def main() -> None:
    """Print by how much the logits differ."""
    config = preset("small")
    params = random_params(config)
    ids = np.random.default_rng(0).integers(0, config.n_tokens, (2, 48))
    with torch.no_grad():
        theirs = build_peer(config, params)(torch.from_numpy(ids)).logits.numpy()
    places = jnp.broadcast_to(jnp.arange(48), ids.shape)
    run = jax.jit(lambda p, t: logits(config, p, forward(config, p, t, places, places * 0 + 1)))
    ours = np.asarray(run(params, jnp.asarray(ids)))
    print(f"logits differ by {np.max(np.abs(ours - theirs)):.1e} of {np.max(np.abs(theirs)):.1f}")


if __name__ == "__main__":
    main()
