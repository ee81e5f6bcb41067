"""Adapters in PEFT's format, in and out; LoRA merged on export."""

import json
from dataclasses import replace

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from xgen_core import CapabilityError, InputError
from xgen_model import CheckpointStore, Lora, abstract_params

TARGETS = ("query", "key", "value", "output", "gate", "up", "down")


def save(directory, config, seed=0):
    random = np.random.default_rng(seed)
    shapes = abstract_params(config)
    params = jax.tree.map(lambda a: random.normal(0, 0.3, a.shape).astype(np.float32), shapes)
    CheckpointStore.create(directory, config).save(0, params)
    return params


@pytest.fixture
def tuned(tmp_path, config):
    """A checkpoint with LoRA on everything, and its parameters."""
    lora = Lora(rank=3, alpha=6.0, targets=TARGETS, rank_stabilised=True)
    return tmp_path / "tuned", save(tmp_path / "tuned", replace(config, lora=lora))


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_an_adapter_comes_back_beside_its_base(tuned, command, tmp_path):
    directory, params = tuned
    arguments = ("--adapter", "--base", "some/base")
    assert "PEFT adapter, LORA" in command("export", directory, "-o", tmp_path / "peft", *arguments)
    document = json.loads((tmp_path / "peft/adapter_config.json").read_text())
    assert (document["r"], document["lora_alpha"], document["use_rslora"]) == (3, 6, True)
    assert document["base_model_name_or_path"] == "some/base"
    assert document["target_modules"] == [
        *("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"),
        *("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"),
    ]
    held = load_file(tmp_path / "peft/adapter_model.safetensors")
    prefix = "base_model.model.model.layers.1.mlp.down_proj."
    down = params["layers"]["mlp"]["down"]
    assert np.array_equal(held[f"{prefix}lora_A.weight"], down["lora_a"][1].T)
    assert np.array_equal(held[f"{prefix}lora_B.weight"], down["lora_b"][1].T)

    command("export", directory, "-o", tmp_path / "base", "--base-only")
    again = tmp_path / "again"
    assert "with --base" in command("import", tmp_path / "peft", "-o", again, code=2)
    command("import", tmp_path / "peft", "--base", tmp_path / "base", "-o", again)
    store = CheckpointStore(again)
    assert store.config.lora == CheckpointStore(directory).config.lora
    found = store.restore_params()
    for x, y in zip(jax.tree.leaves(found), jax.tree.leaves(params), strict=True):
        assert np.array_equal(np.asarray(x), y)


def test_export_merges_lora(tuned, command, tmp_path):
    directory, params = tuned
    command("export", directory, "-o", tmp_path / "merged")
    held = load_file(tmp_path / "merged/model.safetensors")
    assert not any("lora" in name for name in held)
    for name, group in (("self_attn.k_proj", "attention"), ("mlp.up_proj", "mlp")):
        part = params["layers"][group]["key" if group == "attention" else "up"]
        product = part["lora_a"][1].astype(np.float64) @ part["lora_b"][1]
        expected = part["kernel"][1] + 6.0 / np.sqrt(3) * product
        np.testing.assert_allclose(
            held[f"model.layers.1.{name}.weight"], expected.T, rtol=1e-5, atol=1e-6
        )
    kept = held["model.layers.0.input_layernorm.weight"]
    assert np.array_equal(kept, params["layers"]["attention_norm"]["scale"][0])


def test_a_soft_prompt_is_an_adapter_and_nothing_else(config, command, tmp_path):
    params = save(tmp_path / "tuned", replace(config, soft_prompt=5))
    with pytest.raises(CapabilityError, match=r"has a soft prompt, which .* no place for"):
        command("export", tmp_path / "tuned", "-o", tmp_path / "x")
    command("export", tmp_path / "tuned", "-o", tmp_path / "peft", "--adapter")
    held = load_file(tmp_path / "peft/adapter_model.safetensors")
    assert np.array_equal(held["prompt_embeddings"], params["soft_prompt"])
    document = json.loads((tmp_path / "peft/adapter_config.json").read_text())
    assert (document["peft_type"], document["num_virtual_tokens"]) == ("PROMPT_TUNING", 5)
    command("export", tmp_path / "tuned", "-o", tmp_path / "base", "--base-only")
    command("import", tmp_path / "peft", "--base", tmp_path / "base", "-o", tmp_path / "again")
    store = CheckpointStore(tmp_path / "again")
    assert store.config.soft_prompt == 5
    assert np.array_equal(store.restore_params()["soft_prompt"], params["soft_prompt"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"use_dora": True}, "use_dora is True, expected False"),
        ({"bias": "all"}, "bias is 'all', expected 'none'"),
        ({"modules_to_save": ["lm_head"]}, r"modules_to_save is \['lm_head'\]"),
        ({"r": 4}, r"lora_A.weight is \[3, 32\], expected \[4, 32\]"),
        ({"peft_type": "IA3"}, "peft_type is 'IA3', expected LORA or PROMPT_TUNING"),
        ({"lora_alpha": 0}, "lora_alpha is 0, expected a positive number"),
    ],
)
def test_adapters_of_other_kinds_are_refused(tuned, command, tmp_path, changes, message):
    directory, _ = tuned
    command("export", directory, "-o", tmp_path / "peft", "--adapter")
    command("export", directory, "-o", tmp_path / "base", "--base-only", "--no-tokenizer")
    edit(tmp_path / "peft/adapter_config.json", **changes)
    with pytest.raises(InputError, match=message):
        command("import", tmp_path / "peft", "--base", tmp_path / "base", "-o", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_adapters_that_do_not_fit_are_refused(tuned, config, command, tmp_path):
    directory, _ = tuned
    peft, base = tmp_path / "peft", tmp_path / "base"
    command("export", directory, "-o", peft, "--adapter")
    command("export", directory, "-o", base, "--base-only")
    with pytest.raises(InputError, match="an adapter, not a model"):
        command("info", peft)
    with pytest.raises(InputError, match="the base model has adapters already"):
        command("import", peft, "--base", directory, "-o", tmp_path / "x")
    with pytest.raises(InputError, match="--base is for an adapter"):
        command("import", base, "--base", base, "-o", tmp_path / "x")
    save(tmp_path / "bloom", replace(config, block="bloom", n_kv_heads=4, d_ff=128))
    with pytest.raises(InputError, match="no LoRA tensors of a BloomForCausalLM"):
        command("import", peft, "--base", tmp_path / "bloom", "-o", tmp_path / "x")
    file = peft / "adapter_model.safetensors"
    held = load_file(file)
    name = next(iter(held))
    save_file(held | {name: held[name] * np.nan}, file)
    with pytest.raises(InputError, match=f"{name} holds NaN"):
        command("import", peft, "--base", base, "-o", tmp_path / "x")
    save_file({n: a for n, a in held.items() if n != name}, file)
    with pytest.raises(InputError, match=r"no tensor base_model|holds a tensor|no LoRA tensors"):
        command("import", peft, "--base", base, "-o", tmp_path / "x")
    with pytest.raises(CapabilityError, match="neither LoRA nor a soft prompt"):
        command("export", base, "-o", tmp_path / "x", "--adapter")
    fused = replace(config, block="codegen", n_kv_heads=4, rope_dims=4, lora=Lora(rank=2))
    params = save(tmp_path / "codegen", fused)
    with pytest.raises(CapabilityError, match=r"LoRA of query, value: .* in one qkv_proj"):
        command("export", tmp_path / "codegen", "-o", tmp_path / "x", "--adapter")
    assert not (tmp_path / "x").exists()
    # Merged, it leaves: in the rows that are the value's.
    command("export", tmp_path / "codegen", "-o", tmp_path / "merged")
    command("import", tmp_path / "merged", "-o", tmp_path / "back")
    value = params["layers"]["attention"]["value"]
    expected = value["kernel"] + 16.0 * np.matmul(value["lora_a"], value["lora_b"])
    found = CheckpointStore(tmp_path / "back").restore_params()["layers"]["attention"]
    np.testing.assert_allclose(found["value"]["kernel"], expected, rtol=1e-5, atol=1e-6)
    assert np.array_equal(found["key"]["kernel"], params["layers"]["attention"]["key"]["kernel"])
