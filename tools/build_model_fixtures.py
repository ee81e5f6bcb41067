"""Tiny models made by `transformers`, with what it computes from them, for xgen-model's tests.

    python tools/build_model_fixtures.py packages/xgen-model/tests/fixtures

needs torch and transformers (`make parity` has them). For each case a directory in the Hugging Face
form (config.json, model.safetensors, random weights) and `expected.safetensors` in it: token ids,
logits, and the gradient of the mean loss by Hugging Face's names.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
import transformers  # pyright: ignore[reportMissingImports]
from safetensors.numpy import save_file  # pyright: ignore[reportMissingImports]

LENGTHS = (33, 7)
_COMMON = {
    "vocab_size": 64,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": None,
}
_LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}


def cases() -> dict[str, transformers.PreTrainedConfig]:
    """Every block variant, MHA and GQA, tied and untied, each kind of rotary frequencies."""
    llama, qwen2 = transformers.LlamaConfig, transformers.Qwen2Config
    linear = {"rope_type": "linear", "rope_theta": 500.0, "factor": 3.0}
    small = {"vocab_size": 64, "bos_token_id": 0, "eos_token_id": 0}
    return {
        "llama-mha": llama(**_COMMON, num_key_value_heads=4),
        "llama-gqa-tied": llama(**_COMMON, num_key_value_heads=2, tie_word_embeddings=True),
        "llama-llama3-rope": llama(
            **_COMMON, num_key_value_heads=1, head_dim=6, rope_parameters=_LLAMA3
        ),
        "llama-linear-rope": llama(**_COMMON, num_key_value_heads=2, rope_parameters=linear),
        "qwen2": qwen2(**_COMMON, num_key_value_heads=2, use_sliding_window=False),
        "codegen": transformers.CodeGenConfig(
            **small,
            n_positions=64,
            n_ctx=64,
            n_embd=16,
            n_layer=2,
            n_head=4,
            rotary_dim=2,
            n_inner=24,
            resid_pdrop=0.0,
            attn_pdrop=0.0,
            embd_pdrop=0.0,
        ),
        "bloom-4-heads": transformers.BloomConfig(**small, hidden_size=16, n_layer=2, n_head=4),
        "bloom-6-heads": transformers.BloomConfig(**small, hidden_size=24, n_layer=2, n_head=6),
    }


def random_cases(seed: int) -> Iterator[tuple[str, transformers.PreTrainedConfig]]:
    """One configuration of each kind with sizes drawn at random."""
    draw = np.random.default_rng(seed)
    for name, config in cases().items():
        heads = int(draw.choice([2, 4, 8]))
        if "bloom" in name:
            heads = int(draw.choice([2, 3, 5, 8]))
        width = heads * int(draw.choice([8, 16]))
        layers = int(draw.integers(1, 5))
        changes: dict[str, Any] = {"vocab_size": int(draw.integers(40, 300))}
        if "codegen" in name:
            heads = 4 * int(draw.choice([1, 2]))  # its weights come in four groups
            width = heads * 16
            turned = int(draw.choice([4, 8, 16]))
            changes |= {"n_positions": 512, "n_ctx": 512}
            changes |= {"n_embd": width, "n_head": heads, "n_layer": layers, "rotary_dim": turned}
        elif "bloom" in name:
            changes |= {"hidden_size": width, "n_head": heads, "n_layer": layers}
        else:
            grouped = [k for k in (1, 2, 4, 8) if heads % k == 0]
            changes |= {
                "hidden_size": width,
                "max_position_embeddings": 512,
                "num_attention_heads": heads,
                "num_key_value_heads": int(draw.choice(grouped)),
                "num_hidden_layers": layers,
                "intermediate_size": int(draw.integers(10, 100)),
                "tie_word_embeddings": bool(draw.integers(2)),
                "rms_norm_eps": float(draw.choice([1e-6, 1e-5])),
                "head_dim": int(draw.choice([8, 12, 16])),
            }
        values = config.to_dict() | changes
        derived = ("model_type", "architectures", "transformers_version", "layer_types")
        dropped = (*derived, "head_dim") if name == "qwen2" else derived
        values = {key: value for key, value in values.items() if key not in dropped}
        yield name, type(config)(**values)


def build(
    config: transformers.PreTrainedConfig, directory: Path, *, seed: int, lengths: tuple[int, ...]
) -> None:
    """Write one case.

    Args:
        config: what to make.
        directory: where; made if need be.
        seed: of weights and token ids.
        lengths: of the sequences, two rows each.
    """
    torch.manual_seed(seed)
    config._attn_implementation = "eager"
    model = transformers.AutoModelForCausalLM.from_config(config).float().eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            # Large enough that attention is far from uniform, at every width.
            spread = 0.15 if value.ndim == 1 else 0.8 / math.sqrt(value.shape[-1])
            centre = ("norm" in name or "ln_" in name) and name.endswith("weight")
            value.copy_(torch.randn_like(value) * spread + centre)
    model.save_pretrained(directory)
    (directory / "generation_config.json").unlink(missing_ok=True)
    random = np.random.default_rng(seed)
    found: dict[str, np.ndarray] = {}
    for length in lengths:
        ids = random.integers(0, config.vocab_size, (2, length + 1))
        model.zero_grad()
        logits = model(torch.tensor(ids[:, :-1])).logits
        targets = torch.tensor(ids[:, 1:]).reshape(-1)
        torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets).backward()
        found[f"{length}/ids"] = ids.astype(np.int32)
        found[f"{length}/logits"] = logits.detach().numpy()
        for name, value in model.named_parameters():
            found[f"{length}/gradient/{name}"] = value.grad.numpy().copy()
    save_file(found, directory / "expected.safetensors")


def main() -> None:
    """Write the cases of the tests below the directory named."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = Path(sys.argv[1])
    for number, (name, config) in enumerate(cases().items()):
        with tempfile.TemporaryDirectory() as scratch:
            build(config, Path(scratch), seed=number, lengths=LENGTHS)
            (target / name).mkdir(parents=True, exist_ok=True)
            for file in Path(scratch).iterdir():
                (target / name / file.name).write_bytes(file.read_bytes())
        print(f"{target / name}: written with transformers {transformers.__version__}")


if __name__ == "__main__":
    main()
