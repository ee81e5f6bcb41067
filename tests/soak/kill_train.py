"""Kill a training run at random points, again and again, and compare what comes of it.

    python tests/soak/kill_train.py --kills 25 [--seed 0] [--per-run 4]

The run is the real command on a tiny model: two sequence lengths, held-out loss, and three steps
whose gradients are NaN, so that it goes back to a checkpoint once. Each start is killed with
SIGKILL at a point drawn by chance: around a step, before or in the middle of a file of a
checkpoint, before or after the rename that makes it count, while an old one is removed, while one
is restored, around the return, or after some time, wherever it is then. A start after a kill is
killed again. After some kills the run is left to finish: its `metrics.jsonl` (losses, and which
windows every step read) must be the undisturbed one's to the byte, its last weights and optimizer
state too. Ends with exit code 1 if one differs, or if a phase was never hit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
PHASES = ("step", "write", "rename", "remove", "restore", "rollback")
INJECTED = "nan@17,nan@18,nan@19"
RECIPE = """
from xgen_model import ModelConfig
from xgen_train import GuardRecipe, OptimizerRecipe, StageRecipe, TrainRecipe

def make():
    model = ModelConfig(vocab_size=257, n_tokens=257, d_model=32, n_layers=2, n_heads=2,
                        n_kv_heads=2, d_ff=64, context_length=64)
    return TrainRecipe(
        store={store!r}, model=model, batch_tokens=256,
        stages=(
            StageRecipe(sequence_length=32, steps=12), StageRecipe(sequence_length=64, steps=18)
        ),
        optimizer=OptimizerRecipe(learning_rate=1e-2, warmup_steps=4),
        guard=GuardRecipe(skip_batches=3), checkpoint_every=3, evaluate_every=8, evaluate_batches=1,
    )
"""


class Campaign:
    """One series of kills."""

    def __init__(self, directory: Path) -> None:
        self.state = directory / "state"
        self.state.mkdir(parents=True)
        self.recipe = directory / "recipe.py"
        self.recipe.write_text(RECIPE.format(store=str(make_store(directory))))
        paths = [str(HERE / "hook"), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.environment = {
            "JAX_COMPILATION_CACHE_DIR": str(directory / "cache"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **os.environ,
            "SOAK": str(self.state),
            "PYTHONPATH": os.pathsep.join(paths),
            "JAX_PLATFORMS": "cpu",
        }

    def start(self, run: Path, plan: dict[str, object]) -> bool:
        """One start of the run; says whether it came to its end."""
        for old in self.state.glob("hits-*"):
            old.unlink()
        (self.state / "plan.json").write_text(json.dumps(plan))
        command = [sys.executable, "-m", "xgen_core", "train", "run", f"{self.recipe}:make"]
        # the group is known before anything can be hit: the shell waits for the line
        gate = ["sh", "-c", 'read -r go; exec "$0" "$@"', *command]
        with subprocess.Popen(
            [*gate, "--output", str(run), "--no-tensorboard", "--inject", INJECTED],
            env=self.environment,
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            (self.state / "group").write_text(str(process.pid))
            _, error = process.communicate("go\n")
        if process.returncode > 0:
            raise SystemExit(f"the run failed: {error}")
        return process.returncode == 0

    def hits(self) -> dict[str, int]:
        """How often the last start passed a point of each phase."""
        return {p.name.removeprefix("hits-"): p.stat().st_size for p in self.state.glob("hits-*")}

    def kills(self) -> list[dict[str, str]]:
        """What was killed so far."""
        log = self.state / "kills.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def make_store(directory: Path) -> Path:
    """A token store of the email package, in bytes."""
    import email

    from xgen_core.testing import ByteTokenizer
    from xgen_data import DataRecipe, SourceConfig, build

    sources = (SourceConfig(name="email", uri=f"code:{Path(email.__file__).parent}"),)
    recipe = DataRecipe(sources=sources, validation_fraction=0.1, block_tokens=4096)
    return build(recipe, directory / "store", tokenizer=ByteTokenizer(bos=True))


def rows(run: Path) -> list[str]:
    """The lines of `metrics.jsonl`: losses, and a digest of what each step read."""
    return (run / "metrics.jsonl").read_text().splitlines()


def weights(run: Path) -> dict[str, str]:
    """Checksums of the arrays of the last checkpoint."""
    steps = (int(p.name) for p in (run / "checkpoints").iterdir() if p.name.isdigit())
    manifest = run / "checkpoints" / str(max(steps)) / "manifest.json"
    files = json.loads(manifest.read_text())["files"]
    return {n: e["sha256"] for n, e in files.items() if not Path(n).name.startswith("_")}


def differences(run: Path, reference: Path) -> list[str]:
    """What of a finished run is not the undisturbed one's."""
    found = []
    for number, (a, b) in enumerate(zip(rows(run), rows(reference), strict=False), 1):
        if a != b:
            found.append(f"row {number}: {a} instead of {b}")
    if len(rows(run)) != len(rows(reference)):
        found.append(f"{len(rows(run))} rows instead of {len(rows(reference))}")
    if weights(run) != weights(reference):
        found.append("the last checkpoint differs")
    return found


def main() -> None:
    """Run the campaign and print what was hit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--per-run", type=int, default=4, help="kills before a run may finish")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        campaign = Campaign(Path(directory))
        ok = carry_out(campaign, arguments, random.Random(arguments.seed), Path(directory))
    raise SystemExit(0 if ok else 1)


def carry_out(
    campaign: Campaign, arguments: argparse.Namespace, chance: random.Random, directory: Path
) -> bool:
    """Kill until enough was killed; says whether every run came out right."""
    whole = directory / "undisturbed"
    campaign.start(directory / "warm", {})  # fills the cache of compiled programs
    begun = time.monotonic()
    campaign.start(whole, {})
    seconds, usual = time.monotonic() - begun, campaign.hits()
    usual["restore"] = 4  # an undisturbed run restores once, when it goes back
    print(f"undisturbed: {len(rows(whole))} rows in {seconds:.1f} s; points passed: {usual}")
    run, since, different, finished, resumed = directory / "run-0", 0, 0, 0, 0
    while len(campaign.kills()) < arguments.kills or since:
        kills = campaign.kills()
        plan: dict[str, object] = {}
        if len(kills) < arguments.kills and since < arguments.per_run:
            plan = draw(chance, [k["phase"] for k in kills], since, usual, seconds)
        ended = campaign.start(run, plan)
        if len(campaign.kills()) > len(kills):
            last = campaign.kills()[-1]
            resumed += since > 0
            since += 1
            print(f"kill {len(kills) + 1:2d}: {last['phase']}: {last['at']} (start {since})")
            continue
        if not ended or plan:  # the point did not come any more, or the run was over before
            since = max(since, 1)
            if not ended:
                raise SystemExit("a start died without being killed")
        for line in (found := differences(run, whole))[:5]:
            print(f"DIFFERENT after {since} kills: {line}")
        different += bool(found)
        finished, since = finished + 1, 0
        shutil.rmtree(run)
        run = directory / f"run-{finished}"
    counts = Counter(kill["phase"] for kill in campaign.kills())
    print(f"{sum(counts.values())} kills ({resumed} of a start after a kill): {dict(counts)}")
    missed = [phase for phase in PHASES if not counts[phase]]
    if missed:
        print(f"never hit: {', '.join(missed)}")
    print(
        f"{finished} runs finished, "
        + (f"{different} DIFFER" if different else "each the undisturbed one to the byte")
    )
    return not different and not missed


def draw(
    chance: random.Random, hit: list[str], since: int, usual: dict[str, int], seconds: float
) -> dict[str, object]:
    """Where the next start is killed: what was never hit comes first, a third by time alone."""
    possible = [p for p in PHASES if since or p != "restore"]
    missing = [p for p in possible if p not in hit]
    if not missing and chance.random() < 1 / 3:
        return {"seconds": chance.uniform(0.3, 1.0) * seconds}
    phase = chance.choice(missing or possible)
    # a start behind a checkpoint passes fewer points than one from the beginning
    most = max(1, usual[phase] // (1 + since))
    return {"phase": phase, "count": chance.randint(1, most)}


if __name__ == "__main__":
    main()
