# pyright: reportMissingImports=false
"""The PyTorch side of `train.py`: transformers' Llama, float32, eager, SDPA, AdamW, clipping.

train_torch.py START.npz
"""

from __future__ import annotations

import os
import sys

import numpy as np
import torch
import transformers
from train_side import BETAS, CLIP, DECAY, EPSILON, RATE, SIZES, TIME, load, serve
from transformers import LlamaConfig, LlamaForCausalLM

NAMES = {
    "attention_norm.scale": "input_layernorm",
    "attention.query.kernel": "self_attn.q_proj",
    "attention.key.kernel": "self_attn.k_proj",
    "attention.value.kernel": "self_attn.v_proj",
    "attention.output.kernel": "self_attn.o_proj",
    "mlp_norm.scale": "post_attention_layernorm",
    "mlp.gate.kernel": "mlp.gate_proj",
    "mlp.up.kernel": "mlp.up_proj",
    "mlp.down.kernel": "mlp.down_proj",
}


def weights(arrays: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """By transformers' names; its matrices are `[out, in]`."""
    found = {
        "model.embed_tokens.weight": arrays["embedding"],
        "model.norm.weight": arrays["final_norm.scale"],
        "lm_head.weight": arrays["head.kernel"].T,
    }
    for ours, theirs in NAMES.items():
        for layer, array in enumerate(arrays[f"layers.{ours}"]):
            found[f"model.layers.{layer}.{theirs}.weight"] = array.T
    return {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in found.items()}


def main() -> None:
    """Train on demand."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    ids, arrays = load(sys.argv[1])
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=SIZES["vocabulary"],
            hidden_size=SIZES["width"],
            intermediate_size=SIZES["inner"],
            num_hidden_layers=SIZES["layers"],
            num_attention_heads=SIZES["heads"],
            num_key_value_heads=SIZES["heads"],
            max_position_embeddings=4 * TIME,
            tie_word_embeddings=False,
            attn_implementation="sdpa",
        )
    )
    model.load_state_dict(weights(arrays))
    plain = [p for p in model.parameters() if p.ndim < 2]
    matrices = [p for p in model.parameters() if p.ndim > 1]
    groups = [{"params": plain, "weight_decay": 0.0}, {"params": matrices, "weight_decay": DECAY}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=BETAS, eps=EPSILON)
    tokens = torch.from_numpy(ids.astype(np.int64))
    inputs, targets = tokens[:, :-1].contiguous(), tokens[:, 1:].reshape(-1)

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        logits = model(input_ids=inputs, use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.reshape(len(targets), -1), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        return loss.item()

    serve({"torch": torch.__version__, "transformers": transformers.__version__}, step)


if __name__ == "__main__":
    main()
