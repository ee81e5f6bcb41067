"""Whether LDP's loop pays: `python tools/bench/ldp_loop.py [OUT] [SEED ...]`, by default 1 2 3.

For each seed `docs/examples/ldp.sh` makes a world, pre-trains a model on it, harvests pairs from
unlabelled X by LDP and tunes the model on them. Here the same model is tuned in other ways too, for
as many steps of as many tokens on the same lines of X:

shuffled English   each line of X beside the English of another one
X alone            lines of X after their tag, without English
true English       what the pairs would be if LDP made no error: real parallel text
LoRA, q/k/v        on LDP's pairs, but not all parameters

Each control is asked with the prompt of its tuning and with LDP's, and the better counts, so that
it loses by nothing that tuning did to a prompt. Printed, as docs/ldp/loop.md has it: scores of
all, paired bootstraps against the model tuned on LDP's pairs, and the harvest beside the truth.
The same command again goes on where it was stopped.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from xgen_core import Example, Message
from xgen_core.codec import JSON
from xgen_core.files import read_jsonl, write_jsonl
from xgen_eval.metrics.translation import chrf
from xgen_ldp import ENGLISH, Checker, Direction, Line, find_language
from xgen_ldp.evaluation import RunScores, score_run
from xgen_ldp.hypotheses import read_hypotheses
from xgen_ldp.synthesis import WAYS, Pair

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "ldp.sh"
X = find_language("xal_Cyrl")
INTO, FROM = Direction(source=X, target=ENGLISH), Direction(source=ENGLISH, target=X)
PROMPT = "{source}: {text}\n{target}:"
STEPS = 300
LDP = ("--method", "ldp", "--bank", "world/bank", "--set", "shots=4")
TUNED = ("--method", "zero-shot", "--set", "instruction=")
NAIVE = ("--method", "naive-reverse", "--bank", "world/bank")
PAIRS = "tuned on LDP's pairs"


@dataclass(frozen=True)
class System:
    """A model and how it is asked.

    Attributes:
        model: its directory.
        asked: options of `xgen ldp run`.
        directions: that it is asked for.
        run: the run of `ldp.sh` that has asked it already.
    """

    name: str
    model: str
    asked: Sequence[str]
    directions: Sequence[Direction] = (INTO, FROM)
    run: str = ""


SYSTEMS = (
    System(PAIRS, "tuned", TUNED, run="after"),
    System("before, LDP", "base", LDP, run="before"),
    System("before, LDP without names", "base", (*LDP, "--tags", "generic")),
    System("before, naive reverse", "base", NAIVE, (FROM,)),
    System("before, no exemplar", "base", TUNED),
    System("shuffled English", "shuffled", TUNED),
    System("shuffled English, LDP", "shuffled", LDP),
    System("X alone", "alone", TUNED),
    System("X alone, LDP", "alone", LDP),
    System("LDP's pairs, LoRA on q, k, v", "lora", TUNED),
    System("LDP's pairs, q, k, v only", "qkv", TUNED),
    System("true English", "truth", TUNED),
)
TUNINGS: Mapping[str, tuple[str, float, Sequence[str]]] = {
    "shuffled": ("shuffled", 1e-3, ()),
    "alone": ("alone", 1e-3, ()),
    "truth": ("truth", 1e-3, ()),
    "lora": ("pairs", 5e-3, ("--lora", "rank=16,alpha=32,targets=query+key+value")),
    "qkv": ("pairs", 3e-3, ("--train", "qkv")),
}
"""By model: its examples, learning rate, and what is trained; `ldp.sh` takes 1e-3 for all."""


def command(*words: str, at: Path, seed: int) -> None:
    """Run `xgen` in a seed's directory, quietly."""
    line = [sys.executable, "-m", "xgen_core", *words]
    done = subprocess.run(line, cwd=at, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"seed {seed}: xgen {' '.join(words)}\n{done.stderr}")


def read_pairs(place: Path) -> list[Pair]:
    """What was harvested."""
    return [Pair.from_json(row) for row in read_jsonl(place / "pairs" / "pairs.jsonl")]


def true_english(place: Path, pairs: Sequence[Pair]) -> list[str]:
    """Of each pair's line, by the number in its id."""
    truth = (place / "world" / "truth.txt").read_text("utf-8").splitlines()
    return [truth[int(pair.id.rpartition(":")[2]) - 1] for pair in pairs]


def both(pairs: Sequence[Pair], english: Sequence[str]) -> Iterator[JSON]:
    """Examples of both directions with other English."""
    for pair, text in zip(pairs, english, strict=True):
        for way in WAYS:
            yield replace(pair, english=text).example(way, PROMPT).to_json()


def alone(pairs: Sequence[Pair]) -> Iterator[JSON]:
    """Lines of X after their tag."""
    for pair in pairs:
        told = Message(role="user", content=f"{X.name}:")
        answer = Message(role="assistant", content=pair.text, trained=True)
        yield Example(id=pair.id, messages=(told, answer)).to_json()


def write_examples(place: Path, seed: int) -> None:
    """Those of the controls, beside LDP's."""
    pairs = read_pairs(place)
    english = [pair.english for pair in pairs]
    shuffled = random.Random(seed).sample(english, len(english))
    write_jsonl(place / "pairs.jsonl", both(pairs, english))
    write_jsonl(place / "shuffled.jsonl", both(pairs, shuffled))
    write_jsonl(place / "truth.jsonl", both(pairs, true_english(place, pairs)))
    write_jsonl(place / "alone.jsonl", alone(pairs))


def tune(place: Path, seed: int) -> None:
    """Make the other models: the same steps, and tokens in a step, as in `ldp.sh`."""
    stages = f'stages=[{{"sequence_length":256,"steps":{STEPS}}}]'
    for name, (examples, rate, what) in TUNINGS.items():
        settings = (stages, "batch_tokens=2048", f"optimizer.learning_rate={rate}", f"seed={seed}")
        words = ("train", "sft", f"{examples}.jsonl", "--from", "base", "--output", name, *what)
        words += ("--template", str(EXAMPLE.with_suffix("") / "line.json"), "--length", "256")
        words += ("--samples", "0", *(word for one in settings for word in ("--set", one)))
        command(*words, at=place, seed=seed)


def translations(place: Path, seed: int, system: System) -> Path:
    """Where a system's translations of the test lines are, after it has made them."""
    if system.run:
        return place / system.run / "translations"
    run = place / "runs" / system.name.replace(" ", "-").replace(",", "").replace("'", "")
    words = ("ldp", "run", "world/test", "--model", f"local:{system.model}", *system.asked)
    words += ("--pairs", ",".join(f"{d.source.code}-{d.target.code}" for d in system.directions))
    words += ("--lines", "1000", "--unlabelled", f"{X.code}=world/unlabelled.txt")
    words += ("--set", "max_tokens=64", "--seed", str(seed), "--output", str(run))
    command(*words, at=place, seed=seed)
    return run / "translations"


def score(place: Path, seed: int) -> RunScores:
    """Every system on the test lines, each compared with the one tuned on LDP's pairs."""
    checker = Checker()
    outcomes = {}
    for system in SYSTEMS:
        made = translations(place, seed, system)
        for direction in system.directions:
            columns = (
                (made / f"{direction.name}.{kind}").read_text("utf-8").splitlines()
                for kind in ("ids", "source", "reference")
            )
            lines = [
                Line(id=i, text=text, reference=reference)
                for i, text, reference in zip(*columns, strict=True)
            ]
            (file,) = made.glob(f"{direction.name}--*.txt")
            found = read_hypotheses(file, direction, lines)
            outcomes[direction, system.name] = [
                (one, found.translation(one, checker)) for one in lines
            ]
    return score_run(outcomes)


def figure(scores: RunScores, direction: Direction, system: str, metric: str) -> float:
    """A system's score."""
    return scores.of(direction, system).figures[metric].value


def spread(values: Sequence[float]) -> str:
    """Mean over seeds, and the least and the greatest."""
    return f"{fmean(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def print_scores(runs: Mapping[int, RunScores]) -> None:
    """A row a system."""
    print("| | X → English, chrF++ | BLEU | English → X, chrF++ | BLEU |\n|---|---|---|---|---|")
    for system in SYSTEMS:
        cells = [
            spread([figure(scores, direction, system.name, metric) for scores in runs.values()])
            if direction in system.directions
            else "–"
            for direction in (INTO, FROM)
            for metric in ("chrF++", "BLEU")
        ]
        print(f"| {system.name} | {' | '.join(cells)} |")


def print_comparisons(runs: Mapping[int, RunScores]) -> None:
    """LDP's pairs against each other system, by chrF++, a cell a seed."""
    print(f"\n| {PAIRS}, against | " + " | ".join(f"seed {seed}" for seed in runs) + " |")
    print("|---|" + "---|" * len(runs))
    for direction, title in ((INTO, "X → English"), (FROM, "English → X")):
        for system in SYSTEMS[1:]:
            if direction in system.directions:
                cells = [_cell(scores, direction, system.name) for scores in runs.values()]
                print(f"| {title}: {system.name} | {' | '.join(cells)} |")


def _cell(scores: RunScores, direction: Direction, system: str) -> str:
    """How far the pairs are above a system, its 95 % interval, and p."""
    (found,) = (
        c
        for c in scores.comparisons
        if (c.where, c.second, c.metric) == (direction.name, system, "chrF++")
    )
    low, high = found.interval or (0.0, 0.0)
    return f"{-found.difference:+.1f} [{-high:+.1f}, {-low:+.1f}], p {found.corrected:.4f}"


def print_harvest(place: Path, seed: int) -> None:
    """How good the harvested English is, and how much of it."""
    pairs = read_pairs(place)
    truth = true_english(place, pairs)
    value = chrf([pair.english for pair in pairs], [[text] for text in truth]).value
    exact = fmean(pair.english == text for pair, text in zip(pairs, truth, strict=True))
    counts = (place / "pairs" / "counts.json").read_text("utf-8").split()
    print(f"seed {seed}: chrF++ {value:.1f}, {exact:.1%} exactly right; {' '.join(counts)}")


def main() -> None:
    """Run all seeds, then print the tables."""
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/ldp-loop").absolute()
    seeds = [int(seed) for seed in sys.argv[2:]] or [1, 2, 3]
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    }
    runs: dict[int, RunScores] = {}
    for seed in seeds:
        begun, place = time.monotonic(), out / str(seed)
        words = [str(EXAMPLE), str(place), "base", str(seed)]
        subprocess.run(words, env=environment, check=True, stdout=sys.stderr)
        write_examples(place, seed)
        tune(place, seed)
        runs[seed] = score(place, seed)
        print(f"seed {seed}: {(time.monotonic() - begun) / 60:.1f} minutes", file=sys.stderr)
    print_scores(runs)
    print_comparisons(runs)
    print("\nHarvested English beside the truth:")
    for seed in seeds:
        print_harvest(out / str(seed), seed)


if __name__ == "__main__":
    main()
