# pyright: reportMissingImports=false
"""Tokens per second of `local:DIR` beside `transformers`' `generate`, on the same weights.

    python tools/bench/generate.py                   # 34M parameters, 8 layers
    python tools/bench/generate.py --layers 12       # 46M

Both sides get the same Llama weights, the same prompts of 64 random ids, and write 128 greedy
tokens with a cache, in float32 on CPU with as many threads as it may use cores. First the ids are
compared; then both take turns, batch 1 and batch 8, and the medians over the rounds are printed.
Ours is measured through `LocalModel.complete`, with batch 8 as eight requests made at once; what it
compiled before is printed and not counted.

Needs xgen-model, torch and transformers.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence

import numpy as np
import torch
from peer_llama import Numbers, build_peer, prepare, random_params, verdict
from transformers import LlamaForCausalLM

from xgen_core.records import GenerationRequest
from xgen_model import LocalModel

PROMPT, NEW = 64, 128


def peer_ids(peer: LlamaForCausalLM, prompts: Sequence[Sequence[int]]) -> list[list[int]]:
    """What transformers writes."""
    ids = torch.tensor(prompts)
    with torch.no_grad():
        out = peer.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            use_cache=True,
            min_new_tokens=NEW,
            max_new_tokens=NEW,
            pad_token_id=0,
        )
    return out[:, ids.shape[1] :].tolist()


async def our_ids(model: LocalModel, prompts: Sequence[Sequence[int]]) -> list[list[int]]:
    """What we write: one request a prompt, all at once. The text of id `i` is ` i`."""
    request = GenerationRequest(prompt="", max_tokens=NEW)
    found = await asyncio.gather(*(model.complete(p, request) for p in prompts))
    return [[int(word) for word in answer[0].text.split()] for answer in found]


def agreement(ours: Sequence[Sequence[int]], theirs: Sequence[Sequence[int]]) -> str:
    """How many of the texts are equal to the last id."""
    equal = sum(a == b for a, b in zip(ours, theirs, strict=True))
    return f"{equal} of {len(ours)} texts of {NEW} ids are equal"


async def compare(model: LocalModel, peer: LlamaForCausalLM, rounds: int) -> None:
    """Take turns, and print."""
    random = np.random.default_rng(0)
    prompts = random.integers(0, model.config.n_tokens - 1, (8, PROMPT)).tolist()
    async with model:
        begun = time.perf_counter()
        ours = await our_ids(model, prompts)
        print(f"first call, compiling included: {time.perf_counter() - begun:.1f} s")
        print(agreement(ours, peer_ids(peer, prompts)))
        for batch in (1, 8):
            part = prompts[:batch]
            await our_ids(model, part)
            peer_ids(peer, part)
            seconds: tuple[list[float], list[float]] = ([], [])
            for _ in range(rounds):
                begun = time.perf_counter()
                await our_ids(model, part)
                middle = time.perf_counter()
                peer_ids(peer, part)
                seconds[0].append(middle - begun)
                seconds[1].append(time.perf_counter() - middle)
            print(f"batch {batch}:", verdict(batch * NEW, "tok", "transformers", seconds))


def main() -> None:
    """Compare one size of model."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--layers", type=int, default=8, help="of `small`, 512 wide")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    config = prepare(arguments.layers)
    params = random_params(config)
    peer = build_peer(config, params)
    model = LocalModel(config, params, Numbers(config.n_tokens), identity="bench")
    asyncio.run(compare(model, peer, arguments.rounds))


if __name__ == "__main__":
    main()
