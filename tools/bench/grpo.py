"""Does GRPO raise a reward that can be checked? `python tools/bench/grpo.py`.

A tiny model with fresh weights over bytes is asked eight questions and rewarded for the share of
its answer that is letters. By chance that is about 52 of 257. Three seeds; with and without a term
for the KL to the reference. Prints mean reward, KL, entropy and length by step.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from xgen_core import ChatTemplate, Example, Message, Run
from xgen_core.files import write_json, write_jsonl
from xgen_core.testing import ByteTokenizer
from xgen_model import CheckpointStore, create, preset
from xgen_train import OptimizerRecipe, grpo_recipe, train_grpo

SEEDS = (0, 1, 2)
STEPS = 40
SHOWN = (1, 5, 10, 20, 30, 40)


def letters(example: Example, answers: Sequence[str]) -> list[float]:
    """The share of each answer that is ASCII letters."""
    return [sum(c.isascii() and c.isalpha() for c in a) / max(len(a), 1) for a in answers]


def main() -> None:
    """Train with each seed and coefficient, and print a line for each step shown."""
    model = dataclasses.replace(
        preset("tiny"),
        vocab_size=257,
        n_tokens=257,
        d_model=64,
        n_layers=2,
        n_heads=4,
        n_kv_heads=4,
        d_ff=128,
        context_length=64,
    )
    template = ChatTemplate(
        name="plain",
        prefixes={"user": "Q: ", "assistant": "A:"},
        suffixes={"user": "\n", "assistant": "<|endoftext|>"},
        generation_prompt="A:",
    )
    examples = [
        Example(id=f"p{i}", messages=(Message(role="user", content=f"question {i}"),))
        for i in range(8)
    ]
    print("seed  KL coeff.  step  reward      KL  entropy  length")
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        write_json(place / "chat.json", template.to_json())
        write_jsonl(place / "prompts.jsonl", [e.to_json() for e in examples])
        CheckpointStore.create(place / "start", model).save(0, create(model, 0))
        plain = grpo_recipe(
            str(place / "prompts.jsonl"),
            str(place / "start"),
            f"{__file__}:letters",
            steps=STEPS,
        )
        for coefficient in (0.0, 0.2):
            for seed in SEEDS:
                recipe = dataclasses.replace(
                    plain,
                    template=str(place / "chat.json"),
                    batch_prompts=8,
                    max_tokens=12,
                    sequence_length=64,
                    kl=coefficient,
                    seed=seed,
                    optimizer=OptimizerRecipe(
                        learning_rate=3e-3, warmup_steps=0, schedule="constant", weight_decay=0.0
                    ),
                )
                begun = time.perf_counter()
                output = place / f"run-{seed}-{coefficient:g}"
                train_grpo(recipe, output, tokenizer=ByteTokenizer(bos=True))
                seconds = time.perf_counter() - begun
                for row in Run.open(output).metrics.rows():
                    if row["step"] in SHOWN:
                        print(
                            f"{seed:4d}  {coefficient:9.2f}  {row['step']:4d}  "
                            f"{row['reward']:6.3f}  {row['kl']:6.3f}  {row['entropy']:7.3f}  "
                            f"{row['length']:6.2f}"
                        )
                print(f"      {seconds:.0f} s in all, compilation included", flush=True)


if __name__ == "__main__":
    main()
