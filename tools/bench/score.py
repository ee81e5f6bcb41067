# pyright: reportMissingImports=false
"""Requests per second of `local:DIR`'s scores beside lm-evaluation-harness's `hf` model.

    python tools/bench/score.py                      # 34M parameters, 8 layers
    python tools/bench/score.py --layers 12          # 46M

Made-up questions with four choices, contexts of 50 to 300 tokens and choices of 1 to 20, scored by
both with the same Llama weights, in float32 on CPU with as many threads as it may use cores. First
the sums are compared; lm-eval gets the batch size of 1, 4 and 16 that is quickest for it; then both
take turns, and the medians over the rounds are printed. One request is one choice. What we compiled
before is printed and not counted.

Needs xgen-model, torch, transformers and lm-eval.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence

import numpy as np
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from peer_llama import Numbers, build_peer, prepare, random_params, verdict
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from xgen_core.records import ScoreRequest
from xgen_model import LocalModel

CHOICES = 4
BATCHES = (1, 4, 16)


def questions(count: int, size: int) -> list[ScoreRequest]:
    """Choice after choice, question after question."""
    random = np.random.default_rng(0)
    text = Numbers(size).decode
    found: list[ScoreRequest] = []
    for _ in range(count):
        context = text(random.integers(0, size - 1, random.integers(50, 301)).tolist()).strip()
        for _ in range(CHOICES):
            choice = text(random.integers(0, size - 1, random.integers(1, 21)).tolist())
            found.append(ScoreRequest(context=context, continuation=choice))
    return found


def build_harness(peer: LlamaForCausalLM, size: int, batch: int) -> HFLM:
    """lm-eval's model around ours, with the tokenizer of numbers."""
    words = Tokenizer(WordLevel({str(i): i for i in range(size)}, unk_token=str(size - 1)))
    words.pre_tokenizer = WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, eos_token=str(size - 1), pad_token=str(size - 1)
    )
    return HFLM(pretrained=peer, tokenizer=tokenizer, batch_size=batch, device="cpu")


def harness_scores(harness: HFLM, requests: Sequence[ScoreRequest]) -> list[float]:
    """Sums of log-probabilities."""
    instances = [
        Instance("loglikelihood", {}, (r.context, r.continuation), i)
        for i, r in enumerate(requests)
    ]
    return [value for value, _ in harness.loglikelihood(instances, disable_tqdm=True)]


async def compare(
    model: LocalModel, peer: LlamaForCausalLM, requests: Sequence[ScoreRequest], rounds: int
) -> None:
    """Take turns, and print."""
    size = model.config.n_tokens
    async with model:
        begun = time.perf_counter()
        ours = [score.logprob for score in await model.score(requests)]
        print(f"first call, compiling included: {time.perf_counter() - begun:.1f} s")
        theirs: list[float] = []
        quickest = (np.inf, 1)
        for batch in BATCHES:
            harness = build_harness(peer, size, batch)
            begun = time.perf_counter()
            theirs = harness_scores(harness, requests)
            quickest = min(quickest, (time.perf_counter() - begun, batch))
        worst = max(abs(a - b) for a, b in zip(ours, theirs, strict=True))
        print(f"sums of log-probabilities differ by at most {worst:.1e}")
        print(f"lm-eval is quickest with batches of {quickest[1]}")
        harness = build_harness(peer, size, quickest[1])
        seconds: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            begun = time.perf_counter()
            await model.score(requests)
            middle = time.perf_counter()
            harness_scores(harness, requests)
            seconds[0].append(middle - begun)
            seconds[1].append(time.perf_counter() - middle)
    print(verdict(len(requests), "requests", "lm-eval", seconds))


def main() -> None:
    """Compare one size of model."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--layers", type=int, default=8, help="of `small`, 512 wide")
    parser.add_argument("--questions", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    config = prepare(arguments.layers)
    params = random_params(config)
    model = LocalModel(config, params, Numbers(config.n_tokens), identity="bench")
    requests = questions(arguments.questions, config.n_tokens)
    asyncio.run(compare(model, build_peer(config, params), requests, arguments.rounds))


if __name__ == "__main__":
    main()
