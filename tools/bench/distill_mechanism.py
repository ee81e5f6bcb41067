"""Whether personalised distillation pays in a small world.

    python tools/bench/distill_mechanism.py [OUT] [--seeds 1 2 3] [--familiar 0.1] [--tables]

For each seed: texts with habits (`distill_mechanism_world.py`); a student of 0.9 million parameters
that has read them; one round of `xgen distill run` on tasks of shapes that no text has, with a
teacher that repairs by rule; and the student tuned by `xgen train sft` on each of the seven sets,
as many steps of as many tokens. Held-out tasks, of other shapes again, are solved by all in two
steps. With fewer tasks to learn from, three of the sets are compared again.

`--familiar` is the share of the direct teacher's style in what the student has read. The same
command again goes on where it was stopped; `--tables` prints what there is so far.
docs/distill/mechanism.md has the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from distill_mechanism_tables import print_tables
from distill_mechanism_tasks import Repairer, draw_chains, make_task, text_example
from distill_mechanism_world import Chain, Style

from xgen_core import Example, open_tokenizer
from xgen_core.files import read_jsonl, write_jsonl
from xgen_core.testing import LoopbackServer
from xgen_distill import Sampling, Task
from xgen_distill.evaluation.plan import EvaluationPlan
from xgen_distill.evaluation.run import evaluate_student
from xgen_distill.inference import Setting
from xgen_distill.sets import SETS, SetName, read_sets
from xgen_model import CheckpointStore, ModelConfig, create

TEXTS, TASKS, ASKED = 16_000, 400, 200
HABIT = 0.8
"""How likely a habit is where a text can have it."""
FEWER = (100, 25)
"""Of the tasks, for sets `CURVE`."""
CURVE: tuple[SetName, ...] = ("stand", "inpd", "persd")
LENGTH = 256
SETTING = Setting(
    name="pass1", sampling=Sampling(samples=5, temperature=0.2, max_tokens=96), ks=(1, 5)
)


@dataclass(frozen=True, kw_only=True)
class Training:
    """Of how many tokens in how many steps, and how fast."""

    steps: int
    tokens: int
    rate: float


READING = Training(steps=240, tokens=4096, rate=5e-3)
TUNING = Training(steps=80, tokens=1024, rate=5e-4)


@dataclass(frozen=True, kw_only=True)
class World:
    """One seed's directory.

    Attributes:
        place: of all its files.
        seed: of everything drawn.
        familiar: share of the direct teacher's style in the texts.
    """

    place: Path
    seed: int
    familiar: float

    def write(self) -> None:
        """Texts, tasks to learn from, and tasks to be asked; no shape is in two of them."""
        if (self.place / "asked.jsonl").exists():
            return
        self.place.mkdir(parents=True, exist_ok=True)
        chance = random.Random(self.seed)
        drawn = draw_chains(TEXTS * 3 // 2, chance)
        shapes = sorted({chain.shape for chain in drawn})
        chance.shuffle(shapes)
        part = {shape: number % 8 for number, shape in enumerate(shapes)}
        other = (1 - self.familiar) / 2
        shares: dict[Style, float] = {"loop": other, "steps": other, "expression": self.familiar}
        texts = [chain for chain in drawn if part[chain.shape] > 1][:TEXTS]
        rows = (
            text_example(chain, f"text-{i}", chance, shares, HABIT).to_json()
            for i, chain in enumerate(texts)
        )
        write_jsonl(self.place / "texts.jsonl", rows)
        for name, number, count in (("tasks", 0, TASKS), ("asked", 1, ASKED)):
            chains = [chain for chain in drawn if part[chain.shape] == number][:count]
            tasks = [make_task(chain, f"{name}-{i}", chance) for i, chain in enumerate(chains)]
            write_jsonl(self.place / f"{name}.chains.jsonl", (c.to_json() for c in chains))
            write_jsonl(self.place / f"{name}.jsonl", (task.to_json() for task in tasks))

    def pretrain(self) -> None:
        """The student, from fresh weights."""
        if not (self.place / "tokenizer").exists():
            read = list(read_jsonl(self.place / "texts.jsonl", Example.from_json))[:4000]
            corpus = "".join(message.content for one in read for message in one.messages)
            (self.place / "corpus.txt").write_text(corpus, "utf-8")
            words = ("--vocab-size", "512", "--template", "raw", "--output", "tokenizer")
            self._command("tokenizer", "train", "corpus.txt", *words)
        tokenizer = open_tokenizer(str(self.place / "tokenizer"))
        if not (self.place / "start").exists():
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
                self.place / "start",
                config,
                tokenizer=self.place / "tokenizer",
                tokenizer_fingerprint=tokenizer.fingerprint,
            )
            store.save(0, create(config, self.seed))
        self._train("texts.jsonl", "start", "base", READING)

    def harvest(self) -> None:
        """One round of the loop, the teacher behind an endpoint as others are."""
        if (self.place / "run" / "results.json").exists():
            return
        chains = list(read_jsonl(self.place / "tasks.chains.jsonl", Chain.from_json))
        with LoopbackServer(Repairer(chains), name="teacher") as server:
            words = ("--student", "local:base", "--teacher", f"{server.url}#teacher")
            sets = ("--set", "attempts.max_tokens=96", "--seed", str(self.seed))
            self._command("distill", "run", "tasks.jsonl", *words, *sets, "--output", "run")

    def tune(self, name: SetName, count: int) -> str:
        """The student on a set's rows of the first tasks; returns the model's name."""
        model = f"{name}-{count}"
        rows = read_sets(self.place / "run" / "sets").rows[name]
        first = {f"tasks-{i}" for i in range(count)}
        examples = (row.example().to_json() for row in rows if row.task in first)
        write_jsonl(self.place / f"{model}.jsonl", examples)
        self._train(f"{model}.jsonl", "base", model, TUNING)
        return model

    def ask(self, model: str) -> None:
        """The held-out tasks of a model, in two steps."""
        output = self.place / "asked" / model
        if (output / "results.json").exists():
            return
        tasks = list(read_jsonl(self.place / "asked.jsonl", Task.from_json))
        student = f"local:{self.place / model}"
        plan = EvaluationPlan(student=student, settings=(SETTING,), steps=2, seed=self.seed)
        asyncio.run(evaluate_student(plan, tasks, output=output))

    def _train(self, file: str, start: str, name: str, training: Training) -> None:
        """`xgen train sft`, all parameters; the loss is on completions alone."""
        settings = (
            f'stages=[{{"sequence_length":{LENGTH},"steps":{training.steps}}}]',
            f"batch_tokens={training.tokens}",
            "optimizer.kind=muon",
            f"optimizer.learning_rate={training.rate}",
            "optimizer.warmup_steps=20",
            "guard.sigmas=0",  # what is learnt in steps falls in steps
            f"seed={self.seed}",
        )
        words = ("train", "sft", file, "--from", start, "--output", name, "--length", str(LENGTH))
        sets = (word for one in settings for word in ("--set", one))
        self._command(*words, "--samples", "0", "--no-tensorboard", *sets)

    def _command(self, *words: str) -> None:
        """Run `xgen` in the directory, quietly."""
        line = [sys.executable, "-m", "xgen_core", *words]
        done = subprocess.run(line, cwd=self.place, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{self.place}: xgen {' '.join(words)}\n{done.stderr}")


def comparisons() -> Iterator[tuple[SetName, int]]:
    """Sets and numbers of tasks, in the order in which they are tuned on."""
    for name in sorted(SETS, key=lambda one: one not in CURVE):
        yield name, TASKS
    for count in FEWER:
        for name in CURVE:
            yield name, count


def main() -> None:
    """Carry out what is not there yet, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", default="runs/distill-mechanism", type=Path)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--familiar", type=float, default=0.1)
    parser.add_argument("--tables", action="store_true")
    arguments = parser.parse_args()
    out = arguments.out.absolute()
    worlds = [
        World(place=out / str(s), seed=s, familiar=arguments.familiar) for s in arguments.seeds
    ]
    begun = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - begun:5.0f} s: {what}", file=sys.stderr, flush=True)

    if not arguments.tables:
        for world in worlds:
            world.write()
            world.pretrain()
            world.harvest()
            world.ask("base")
            say(f"seed {world.seed}: read, harvested")
        for name, count in comparisons():
            for world in worlds:
                world.ask(world.tune(name, count))
                say(f"seed {world.seed}: {name}, {count} tasks")
    print_tables([world.place for world in worlds], SETS, TASKS, CURVE, FEWER)


if __name__ == "__main__":
    main()
