"""Kill a data build at random points, again and again, and compare what comes of it.

    make soak                                  30 kills of a local build, 30 of one on Ray
    python tests/soak/kill_build.py --kills 30 [--ray] [--seed 0]

The build is the real command on the real standard library. Each start is killed with SIGKILL at a
point drawn by chance: in the middle of work, before or after a rename, around the writing of a
manifest, or while receipts of an earlier start are read. After some kills the build is left to
finish, and its store must be the undisturbed one's to the byte. Ends with exit code 1 if one
differs, or if a phase was never hit.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
PHASES = ("work", "rename", "manifest", "restore")
RECIPE = """
from xgen_data import DataRecipe, SourceConfig

def make():
    import email, json, os
    return DataRecipe(
        sources=(
            SourceConfig(name="email", uri="code:" + os.path.dirname(email.__file__)),
            SourceConfig(name="json", uri="code:" + os.path.dirname(json.__file__)),
        ),
        validation_fraction=0.1, shard_bytes=40_000, block_tokens=4096,
    )
"""


class Campaign:
    """One series of kills."""

    def __init__(self, directory: Path, ray: str | None) -> None:
        self.directory = directory
        self.state = directory / "state"
        self.state.mkdir(parents=True)
        self.recipe = directory / "recipe.py"
        self.recipe.write_text(RECIPE)
        self.ray = ray

    def start(self, store: Path, plan: dict[str, object] | None) -> int:
        """One start of the build; returns its exit code, negative for a signal."""
        for old in self.state.glob("hits-*"):
            old.unlink()
        (self.state / "plan.json").unlink(missing_ok=True)
        if plan:
            (self.state / "plan.json").write_text(json.dumps(plan))
        who = ["--ray", self.ray] if self.ray else ["--workers", "2"]
        command = [sys.executable, "-m", "xgen_core", "data", "build", f"{self.recipe}:make"]
        # the group is known before anything can be hit: the shell waits for the line
        gate = ["sh", "-c", 'read -r go; exec "$0" "$@"', *command]
        with subprocess.Popen(
            [*gate, "--output", str(store), *who],
            env=environment(self.state),
            start_new_session=True,  # a process group of its own, to be killed as a whole
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            (self.state / "group").write_text(str(process.pid))
            _, error = process.communicate("go\n")
        if process.returncode > 0:
            raise SystemExit(f"the build failed: {error}")
        return process.returncode

    def hits(self) -> dict[str, int]:
        """How often the last start passed a point of each phase."""
        return {p.name.removeprefix("hits-"): p.stat().st_size for p in self.state.glob("hits-*")}

    def kills(self) -> list[dict[str, str]]:
        """What was killed so far."""
        log = self.state / "kills.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def environment(state: Path) -> dict[str, str]:
    """The environment that puts the hook into every process."""
    return {**os.environ, "SOAK": str(state), "PYTHONPATH": str(HERE / "hook")}


def content(store: Path) -> dict[str, str]:
    """Checksum of every file below a store."""
    files = (path for path in store.rglob("*") if path.is_file())
    return {str(p.relative_to(store)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def main() -> None:
    """Run the campaign and print what was hit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--per-store", type=int, default=4, help="kills before a store may finish")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ray", action="store_true", help="on a Ray cluster of two nodes here")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        if arguments.ray:
            from cluster import two_nodes

            with two_nodes(environment(root / "c" / "state")) as address:
                ok = run(Campaign(root / "c", address), arguments, chance)
        else:
            ok = run(Campaign(root / "c", None), arguments, chance)
    raise SystemExit(0 if ok else 1)


def run(campaign: Campaign, arguments: argparse.Namespace, chance: random.Random) -> bool:
    """Kill until enough was killed; says whether every store came out right."""
    whole = campaign.directory / "undisturbed"
    campaign.start(whole, None)
    reference, usual = content(whole), campaign.hits()
    usual.setdefault("restore", 12)  # an undisturbed build restores nothing
    print(f"undisturbed: {len(reference)} files; points passed: {usual}")
    store, since, different, finished = campaign.directory / "store-0", 0, 0, 0
    passed: Counter[str] = Counter()  # points of this store that earlier starts had behind them
    while len(campaign.kills()) < arguments.kills or since:
        enough = len(campaign.kills()) >= arguments.kills or since >= arguments.per_store
        # what was never hit comes first; a fresh store has nothing to restore
        possible = PHASES if since else PHASES[:-1]
        missing = [p for p in possible if p not in {k["phase"] for k in campaign.kills()}]
        phase = chance.choice(missing or possible)
        plan = {"phase": phase, "count": chance.randint(1, max(1, usual[phase] - passed[phase]))}
        if arguments.ray and phase in ("work", "rename"):
            plan["only_this_process"] = chance.random() < 0.5
        before = len(campaign.kills())
        campaign.start(store, None if enough else plan)
        if len(campaign.kills()) > before:
            since += 1
            passed.update(campaign.hits())
            passed["restore"] = 0  # each start does that again
            last = campaign.kills()[-1]
            print(f"kill {before + 1:2d}: {last['phase']}, {last['at']} (point {last['hit']})")
            if not (store / "manifest.json").exists() or not plan.get("only_this_process"):
                continue
        if (same := content(store)) != reference:
            different += 1
            wrong = sorted(n for n in {*same, *reference} if same.get(n) != reference.get(n))
            print(f"DIFFERENT after {since} kills: {', '.join(wrong[:10])}")
        finished, since, passed = finished + 1, 0, Counter()
        shutil.rmtree(store)
        store = campaign.directory / f"store-{finished}"
    counts = Counter(kill["phase"] for kill in campaign.kills())
    print(f"{sum(counts.values())} kills: {dict(counts)}; {finished} stores finished")
    missed = [phase for phase in PHASES if not counts[phase]]
    if missed:
        print(f"never hit: {', '.join(missed)}")
    print("every store is the undisturbed one to the byte" if not different else "STORES DIFFER")
    return not different and not missed


if __name__ == "__main__":
    main()
