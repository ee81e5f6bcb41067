"""What transformers and PEFT make of our exports, and we of what they save: the same logits.

Needs torch, transformers and peft: `make parity`.
"""

import json
import os
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner

from xgen_model import CheckpointStore, Lora, abstract_params, forward, logits, open_source
from xgen_model.cli import model

torch = pytest.importorskip("torch", reason="parity needs torch: make parity")
transformers = pytest.importorskip("transformers", reason="parity needs transformers: make parity")
peft = pytest.importorskip("peft", reason="parity needs peft: make parity")

# What other libraries deprecate among themselves is not under test.
pytestmark = pytest.mark.filterwarnings("ignore")

IDS = np.arange(5, 29)[None] % 250
TOLERANCE = 1e-4
SIZES = {
    "vocab_size": 384,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 96,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 5000.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
GPT = {"vocab_size": 384, "n_layer": 2, "n_head": 4}


def theirs(name):
    """A model of theirs, with weights large enough to matter."""
    config = {
        "llama": lambda: transformers.LlamaConfig(**SIZES),
        "llama3": lambda: transformers.LlamaConfig(
            **SIZES, head_dim=16, tie_word_embeddings=True, rope_parameters=LLAMA3
        ),
        "linear": lambda: transformers.LlamaConfig(
            **SIZES, rope_parameters={"rope_type": "linear", "rope_theta": 1e4, "factor": 2.0}
        ),
        "qwen2": lambda: transformers.Qwen2Config(**SIZES),
        "codegen": lambda: transformers.CodeGenConfig(
            **GPT, n_embd=32, n_positions=96, rotary_dim=4, bos_token_id=1, eos_token_id=1
        ),
        "bloom": lambda: transformers.BloomConfig(**GPT, hidden_size=32),
    }[name]()
    torch.manual_seed(0)
    made = transformers.AutoModelForCausalLM.from_config(config)
    for weights in made.parameters():
        weights.data.normal_(0, 0.3)
    return made.eval()


def xgen(*arguments):
    done = CliRunner().invoke(model, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output


def our_logits(source, prompt=0):
    """Logits behind the virtual tokens of a soft prompt, if there is one."""
    config = source.config
    ids = np.concatenate([np.arange(prompt)[None] + config.vocab_size, IDS], axis=1)
    ones, positions = np.ones_like(ids), np.arange(ids.shape[1])[None]
    hidden = forward(config, source.load(), *map(jnp.asarray, (ids, positions, ones)))
    return np.asarray(logits(config, source.load(), hidden))[:, prompt:]


def their_logits(made):
    with torch.no_grad():
        return made(torch.tensor(IDS)).logits[:, -IDS.shape[1] :].float().numpy()


@pytest.mark.parametrize("name", ["llama", "llama3", "linear", "qwen2", "codegen", "bloom"])
def test_models_come_in_and_go_out(name, tmp_path):
    made = theirs(name)
    expected = their_logits(made)
    made.save_pretrained(tmp_path / "theirs", max_shard_size="40KB")
    xgen("import", tmp_path / "theirs", "-o", tmp_path / "ckpt")
    assert np.abs(expected).max() > 0.5
    assert np.abs(our_logits(open_source(tmp_path / "ckpt")) - expected).max() < TOLERANCE
    xgen("export", tmp_path / "ckpt", "-o", tmp_path / "ours", "--shard-size", "40KB")
    back, report = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path / "ours", output_loading_info=True
    )
    assert not any(report.values()), report
    for (key, ours), (other, weights) in zip(
        sorted(back.state_dict().items()), sorted(made.state_dict().items()), strict=True
    ):
        assert key == other
        assert torch.equal(ours, weights), key
    np.testing.assert_array_equal(their_logits(back), expected)


def test_xgens_tokenizer_leaves_with_the_model(tmp_path):
    pytest.importorskip("xgen_tokenizer", reason="xgen-tokenizer is not installed")
    sets = [a for s in ("d_model=32", "n_layers=1", "d_ff=48") for a in ("--set", s)]
    xgen("init", "tiny", "--tokenizer", "xgen", "-o", tmp_path / "ckpt", *sets)
    xgen("export", tmp_path / "ckpt", "-o", tmp_path / "hf", "--dtype", "bfloat16")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "hf", use_fast=True)
    source = open_source(tmp_path / "ckpt")
    text = "def f(x):\n        return x  # naïve\n"
    assert tokenizer(text).input_ids == source.open_tokenizer().encode(text)
    assert tokenizer.eos_token_id == source.open_tokenizer().eos_id == 50256
    made = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "hf", dtype="float32")
    assert made.generation_config.eos_token_id == 50256
    ours, found = our_logits(source), their_logits(made)
    assert np.abs(ours - found)[..., : source.config.n_tokens].max() < 1e-2 * np.abs(found).max()


def test_pytorch_shards_as_xgen_publishes_them(tmp_path):
    made = theirs("llama")
    made.save_pretrained(tmp_path / "theirs")
    (tmp_path / "theirs/model.safetensors").unlink()
    state = made.state_dict()
    names = sorted(state)
    shards = {"pytorch_model-00001-of-00002.bin": names[:9]}
    shards["pytorch_model-00002-of-00002.bin"] = names[9:]
    for file, held in shards.items():
        part = {n: state[n].to(torch.bfloat16 if "mlp" in n else torch.float32) for n in held}
        torch.save(part, tmp_path / "theirs" / file)
    listed = {n: file for file, held in shards.items() for n in held}
    index = tmp_path / "theirs/pytorch_model.bin.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": listed}))
    xgen("import", tmp_path / "theirs", "-o", tmp_path / "ckpt")
    found = CheckpointStore(tmp_path / "ckpt").restore_params()
    expected = state["model.layers.1.self_attn.v_proj.weight"].numpy().T
    assert np.array_equal(found["layers"]["attention"]["value"]["kernel"][1], expected)
    rounded = state["model.layers.1.mlp.up_proj.weight"].bfloat16().float().numpy().T
    assert np.array_equal(found["layers"]["mlp"]["up"]["kernel"][1], rounded)


class Payload:
    """What a pickle must not be able to do."""

    def __reduce__(self):
        return eval, ("__import__('os').environ.update(XGEN_TEST_RAN='1')",)


@pytest.mark.parametrize("content", ["pickle", "truncated", "noise", "number"])
def test_pytorch_files_that_are_not_tensors_are_refused(content, tmp_path):
    made = theirs("llama")
    made.save_pretrained(tmp_path / "theirs")
    (tmp_path / "theirs/model.safetensors").unlink()
    path = tmp_path / "theirs/pytorch_model.bin"
    if content == "pickle":
        torch.save({**made.state_dict(), "x": Payload()}, path)
    elif content == "number":
        torch.save({"x": 3}, path)
    else:
        torch.save(made.state_dict(), path)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] if content == "truncated" else b"noise" * 99)
    with pytest.raises(Exception, match=r"pytorch_model\.bin: ") as caught:
        xgen("import", tmp_path / "theirs", "-o", tmp_path / "ckpt")
    assert type(caught.value).__name__ == "InputError"
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ckpt").exists()
    assert "XGEN_TEST_RAN" not in os.environ


@pytest.mark.parametrize("name", ["llama", "qwen2", "codegen", "bloom"])
@pytest.mark.parametrize("stabilised", [False, True])
def test_their_lora_on_our_model(name, stabilised, tmp_path):
    targets = {
        "codegen": ["out_proj", "fc_in", "fc_out"],
        "bloom": ["self_attention.dense", "dense_h_to_4h", "dense_4h_to_h"],
    }.get(name, ["q_proj", "v_proj", "down_proj"])
    base = theirs(name)
    base.save_pretrained(tmp_path / "base")
    tuned = peft.get_peft_model(
        base,
        peft.LoraConfig(
            r=3,
            lora_alpha=5,
            target_modules=targets,
            use_rslora=stabilised,
            task_type="CAUSAL_LM",
        ),
    ).eval()
    for key, weights in tuned.named_parameters():
        if "lora_" in key:
            weights.data.normal_(0, 0.3)
    tuned.save_pretrained(tmp_path / "adapter")
    xgen("import", tmp_path / "adapter", "--base", tmp_path / "base", "-o", tmp_path / "ckpt")
    source = open_source(tmp_path / "ckpt")
    expected = their_logits(tuned)
    assert np.abs(our_logits(source) - expected).max() < TOLERANCE
    assert np.abs(their_logits(theirs(name)) - expected).max() > 0.1  # the adapter does something
    # and back: the adapter alone, and merged
    xgen("export", tmp_path / "ckpt", "-o", tmp_path / "peft", "--adapter")
    again = peft.PeftModel.from_pretrained(theirs(name), tmp_path / "peft").eval()
    np.testing.assert_array_equal(their_logits(again), expected)
    xgen("export", tmp_path / "ckpt", "-o", tmp_path / "merged")
    merged = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    assert np.abs(their_logits(merged) - expected).max() < TOLERANCE


def test_our_lora_on_their_model(config, tmp_path):
    targets = ("query", "key", "value", "output", "gate", "up", "down")
    tuned = replace(config, n_tokens=384, lora=Lora(rank=4, alpha=2.5, targets=targets))
    random = np.random.default_rng(0)
    params = jax.tree.map(
        lambda a: random.normal(0, 0.3, a.shape).astype(np.float32), abstract_params(tuned)
    )
    CheckpointStore.create(tmp_path / "ckpt", tuned).save(0, params)
    xgen("export", tmp_path / "ckpt", "-o", tmp_path / "base", "--base-only")
    base = str(tmp_path / "base")
    xgen("export", tmp_path / "ckpt", "-o", tmp_path / "peft", "--adapter", "--base", base)
    found = peft.AutoPeftModelForCausalLM.from_pretrained(tmp_path / "peft").eval()
    ours = our_logits(open_source(tmp_path / "ckpt"))
    assert np.abs(their_logits(found) - ours).max() < TOLERANCE


@pytest.mark.parametrize("name", ["llama", "codegen", "bloom"])
def test_prompt_tuning_both_ways(name, tmp_path):
    base = theirs(name)
    base.save_pretrained(tmp_path / "base")
    tuned = peft.get_peft_model(
        base, peft.PromptTuningConfig(num_virtual_tokens=6, task_type="CAUSAL_LM")
    ).eval()
    for key, weights in tuned.named_parameters():
        if "prompt" in key:
            weights.data.normal_(0, 0.5)
    tuned.save_pretrained(tmp_path / "adapter")
    expected = their_logits(tuned)
    assert np.abs(their_logits(theirs(name)) - expected).max() > 0.1
    xgen("import", tmp_path / "adapter", "--base", tmp_path / "base", "-o", tmp_path / "ckpt")
    ours = our_logits(open_source(tmp_path / "ckpt"), prompt=6)
    assert np.abs(ours - expected).max() < TOLERANCE
    xgen("export", tmp_path / "ckpt", "-o", tmp_path / "peft", "--adapter")
    again = peft.PeftModel.from_pretrained(theirs(name), tmp_path / "peft").eval()
    np.testing.assert_array_equal(their_logits(again), expected)
