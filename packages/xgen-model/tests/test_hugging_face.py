"""Hugging Face directories, in and out: nothing is lost, nothing wrong is let in."""

import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from xgen_model import (
    CheckpointStore,
    export_model,
    hugging_face_config,
    import_model,
    open_local,
    open_source,
)
from xgen_model.hugging_face.config import model_config
from xgen_model.stored_array import BLOCK_BYTES

BF16 = np.dtype(jnp.bfloat16)


def tensors(directory):
    return {
        name: array
        for file in sorted(directory.glob("*.safetensors"))
        for name, array in load_file(file).items()
    }


def assert_same_tensors(a, b):
    assert set(a) == set(b)
    for name in a:
        assert (a[name].dtype, a[name].shape) == (b[name].dtype, b[name].shape), name
        assert a[name].tobytes() == b[name].tobytes(), name


@pytest.mark.parametrize("name", ["llama", "long", "linear", "qwen2", "codegen", "bloom"])
def test_export_and_import_again_is_the_same_checkpoint(made, command, tmp_path, name):
    store, params = made[name]
    text = command("export", store.directory, "-o", tmp_path / "hf", "--shard-size", "30KB")
    assert "with its tokenizer" in text
    command("import", tmp_path / "hf", "-o", tmp_path / "again", "--dtype", store.config.dtype)
    again = CheckpointStore(tmp_path / "again")
    assert again.config == store.config
    assert again.tokenizer_fingerprint == store.tokenizer_fingerprint
    assert again.steps() == [0]
    # Equal identities: every file with weights in it is the same, whichever way it was written.
    assert again.identity(0) == store.identity(3)
    found = again.restore_params()
    for x, y in zip(jax.tree.leaves(found), jax.tree.leaves(params), strict=True):
        assert np.asarray(x).tobytes() == y.tobytes()
    command("export", tmp_path / "again", "-o", tmp_path / "twice")
    assert_same_tensors(tensors(tmp_path / "twice"), tensors(tmp_path / "hf"))


def llama_tensors(random, dtype):
    """What transformers saves of a small Llama, listed by hand."""
    shapes = {"model.embed_tokens.weight": (384, 32), "model.norm.weight": (32,)}
    shapes["lm_head.weight"] = (384, 32)
    for layer in range(2):
        prefix = f"model.layers.{layer}."
        shapes |= {
            f"{prefix}self_attn.q_proj.weight": (32, 32),
            f"{prefix}self_attn.k_proj.weight": (16, 32),
            f"{prefix}self_attn.v_proj.weight": (16, 32),
            f"{prefix}self_attn.o_proj.weight": (32, 32),
            f"{prefix}mlp.gate_proj.weight": (48, 32),
            f"{prefix}mlp.up_proj.weight": (48, 32),
            f"{prefix}mlp.down_proj.weight": (32, 48),
            f"{prefix}input_layernorm.weight": (32,),
            f"{prefix}post_attention_layernorm.weight": (32,),
        }
    return {n: random.normal(0, 0.3, s).astype(dtype) for n, s in shapes.items()}


LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 384,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 96,
    "rms_norm_eps": 1e-06,
}


@pytest.mark.parametrize("dtype", [np.dtype(np.float32), BF16, np.dtype(np.float16)])
def test_import_and_export_again_are_the_same_tensors(command, tmp_path, dtype):
    given = llama_tensors(np.random.default_rng(1), dtype)
    source = tmp_path / "source"
    source.mkdir()
    (source / "config.json").write_text(json.dumps(LLAMA))
    harmless = {"model.layers.0.self_attn.rotary_emb.inv_freq": np.ones(4, np.float32)}
    save_file(given | harmless, source / "model.safetensors")
    assert "no tokenizer" in command("import", source, "-o", tmp_path / "ckpt")
    store = CheckpointStore(tmp_path / "ckpt")
    params = store.restore_params()
    wide = given["model.layers.1.self_attn.k_proj.weight"].astype(np.float32)
    assert np.array_equal(params["layers"]["attention"]["key"]["kernel"][1], wide.T)
    chosen = "bfloat16" if dtype == BF16 else "float32"
    command("export", tmp_path / "ckpt", "-o", tmp_path / "out", "--dtype", chosen)
    found = tensors(tmp_path / "out")
    if dtype == np.float16:  # no such export: the same numbers, wider
        given = {n: a.astype(np.float32) for n, a in given.items()}
    assert_same_tensors(found, given)
    assert json.loads((tmp_path / "out/config.json").read_text())["torch_dtype"] == chosen


def test_fused_projections_lie_as_their_models_cut_them(made, command, tmp_path):
    x = np.random.default_rng(2).normal(size=(5, 32)).astype(np.float32)
    command("export", made["codegen"][0].directory, "-o", tmp_path / "codegen")
    weight = tensors(tmp_path / "codegen")["transformer.h.1.attn.qkv_proj.weight"]
    # CodeGenAttention.forward: four shards, each split into query, value, key.
    parts = np.split((x @ weight.T).reshape(5, 4, 24), 3, axis=-1)
    ours = made["codegen"][1]["layers"]["attention"]
    for name, part in zip(("query", "value", "key"), parts, strict=True):
        np.testing.assert_allclose(part.reshape(5, 32), x @ ours[name]["kernel"][1], atol=1e-6)
    command("export", made["bloom"][0].directory, "-o", tmp_path / "bloom")
    found = tensors(tmp_path / "bloom")
    prefix = "transformer.h.0.self_attention.query_key_value."
    fused = x @ found[f"{prefix}weight"].T + found[f"{prefix}bias"]
    # BloomAttention._reshape: heads, each of query, key, value.
    fused = fused.reshape(5, 4, 3, 8)
    ours = made["bloom"][1]["layers"]["attention"]
    for place, name in enumerate(("query", "key", "value")):
        expected = x @ ours[name]["kernel"][0] + ours[name]["bias"][0]
        np.testing.assert_allclose(fused[:, :, place].reshape(5, 32), expected, atol=1e-6)


def test_shards_are_listed_and_no_larger_than_asked(exported, command, made, tmp_path):
    index = json.loads((exported / "model.safetensors.index.json").read_text())
    files = sorted(set(index["weight_map"].values()))
    assert files == [
        f"model-{i + 1:05d}-of-{len(files):05d}.safetensors" for i in range(len(files))
    ]
    assert len(files) > 1
    for name, file in index["weight_map"].items():
        assert name in load_file(exported / file)
    assert all((exported / f).stat().st_size < 104_000 for f in files)
    everything = tensors(exported).values()
    assert index["metadata"]["total_size"] == sum(a.nbytes for a in everything)
    command("export", made["llama"][0].directory, "-o", tmp_path / "one")
    assert [p.name for p in (tmp_path / "one").glob("model*")] == ["model.safetensors"]
    assert_same_tensors(tensors(tmp_path / "one"), tensors(exported))
    command("export", exported, "-o", tmp_path / "x", "--shard-size", "5 apples", code=2)


def test_a_body_saved_without_its_head_is_bloom_too(made, command, tmp_path):
    command("export", made["bloom"][0].directory, "-o", tmp_path / "hf")
    named = tensors(tmp_path / "hf")
    bare = {name.removeprefix("transformer."): array for name, array in named.items()}
    save_file(
        bare | {"lm_head.weight": named["transformer.word_embeddings.weight"]},
        tmp_path / "hf/model.safetensors",
    )
    found = open_source(tmp_path / "hf").load()
    expected = made["bloom"][1]
    for x, y in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert np.array_equal(np.asarray(x), y)


def test_xgen_7b_by_its_own_config(tmp_path, command):
    # What the released config.json says (transformers 4.29): no rope_theta, no key-value heads.
    path = tmp_path / "config.json"
    document = {
        **{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 51200},
        **{"hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32},
        **{"intermediate_size": 11008, "hidden_act": "silu", "max_position_embeddings": 8192},
        **{"rms_norm_eps": 1e-06, "tie_word_embeddings": False, "torch_dtype": "float32"},
        **{"bos_token_id": 50256, "eos_token_id": 50256, "pad_token_id": 0, "use_cache": True},
    }
    found = model_config(document, path)
    from xgen_model import parameter_count, preset

    how = {"dtype": "float32", "remat": "none", "loss_chunk": 4096}
    expected = replace(preset("xgen-7b-8k"), n_tokens=51200, **how)
    assert found == expected
    assert parameter_count(found) == 6_895_702_016
    assert "6,895,702,016" in command("info", "xgen-7b-8k", "--parameters")
    newer = hugging_face_config(found)
    del newer["rope_theta"], newer["rope_scaling"]
    newer["rope_parameters"] = {"rope_type": "default", "rope_theta": 10000.0}
    assert model_config(newer, path) == found


def test_a_tokenizer_from_elsewhere_says_how_many_rows_are_ids(exported, command, tmp_path):
    (exported / "tokenizer.json").unlink()
    command("import", exported, "-o", tmp_path / "bare")
    assert CheckpointStore(tmp_path / "bare").config.n_tokens == 384
    assert CheckpointStore(tmp_path / "bare").tokenizer_directory is None
    command("import", exported, "-o", tmp_path / "ckpt", "--tokenizer", "bytes")
    store = CheckpointStore(tmp_path / "ckpt")
    assert (store.config.n_tokens, store.config.vocab_size) == (257, 384)
    assert (store.directory / "tokenizer" / "tokenizer.json").is_file()
    contradiction = ("--tokenizer", "bytes", "--no-tokenizer")
    command("import", exported, "-o", tmp_path / "x", *contradiction, code=2)


def test_a_stream_asks_for_no_more_than_a_block(configs, tmp_path):
    config = replace(configs["llama"], vocab_size=70_000, d_model=128)
    largest = 0

    class Zeros:
        @staticmethod
        def read(name, index):
            nonlocal largest
            shape = [s.stop - s.start for s in index]
            largest = max(largest, 4 * int(np.prod(shape)))
            return np.zeros(shape, np.float32)

    reader = Zeros()
    reader.config = config
    export_model(reader, tmp_path / "out")
    assert largest <= BLOCK_BYTES < 70_000 * 128 * 4
    largest = 0
    import_model(reader, tmp_path / "ckpt")
    assert largest <= BLOCK_BYTES


def test_a_directory_is_a_model_as_it_is(made, exported, command, tokenizer):
    opened = open_local(str(exported), tokenizer=tokenizer)
    assert opened.config == made["llama"][0].config
    expected = made["llama"][1]
    loaded = open_source(exported).load()
    for x, y in zip(jax.tree.leaves(loaded), jax.tree.leaves(expected), strict=True):
        assert np.array_equal(np.asarray(x), y)
    before = open_source(exported).identity
    assert opened.info.identity == f"local:{before[:32]}"
    facts = json.loads(command("info", exported, "--json", "--parameters"))
    assert (facts["identity"], facts["n_tokens"]) == (before, 257)
    assert facts["shapes"]["layers.mlp.down.kernel"] == [2, 48, 32]
    file = sorted(exported.glob("*.safetensors"))[0]
    save_file({n: a + np.float32(1e-3) for n, a in load_file(file).items()}, file)
    assert open_source(exported).identity != before
