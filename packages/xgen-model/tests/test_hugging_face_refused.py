"""What is not let in, and not let out: each refused in one line, and nothing left behind."""

import errno
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from xgen_core import InputError, MissingExtraError, XgenError
from xgen_model import CheckpointStore, hugging_face_config
from xgen_model.hugging_face.config import model_config


def edit(path, **changes):
    document = json.loads(path.read_text())
    document.update(changes)
    path.write_text(json.dumps({k: v for k, v in document.items() if v != "remove"}))


def rewrite(directory, change):
    """Load the tensors of a directory's first shard, change them, save it again."""
    file = sorted(directory.glob("*.safetensors"))[0]
    held = load_file(file)
    change(held)
    save_file(held, file)


def set_nan(held):
    held["model.embed_tokens.weight"][3, 5] = np.nan


def cut_columns(held):
    held["model.embed_tokens.weight"] = held["model.embed_tokens.weight"][:, :16].copy()


def to_int(held):
    held["model.embed_tokens.weight"] = held["model.embed_tokens.weight"].astype(np.int8)


def add_tensor(held):
    held["model.layers.0.self_attn.q_norm.weight"] = np.ones(8, np.float32)


def truncate(directory):
    file = sorted(directory.glob("*.safetensors"))[0]
    file.write_bytes(file.read_bytes()[:-100])


def to_pointer(directory):
    file = sorted(directory.glob("*.safetensors"))[0]
    file.write_text("version https://git-lfs.example/spec/v1\noid sha256:0\nsize 95000\n")


def in_config(**changes):
    return lambda directory: edit(directory / "config.json", **changes)


def in_index(name, file):
    def change(directory):
        path = directory / "model.safetensors.index.json"
        weights = json.loads(path.read_text())["weight_map"]
        edit(path, weight_map=weights | {name: file})

    return change


def in_tensors(change):
    return lambda directory: rewrite(directory, change)


WRONG = {
    "missing": (
        lambda d: (
            (d / "model.safetensors.index.json").unlink()
            or shutil.copy(sorted(d.glob("*.safetensors"))[0], d / "model.safetensors")
        ),
        r"no tensor model\.\S+ \[.*\] and \d+ more, which LlamaForCausalLM has",
    ),
    "extra": (in_tensors(add_tensor), r"q_norm\.weight, for which LlamaForCausalLM"),
    "shape": (in_tensors(cut_columns), r"embed_tokens.weight is \[384, 16\], .*\[384, 32\]"),
    "nan": (in_tensors(set_nan), r"model\.embed_tokens\.weight holds NaN"),
    "dtype": (in_tensors(to_int), r"embed_tokens.weight is I8; only F32, BF16, F16"),
    "truncated": (truncate, r"00001-of-\d+\.safetensors: damaged or truncated"),
    "pointer": (to_pointer, r"00001-of-\d+\.safetensors: a Git LFS pointer, not the weights"),
    "no weights": (lambda d: [p.unlink() for p in d.glob("model*")], "no weights: expected model"),
    "lost shard": (
        lambda d: sorted(d.glob("*.safetensors"))[1].unlink(),
        r"00002-of-\d+\.safetensors: missing, but model.safetensors.index.json lists",
    ),
    "empty listing": (
        in_index("model.other", "model-00001-of-00002.safetensors"),
        "lacks model.other, which",
    ),
    "escape": (in_index("lm_head.weight", "../secret.safetensors"), "lm_head.weight lies in '../"),
    "disguise": (in_index("lm_head.weight", "model.bin"), "expected a .safetensors file beside"),
    "architecture": (
        in_config(architectures=["MistralForCausalLM"]),
        r"architectures is \['MistralForCausalLM'\], expected one of LlamaForCausalLM",
    ),
    "model type": (
        in_config(architectures="remove", model_type="gpt2"),
        "model_type is 'gpt2', expected one of llama",
    ),
    "bias": (in_config(attention_bias=True), "attention_bias is True, expected False"),
    "activation": (in_config(hidden_act="gelu"), "hidden_act is 'gelu', expected 'silu'"),
    "rope": (
        in_config(rope_parameters={"rope_type": "yarn", "factor": 2.0}),
        "rope_parameters is .*expected rope_type default, linear or llama3",
    ),
    "rope field": (
        in_config(rope_scaling={"rope_type": "llama3", "factor": 2.0}),
        "rope_scaling is .* expected a field 'low_freq_factor'",
    ),
    "quantised": (in_config(quantization_config={"bits": 4}), "quantization_config is"),
    "no size": (in_config(hidden_size="remove"), "hidden_size is None, expected a positive whole"),
    "odd size": (in_config(num_key_value_heads=3), "n_heads 4 must be a multiple of n_kv_heads 3"),
    "vocabulary": (
        lambda d: in_config(vocab_size=256)(d) or rewrite_rows(d, 256),
        r"a vocabulary of 257 ids \('bytes'\) does not fit in the 256 rows",
    ),
    "not json": (
        lambda d: (d / "config.json").write_text('{"model_type": "llama", '),
        "config.json: not JSON: .* line 1 column",
    ),
}


def rewrite_rows(directory, rows):
    for file in directory.glob("*.safetensors"):
        held = load_file(file)
        cut = {n: a[:rows] if a.shape[0] == 384 else a for n, a in held.items()}
        save_file({n: np.ascontiguousarray(a) for n, a in cut.items()}, file)


@pytest.mark.parametrize("wrong", WRONG)
def test_bad_input_is_one_line_and_leaves_nothing(exported, command, tmp_path, wrong):
    change, message = WRONG[wrong]
    change(exported)
    with pytest.raises(XgenError, match=message) as caught:
        command("import", exported, "-o", tmp_path / "ckpt")
    assert "\n" not in str(caught.value)
    assert str(exported) in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["hf"]


def test_export_refuses_what_would_not_come_back(
    made, command, tmp_path, configs, make_params, monkeypatch
):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(InputError, match="exists already"):
        command("export", made["llama"][0].directory, "-o", tmp_path / "full")
    params = make_params(configs["llama"])
    params["layers"]["mlp"]["up"]["kernel"][1, 3, 3] = np.inf
    params["final_norm"]["scale"][0] = 3.4e38  # finite as float32, beyond bfloat16
    store = CheckpointStore.create(tmp_path / "bad", configs["llama"])
    store.save(0, params)
    with pytest.raises(InputError, match=r"layers.mlp.up.kernel: holds NaN or infinity"):
        command("export", tmp_path / "bad", "-o", tmp_path / "out")
    params["layers"]["mlp"]["up"]["kernel"][1, 3, 3] = 0
    store.save(1, params)
    command("export", tmp_path / "bad", "-o", tmp_path / "wide")
    with pytest.raises(InputError, match=r"model.norm.weight: holds NaN, .* more than bfloat16"):
        command("export", tmp_path / "bad", "-o", tmp_path / "out", "--dtype", "bfloat16")
    with pytest.raises(InputError, match="no complete step 7 in this checkpoint; there are: 0, 1"):
        command("export", tmp_path / "bad", "-o", tmp_path / "out", "--step", 7)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    for verb in ("export", "import"):
        source = tmp_path / ("bad" if verb == "export" else "wide")
        with pytest.raises(OSError, match=r"takes .* bytes, 1,000 free") as caught:
            command(verb, source, "-o", tmp_path / "out")
        assert caught.value.errno == errno.ENOSPC
    assert {p.name for p in tmp_path.iterdir()} == {"full", "bad", "wide"}


def test_damage_to_a_checkpoint_does_not_leave_the_house(made, command, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(made["llama"][0].directory, copy)
    victim = max((copy / "3/params").rglob("*"), key=lambda p: p.stat().st_size)
    data = bytearray(victim.read_bytes())
    data[100] ^= 1
    victim.write_bytes(data)
    with pytest.raises(XgenError, match="sha256"):
        command("export", copy, "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_shapes_that_an_architecture_cannot_hold_are_named(configs):
    for config, field in (
        (replace(configs["bloom"], d_ff=64), "d_ff is 64"),
        (replace(configs["codegen"], rope_theta=5.0), "rope_theta is 5.0"),
        (replace(configs["codegen"], tie_embeddings=True), "tie_embeddings is True"),
        (replace(configs["llama"], rope_dims=4), "rotated_dims is 4"),
    ):
        with pytest.raises(XgenError, match=field):
            hugging_face_config(config)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("qwen2", {"use_sliding_window": True}, "use_sliding_window is True"),
        ("qwen2", {"layer_types": ["full_attention", "sliding_attention"]}, "layer_types is"),
        ("codegen", {"rotary_dim": None}, "rotary_dim is None"),
        ("codegen", {"activation_function": "relu"}, "activation_function is 'relu'"),
        ("codegen", {"n_embd": 33}, "d_model 33 does not split into 4 heads"),
        ("bloom", {"apply_residual_connection_post_layernorm": True}, "post_layernorm is True"),
        ("bloom", {"layer_norm_epsilon": "small"}, "layer_norm_epsilon is 'small'"),
        ("llama", {"architectures": ["LlamaModel", "LlamaForCausalLM"]}, "architectures is"),
        ("llama", {"tie_word_embeddings": 1}, "tie_word_embeddings is 1"),
    ],
)
def test_fields_that_change_what_is_computed_are_refused(configs, tmp_path, name, changes, message):
    document = hugging_face_config(configs[name])
    assert model_config(document, tmp_path).block == configs[name].block
    with pytest.raises(InputError, match=message):
        model_config(document | changes, tmp_path / "config.json")


def test_a_kill_leaves_no_half_export(made, tmp_path):
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from xgen_model import export_model, open_source\n"
        "class Killer:\n"
        "    inner, left = open_source(sys.argv[1]).parameters, 5\n"
        "    config = inner.config\n"
        "    def read(self, name, index):\n"
        "        self.left -= 1\n"
        "        return self.inner.read(name, index) if self.left else os.kill(os.getpid(), 9)\n"
        "export_model(Killer(), Path(sys.argv[2]))\n"
    )
    target = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-c", script, str(made["llama"][0].directory), str(target)],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    assert not target.exists()
    assert all(p.name.startswith(".partial-") for p in tmp_path.iterdir())


def test_pytorch_files_need_pytorch(made, exported, command, tmp_path, monkeypatch):
    for file in exported.glob("model*"):
        file.unlink()
    (exported / "pytorch_model.bin").write_bytes(b"never looked at")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'xgen-model\[torch\]'"):
        command("import", exported, "-o", tmp_path / "ckpt")
