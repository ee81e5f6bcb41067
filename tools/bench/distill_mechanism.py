"""Whether personalised distillation pays here: `python tools/bench/distill_mechanism.py`.

    python tools/bench/distill_mechanism.py [OUT] [--seeds 1 2 3] [--sets stand persd …]

For each seed a world of texts with habits (see `distill_mechanism_world.py`), a student that is
pre-trained on them, one round of `xgen distill run` on tasks of shapes that no text has, with a
teacher that repairs by rule, and the student tuned by `xgen train sft` on each of the seven sets:
as many steps of as many tokens. Held-out tasks, of other shapes again, are tried by all: pass@1
and pass@5 of the first step, and of the second, in which a student is told its first failing shown
test and refines. The same command again goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from distill_mechanism_world import (
    HEADER,
    Chain,
    Style,
    draw_chains,
    make_task,
    nearest,
    prompt,
    text,
)

from xgen_core import (
    Completion,
    Example,
    GenerationRequest,
    Message,
    ModelInfo,
    open_model,
    open_tokenizer,
)
from xgen_core.files import read_json, read_jsonl, write_json, write_jsonl
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.scripted import prompt_text
from xgen_core.testing import LoopbackServer
from xgen_distill import Sampling, Task, Template
from xgen_distill.examiner import Examiner, task_problems
from xgen_distill.sets import SETS
from xgen_distill.student import Student
from xgen_eval.execution import Checker, Limits
from xgen_model import CheckpointStore, ModelConfig, create

TEXTS, TASKS, ASKED = 24_000, 400, 200
SHARES: Mapping[Style, float] = {"loop": 0.45, "steps": 0.45, "expression": 0.1}
HABIT = 0.8
SAMPLING = Sampling(samples=5, temperature=0.3, max_tokens=96)
STEPS, TOKENS = 100, 2048
LENGTH = 256


def command(*words: str, at: Path) -> None:
    """Run `xgen` in a seed's directory, quietly."""
    line = [sys.executable, "-m", "xgen_core", *words]
    done = subprocess.run(line, cwd=at, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{at}: xgen {' '.join(words)}\n{done.stderr}")


def write_world(place: Path, seed: int) -> None:
    """Texts, and tasks to learn from and to be asked; no shape is in two of them."""
    chance = random.Random(seed)
    drawn = draw_chains(TEXTS + 8 * (TASKS + ASKED), chance)
    shapes = sorted({one.shape for one in drawn})
    chance.shuffle(shapes)
    part = {shape: i % 8 for i, shape in enumerate(shapes)}  # two eighths for tasks
    texts = [one for one in drawn if part[one.shape] > 1]
    write_jsonl(
        place / "texts.jsonl",
        (
            Example(
                id=f"text-{i}",
                messages=(
                    Message(role="user", content=prompt(one)),
                    Message(
                        role="assistant", content=text(one, chance, SHARES, HABIT), trained=True
                    ),
                ),
            ).to_json()
            for i, one in enumerate(texts)
        ),
    )
    for name, which, count in (("tasks", 0, TASKS), ("asked", 1, ASKED)):
        chains = [one for one in drawn if part[one.shape] == which][:count]
        tasks = [make_task(one, f"{name}-{i}", chance) for i, one in enumerate(chains)]
        write_jsonl(place / f"{name}.chains.jsonl", (chain_row(one) for one in chains))
        write_jsonl(place / f"{name}.jsonl", (task.to_json() for task in tasks))


def chain_row(chain: Chain) -> dict[str, object]:
    """As JSON."""
    return {"parts": chain.parts, "ending": chain.ending, "numbers": chain.numbers}


def pretrain(place: Path, seed: int) -> None:
    """The student, from fresh weights."""
    corpus = "\n".join(
        "".join(message.content for message in example.messages)
        for example in list(read_jsonl(place / "texts.jsonl", Example.from_json))[:4000]
    )
    (place / "corpus.txt").write_text(corpus, "utf-8")
    if not (place / "tokenizer").exists():
        words = ("--vocab-size", "512", "--template", "raw", "--output", "tokenizer")
        command("tokenizer", "train", "corpus.txt", *words, at=place)
    tokenizer = open_tokenizer(str(place / "tokenizer"))
    if not (place / "start").exists():
        config = ModelConfig(
            vocab_size=tokenizer.vocab_size,
            n_tokens=tokenizer.vocab_size,
            d_model=128,
            n_layers=4,
            n_heads=4,
            n_kv_heads=4,
            d_ff=344,
            context_length=512,
        )
        store = CheckpointStore.create(
            place / "start",
            config,
            tokenizer=place / "tokenizer",
            tokenizer_fingerprint=tokenizer.fingerprint,
        )
        store.save(0, create(config, seed))
    train(place, "texts.jsonl", "start", "base", seed, 240, 4096, 5e-3)


def train(
    place: Path, file: str, start: str, name: str, seed: int, steps: int, tokens: int, rate: float
) -> None:
    """`xgen train sft`, all parameters."""
    settings = (
        f'stages=[{{"sequence_length":{LENGTH},"steps":{steps}}}]',
        f"batch_tokens={tokens}",
        "optimizer.kind=muon",
        f"optimizer.learning_rate={rate}",
        "optimizer.warmup_steps=20",
        "guard.sigmas=0",
        f"seed={seed}",
    )
    words = ("train", "sft", file, "--from", start, "--output", name, "--length", str(LENGTH))
    sets = (word for one in settings for word in ("--set", one))
    command(*words, "--samples", "0", *sets, at=place)


class Repairer(AlwaysOpen):
    """The teacher: the right program that is nearest to the wrong one."""

    info = ModelInfo(identity="distill-mechanism-repairer")
    _asked = re.compile(r"TASK:\n(.*?)\n.*INCORRECT PROGRAM:\n```python\n(.*?)\n```", re.DOTALL)

    def __init__(self, chains: Sequence[Chain]) -> None:
        self._chains = {chain.instruction: chain for chain in chains}

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        """One reply, always the same."""
        match = self._asked.search(prompt_text(request))
        assert match
        body = nearest(self._chains[match[1]], match[2])
        reply = f"```python\n{HEADER}{body}```\n"
        return [Completion(text=reply, finish_reason="stop")] * request.n


def harvest(place: Path, seed: int) -> None:
    """One round of the loop."""
    if (place / "run" / "results.json").exists():
        return
    chains = [
        Chain(parts=tuple(r["parts"]), ending=r["ending"], numbers=tuple(r["numbers"]))
        for r in read_jsonl(place / "tasks.chains.jsonl")
    ]
    with LoopbackServer(Repairer(chains), name="teacher") as server:
        words = ("--student", "local:base", "--teacher", f"{server.url}#teacher")
        sets = ("--set", "attempts.max_tokens=96", "--seed", str(seed))
        command("distill", "run", "tasks.jsonl", *words, *sets, "--output", "run", at=place)


async def ask(place: Path, name: str, seed: int) -> dict[str, list[list[int]]]:
    """Which samples pass, by task: of the first step and of the second."""
    tasks = list(read_jsonl(place / "asked.jsonl", Task.from_json))
    problems = task_problems(tasks)
    async with Checker([*problems.values()]) as checker, open_model(f"local:{place / name}") as m:
        examiner = Examiner(checker, problems, Limits(wall_seconds=10.0, cpu_seconds=11))
        student = Student(model=m, template=Template(), sampling=SAMPLING, seed=seed)
        known: dict[tuple[str, str], asyncio.Task[object]] = {}

        async def judge(task: Task, program: str):
            if not program:
                return False, None
            key = (task.id, program)
            if key not in known:
                known[key] = asyncio.create_task(examiner.trial(task, program, told="shown"))
            verdict, feedback = await known[key]
            return verdict.passed and feedback is None, feedback

        async def one(task: Task, sample: int) -> tuple[int, int]:
            first = await student.attempt(task, sample=sample)
            passed, feedback = await judge(task, first.program)
            if passed or feedback is None or not feedback.input:
                return int(passed), int(passed)
            second = await student.refine(task, first.program, feedback.text, sample=sample)
            again, _ = await judge(task, second.program)
            return 0, int(again)

        found = await asyncio.gather(
            *(one(task, i) for task in tasks for i in range(SAMPLING.samples))
        )
    n = SAMPLING.samples
    rows = [found[i : i + n] for i in range(0, len(found), n)]
    return {f"step {k + 1}": [[pair[k] for pair in row] for row in rows] for k in (0, 1)}


def main() -> None:
    """Run all seeds, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", default="runs/distill-mechanism", type=Path)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--rate", type=float, default=1e-3)
    arguments = parser.parse_args()
    for seed in arguments.seeds:
        place = arguments.out.absolute() / str(seed)
        place.mkdir(parents=True, exist_ok=True)
        begun = time.monotonic()

        def say(what: str) -> None:
            print(f"seed {seed}, {time.monotonic() - begun:.0f} s: {what}", flush=True)

        if not (place / "asked.jsonl").exists():
            write_world(place, seed)
        say("world")
        pretrain(place, seed)
        say("pre-trained")
        harvest(place, seed)
        say(f"harvested {read_json(place / 'run' / 'results.json')}")
        for name in ["base", *arguments.sets]:
            if name != "base":
                file = f"run/sets/{name}.examples.jsonl"
                train(place, file, "base", name, seed, STEPS, TOKENS, arguments.rate)
                say(f"tuned on {name}")
            if not (place / f"{name}.json").exists():
                write_json(place / f"{name}.json", asyncio.run(ask(place, name, seed)))
            scores = read_json(place / f"{name}.json")
            for step, rows in scores.items():
                say(
                    f"{name}, {step}: pass@1 {fmean(map(fmean, rows)):.3f}, @5 {fmean(map(max, rows)):.3f}"
                )


if __name__ == "__main__":
    main()
