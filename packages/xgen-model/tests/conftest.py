"""What the tests share: a byte tokenizer, one small configuration, and its compiled functions."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner

import xgen_core.lm.open as opening
from xgen_core import Batch, TokenBatch
from xgen_model import CheckpointStore, ModelConfig, RopeScaling, abstract_params
from xgen_model.cli import model


class Bytes:
    """256 bytes and one special token, `<end>`."""

    name = "bytes"
    vocab_size = 257
    special_ids: Mapping[str, int] = MappingProxyType({"<end>": 256})
    eos_id = 256
    bos_id = None
    fingerprint = hashlib.sha256(b"bytes").hexdigest()

    def encode(self, text: str, *, specials: bool = False) -> list[int]:
        if not specials:
            return list(text.encode())
        parts = [list(p.encode()) for p in text.split("<end>")]
        return [i for n, p in enumerate(parts) for i in ([256] * (n > 0) + p)]

    def encode_batch(self, texts: Sequence[str], *, specials: bool = False) -> TokenBatch:
        ids = [self.encode(t, specials=specials) for t in texts]
        offsets = np.cumsum([0] + [len(i) for i in ids]).astype(np.uint64)
        flat = np.array([i for part in ids for i in part], np.uint32)
        return TokenBatch(memoryview(flat), memoryview(offsets))

    def decode(self, ids: Sequence[int]) -> str:
        return b"".join(self.token_bytes(i) for i in ids).decode("utf-8", "replace")

    def token_bytes(self, token_id: int) -> bytes:
        if not 0 <= token_id < 257:
            raise ValueError(token_id)
        return b"<end>" if token_id == 256 else bytes([token_id])

    def save(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "tokenizer.json").write_text(json.dumps({"kind": "bytes"}))


@pytest.fixture(scope="session")
def tokenizer() -> Bytes:
    return Bytes()


@pytest.fixture(scope="session")
def config() -> ModelConfig:
    return ModelConfig(
        vocab_size=384,
        n_tokens=257,
        d_model=32,
        n_layers=2,
        n_heads=4,
        n_kv_heads=2,
        d_ff=48,
        context_length=96,
    )


@pytest.fixture(scope="session")
def params(config: ModelConfig):
    # Larger than initial weights, so that attention matters and no test passes by near-uniformity.
    random = np.random.default_rng(0)
    shapes = abstract_params(config)
    return jax.tree.map(lambda a: jnp.asarray(random.normal(0, 0.3, a.shape), a.dtype), shapes)


@pytest.fixture(scope="session")
def make_batch():
    return build_batch


def build_batch(ids, segments=None, mask=None) -> Batch:
    """Rows of `t + 1` ids as a batch; positions count from 0 in each segment."""
    ids = np.asarray(ids, np.int32)
    segments = np.ones_like(ids[:, 1:]) if segments is None else np.asarray(segments, np.int32)
    positions = np.zeros_like(segments)
    for t in range(1, segments.shape[1]):
        same = segments[:, t] == segments[:, t - 1]
        positions[:, t] = np.where(same, positions[:, t - 1] + 1, 0)
    mask = (segments > 0) if mask is None else np.asarray(mask)
    fields = (ids[:, :-1], ids[:, 1:], segments, positions, mask.astype(np.int32))
    return Batch(*(jnp.asarray(f) for f in fields))


@pytest.fixture
def command(monkeypatch, tokenizer):
    """`xgen model …` as a user types it, with `tokenizer` wherever one is opened."""
    real = opening.load

    def load(group, name):
        # xgen-tokenizer is not a dependency: stand in for the entry points it provides.
        return (lambda rest: tokenizer) if group == "xgen.tokenizers" else real(group, name)

    monkeypatch.setattr(opening, "load", load)

    def call(*arguments, code=0):
        done = CliRunner().invoke(model, [str(a) for a in arguments])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done.output

    return call


@pytest.fixture(scope="session")
def differences():
    """`peer.differences`; test modules are not importable from each other."""
    path = Path(__file__).with_name("peer.py")
    spec = importlib.util.spec_from_file_location("peer", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["peer"] = module
    spec.loader.exec_module(module)
    return module.differences


def random_params(config, seed=0):
    """Parameters as numpy arrays, large enough to matter."""
    random = np.random.default_rng(seed)
    shapes = abstract_params(config)
    return jax.tree.map(lambda a: random.normal(0, 0.3, a.shape).astype(np.float32), shapes)


@pytest.fixture(scope="session")
def configs(config):
    """One configuration of each architecture, and of each way to stretch positions."""
    plain = replace(config, n_kv_heads=4, norm_eps=1e-5)
    return {
        "llama": config,
        "long": replace(
            config,
            d_head=16,
            tie_embeddings=True,
            rope_theta=5e5,
            dtype="bfloat16",
            rope_scaling=RopeScaling(kind="llama3", factor=8.0, original_context_length=64),
        ),
        "linear": replace(config, rope_scaling=RopeScaling(kind="linear", factor=2.0)),
        "qwen2": replace(config, block="qwen2"),
        "codegen": replace(plain, block="codegen", rope_dims=4, d_ff=40),
        "bloom": replace(plain, block="bloom", d_ff=128, tie_embeddings=True),
    }


@pytest.fixture(scope="session")
def made(tmp_path_factory, configs, tokenizer):
    """A checkpoint of each configuration, made once, with its parameters. Do not spoil them."""
    root = tmp_path_factory.mktemp("made")
    tokenizer.save(root / "bytes")
    found = {}
    for seed, (name, each) in enumerate(configs.items()):
        store = CheckpointStore.create(
            root / name,
            each,
            tokenizer=root / "bytes",
            tokenizer_fingerprint=tokenizer.fingerprint,
        )
        params = random_params(each, seed)
        store.save(3, params)
        found[name] = (store, params)
    return found


@pytest.fixture
def exported(made, command, tmp_path):
    """The Llama checkpoint as a Hugging Face directory in two shards, to be spoiled."""
    command("export", made["llama"][0].directory, "-o", tmp_path / "hf", "--shard-size", "100KB")
    return tmp_path / "hf"


@pytest.fixture(scope="session")
def make_params():
    return random_params
