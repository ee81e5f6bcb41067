"""Plain prompting, full tuning, and one soft prompt a task: `python tools/bench/tasks.py`.

A small model over single bytes learns seven tasks on words, each told by a sentence (the backbone).
Then nine tasks are asked at three distances: tasks that it knows, with words that it has not seen
(instance); tasks that it does not know, of types that it does (task); and tasks of a type that it
has never seen (task type). Each is answered by the backbone as it is; by the backbone tuned wholly
on 200 examples of each task; and by the frozen backbone with one soft prompt a task, learnt in
mixed batches on the same examples. Printed for each distance: held-out loss on answers, and the
share of held-out answers that are exactly right.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from xgen_core import ChatTemplate, Example, Message, Run, Tokenizer, open_tokenizer
from xgen_core.files import write_jsonl
from xgen_model import CheckpointStore, ModelConfig, create, open_source
from xgen_model.parameters import ParameterReader
from xgen_train.tuning import PromptParameters, TaskSet, Tuning, prepare_sets, resolve, tune
from xgen_train.tuning.answers import greedy_answers
from xgen_train.tuning.resolved import Resolved

LETTERS = "abcdefghij"
TRAINED, TUNED, ASKED = 1200, 200, 40
TASKS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "reverse": ("Write it backwards.", lambda w: w[::-1]),
    "swap": ("Swap the first and the last letter.", lambda w: w[-1] + w[1:-1] + w[0]),
    "first": ("Give the first letter.", lambda w: w[0]),
    "second": ("Give the second letter.", lambda w: w[1]),
    "copy": ("Write it again.", lambda w: w),
    "twice": ("Write it twice.", lambda w: w + w),
    "length": ("Count the letters.", lambda w: str(len(w))),
    "rotate": ("Move the first letter to the end.", lambda w: w[1:] + w[0]),
    "last": ("Give the last letter.", lambda w: w[-1]),
    "vowels": ("Count the vowels.", lambda w: str(sum(c in "aei" for c in w))),
    "upper": ("Write it in capitals.", str.upper),
    "title": ("Begin it with a capital.", str.capitalize),
}
KNOWN = ("reverse", "swap", "first", "second", "copy", "twice", "length")
LEVELS: Mapping[str, Sequence[str]] = {
    "instance": ("reverse", "swap", "first", "copy"),
    "task": ("rotate", "last", "vowels"),
    "task type": ("upper", "title"),
}
TURNS = ChatTemplate(
    name="turns",
    prefixes={"user": "", "assistant": ":"},
    suffixes={"user": "", "assistant": "<|endoftext|>"},
    generation_prompt=":",
)
TARGETS = tuple(task for tasks in LEVELS.values() for task in tasks)


def examples(task: str, words: Sequence[str]) -> list[Example]:
    """One for each word."""
    prompt, answer = TASKS[task]
    return [
        Example(
            id=f"{task}-{word}",
            messages=(
                Message(role="user", content=f"{prompt} {word}"),
                Message(role="assistant", content=answer(word), trained=True),
            ),
            task=task,
        )
        for word in words
    ]


def words() -> tuple[list[str], list[str], list[str]]:
    """For the backbone, for tuning, and to be asked; no word is in two of them."""
    chance = random.Random(0)
    found: set[str] = set()
    while len(found) < TRAINED + TUNED + ASKED:
        found.add("".join(chance.choices(LETTERS, k=chance.randint(3, 6))))
    mixed = sorted(found)
    chance.shuffle(mixed)
    return mixed[:TRAINED], mixed[TRAINED:-ASKED], mixed[-ASKED:]


def start(place: Path) -> Path:
    """A fresh model whose vocabulary is little more than the bytes."""
    (place / "text.txt").write_text(" ".join(prompt for prompt, _ in TASKS.values()) * 50)
    command = ["-m", "xgen_core", "tokenizer", "train", str(place / "text.txt")]
    subprocess.run(
        [sys.executable, *command, "--vocab-size", "264", "--output", str(place / "tokenizer")],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    tokenizer = open_tokenizer(str(place / "tokenizer"))
    config = ModelConfig(
        vocab_size=tokenizer.vocab_size,
        n_tokens=tokenizer.vocab_size,
        d_model=96,
        n_layers=3,
        n_heads=4,
        n_kv_heads=4,
        d_ff=256,
        context_length=64,
    )
    store = CheckpointStore.create(
        place / "start",
        config,
        tokenizer=place / "tokenizer",
        tokenizer_fingerprint=tokenizer.fingerprint,
    )
    store.save(0, create(config, 0))
    return store.directory


def run(place: Path, name: str, tuning: Tuning, sets: list[TaskSet], *settings: str) -> Resolved:
    """Tune into `place/name`."""
    prepared = prepare_sets(sets, place / f"{name}-data" / "examples")
    resolved = resolve(tuning, prepared, place / f"{name}-data" / "store", template=TURNS)
    tune(resolved, place / name, settings=settings, samples=0, tensorboard=False)
    return resolved


def losses(place: Path, name: str) -> tuple[dict[str, float], dict[str, float]]:
    """Held-out loss by task, before and after."""
    (section,) = (s for s in Run.open(place / name).sections() if s["title"] == "Before and after")
    rows = section["blocks"][0]["rows"]
    return {row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows}


def right(
    reader_of: Callable[[str], ParameterReader],
    tokenizer: Tokenizer,
    template: ChatTemplate,
    asked: Sequence[str],
) -> dict[str, float]:
    """Share of exactly right answers by task."""
    found: dict[str, float] = {}
    for task in TARGETS:
        questions = examples(task, asked)
        reader = reader_of(task)
        answers = greedy_answers(reader, tokenizer, template, questions)
        wanted = [example.messages[-1].content for example in questions]
        found[task] = fmean(a.strip() == w for a, w in zip(answers, wanted, strict=True))
    return found


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        trained, tuned, asked = words()
        for task in TASKS:
            write_jsonl(place / f"{task}.jsonl", [e.to_json() for e in examples(task, trained)])
            write_jsonl(place / f"{task}-few.jsonl", [e.to_json() for e in examples(task, tuned)])
            write_jsonl(place / f"{task}-ask.jsonl", [e.to_json() for e in examples(task, asked)])
        base = Tuning(start=str(start(place)), length=64, batch=64, epochs=25)
        tokenizer = open_tokenizer(str(place / "tokenizer"))
        known = [TaskSet(name=t, train=str(place / f"{t}.jsonl")) for t in KNOWN]
        run(place, "backbone", base, known, "optimizer.learning_rate=3e-3")
        sets = [
            TaskSet(
                name=task,
                train=str(place / f"{task}-few.jsonl"),
                validation=str(place / f"{task}-ask.jsonl"),
            )
            for task in TARGETS
        ]
        few = {"start": str(place / "backbone"), "length": 64, "batch": 32}
        resolved = run(
            place, "full", Tuning(**few, epochs=10), sets, "optimizer.learning_rate=1e-3"
        )
        prompts = run(
            place,
            "prompts",
            Tuning(**few, epochs=30, prompt_tokens=10, prompt_text="Answer the question."),
            sets,
            "optimizer.learning_rate=0.03",
        )
        template = resolved.template
        below = open_source(place / "backbone").parameters
        full = open_source(place / "full").parameters
        soft = open_source(place / "prompts").parameters
        plain_loss, full_loss = losses(place, "full")
        _, soft_loss = losses(place, "prompts")
        table = {
            "plain prompting": (plain_loss, right(lambda _: below, tokenizer, template, asked)),
            "full tuning": (full_loss, right(lambda _: full, tokenizer, template, asked)),
            "soft prompt a task": (
                soft_loss,
                right(
                    lambda t: PromptParameters(soft, prompts.prompts[t]), tokenizer, template, asked
                ),
            ),
        }
    print(f"{'':<20}" + "".join(f"{level:>24}" for level in LEVELS))
    print(f"{'':<20}" + f"{'loss  exactly right':>24}" * len(LEVELS))
    for name, (loss, exact) in table.items():
        cells = (
            f"{fmean(loss[t] for t in tasks):14.3f}{100 * fmean(exact[t] for t in tasks):8.1f} %"
            for tasks in LEVELS.values()
        )
        print(f"{name:<20}" + "".join(cells))


if __name__ == "__main__":
    main()
