"""Training on the CPU beside others: `python tools/bench/train.py`.

A Llama of 33.7M parameters (preset `small`), 8 rows of 512 tokens, float32, AdamW, clipping; the
same weights and ids for ours, the naive one and PyTorch, whose losses are compared. Sides run in
turn, a few steps at a time, for several rounds: printed are medians, the ratio of each round, and
beside them the matrix products alone and the time of the first step, which compiles.

    ours      `compile_step` of xgen-train as `xgen train run` uses it
    naive     a plain JAX scan over layers, einsum attention, optax (`train_naive.py`)
    torch     transformers' Llama, eager, SDPA
    maxtext   MaxText 0.2.5's own train step; left out unless --maxtext names its Python (3.12)

Needs xgen-train, torch and transformers.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from train_side import ROWS, TIME

HERE = Path(__file__).resolve().parent


class Side:
    """A process that trains when it is told to."""

    def __init__(self, name: str, command: list[str], log: Path, *, clean: bool = False) -> None:
        self.name, self.log = name, log
        environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
        if clean:  # another interpreter must not see this one's packages
            environment.pop("PYTHONPATH", None)
        environment.pop("JAX_COMPILATION_CACHE_DIR", None)
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment,
            )
        self.about = self.read()
        self.seconds: list[float] = []
        self.losses: list[float] = [self.about["first_loss"]]

    def read(self) -> dict[str, Any]:
        """The next line; what a library printed before it is passed over."""
        assert self.process.stdout
        line = next((x for x in self.process.stdout if x.startswith("{")), "")
        if not line:
            raise SystemExit(
                f"{self.name} failed:\n{self.log.read_text('utf-8', 'replace')[-2000:]}"
            )
        return json.loads(line)

    def run(self, steps: int) -> None:
        """Train some steps; the median of the round is kept."""
        assert self.process.stdin
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        found = self.read()
        self.seconds.append(statistics.median(found["seconds"]))
        self.losses += found["losses"]

    def close(self) -> None:
        """Let it end."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def report(sides: list[Side]) -> None:
    """Print the table."""
    ours = sides[0]
    print("\nside           s/step    tok/s   first step s   ours is quicker by (rounds)")
    for side in sides:
        middle = statistics.median(side.seconds)
        ratios = sorted(b / a for a, b in zip(ours.seconds, side.seconds, strict=True))
        print(
            f"{side.name:14} {middle:6.2f}   {ROWS * TIME / middle:6.0f}   "
            f"{side.about['first_step_seconds']:12.1f}   {statistics.median(ratios):.2f} "
            f"({ratios[0]:.2f} to {ratios[-1]:.2f})"
        )
    for side in sides:
        if side.name.startswith("matmuls"):
            print(f"{side.name}: {statistics.median(side.losses):.0f} GFLOP/s")
        else:
            print(f"{side.name}: losses {', '.join(f'{x:.5f}' for x in side.losses[:6])}")


def main() -> None:
    """Run all sides."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--maxtext", help="Python of an environment with maxtext[tpu]==0.2.5")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2, help="of each side in a round")
    parser.add_argument("--output", type=Path, help="JSON with everything that was measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        start = str(Path(scratch) / "start.npz")

        def begin(name: str, script: str, *more: str, python: str = sys.executable) -> Side:
            command = [python, str(HERE / script), start, *more]
            print(f"starting {name}", flush=True)
            clean = python != sys.executable
            return Side(name, command, Path(scratch) / f"{name}.log", clean=clean)

        sides = [
            begin("ours", "train_ours.py", "--make"),
            begin("naive", "train_naive.py"),
            begin("torch", "train_torch.py"),
        ]
        if options.maxtext:
            sides.append(begin("maxtext", "train_maxtext.py", python=options.maxtext))
        sides.append(begin("matmuls jax", "train_matmuls.py", "jax"))
        sides.append(begin("matmuls torch", "train_matmuls.py", "torch"))
        for side in sides:  # a step more before counting
            side.run(1)
            side.seconds.clear()
        for number in range(options.rounds):
            for side in sides:
                side.run(options.steps)
            shown = ", ".join(f"{side.name} {side.seconds[-1]:.2f}" for side in sides)
            print(f"round {number + 1}: {shown}; load {os.getloadavg()[0]:.1f}", flush=True)
        for side in sides:
            side.close()
        report(sides)
        if options.output:
            found = {s.name: {**s.about, "seconds": s.seconds, "losses": s.losses} for s in sides}
            options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
