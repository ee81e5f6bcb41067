"""Our logits and gradients beside those that transformers computed from the same weights."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import load_file

from xgen_core import Batch
from xgen_model import forward, logits, loss, open_source
from xgen_model.arrays import leaf_names
from xgen_model.hugging_face.exporter import export_model


class Tree:
    """A tree in memory as a parameter reader, so that gradients take the names of weights."""

    def __init__(self, config, tree) -> None:
        self.config = config
        names, leaves, _ = leaf_names(tree)
        self.held = {n: np.asarray(a) for n, a in zip(names, leaves, strict=True)}

    def read(self, name, index):
        return self.held[name][index]


@partial(jax.jit, static_argnums=0)
def compute(config, params, batch):
    """Logits, and the gradient of the mean loss; one forward pass for both."""

    def mean(params):
        hidden = forward(config, params, batch.inputs, batch.positions, batch.segment_ids)
        sums = loss(config, params, batch)
        return sums.nll / sums.tokens, logits(config, params, hidden)

    gradient, values = jax.grad(mean, has_aux=True)(params)
    return values, gradient


def differences(directory: Path, scratch: Path) -> dict[int, tuple[float, float]]:
    """By length of the sequences: the largest differences of logits and of gradients.

    That of logits is absolute; that of a gradient is relative to the largest element of its
    tensor, or to a thousandth of the largest of all tensors where that is larger.

    Args:
        directory: a case as `tools/build_model_fixtures.py` writes it.
        scratch: a directory for gradients in Hugging Face's form.
    """
    source = open_source(directory)
    config = source.config
    params = source.load()
    theirs = load_file(directory / "expected.safetensors")
    found = {}
    lengths = sorted({int(name.split("/")[0]) for name in theirs})
    for length in lengths:
        # All padded to one shape, which is compiled once.
        ids = np.pad(theirs[f"{length}/ids"], ((0, 0), (0, lengths[-1] - length)))
        real = (np.arange(lengths[-1]) < length).astype(np.int32)[None].repeat(len(ids), 0)
        positions = np.arange(lengths[-1], dtype=np.int32)[None].repeat(len(ids), 0)
        fields = (ids[:, :-1], ids[:, 1:], real, positions, real)
        values, gradient = compute(config, params, Batch(*(jnp.asarray(f) for f in fields)))
        target = scratch / str(length)
        export_model(Tree(config, gradient), target)
        ours = load_file(target / "model.safetensors")
        prefix = f"{length}/gradient/"
        expected = {n.removeprefix(prefix): a for n, a in theirs.items() if n.startswith(prefix)}
        assert ours.keys() == expected.keys(), ours.keys() ^ expected.keys()
        floor = 1e-3 * max(np.max(np.abs(a)) for a in expected.values())
        worst = max(
            float(np.max(np.abs(ours[n] - a)) / max(np.max(np.abs(a)), floor))
            for n, a in expected.items()
        )
        apart = float(np.max(np.abs(np.asarray(values)[:, :length] - theirs[f"{length}/logits"])))
        found[length] = (apart, worst)
    return found
