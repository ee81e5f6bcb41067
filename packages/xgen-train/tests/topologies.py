"""One recipe on many topologies: the same losses at every step, and the same bytes on a repeat.

    python topologies.py STORE DIRECTORY          one device, eight devices, two processes
    python topologies.py STORE DIRECTORY --all    twelve more

STORE is a token store of bytes with the sources `code` and `prose`; runs are written below
DIRECTORY. Prints, for each topology, the largest relative difference from the run on one device of
any loss in `metrics.jsonl` (of steps and sources, held out, by position) and of any gradient norm.
Ends with an error where it is above rounding, where a step read another batch, or where a repeat
gave other bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from xgen_model import ModelConfig
from xgen_train import OptimizerRecipe, StageRecipe, TrainRecipe

LOSSES, NORMS = 2e-6, 2e-5
"""What passes for rounding: Adam enlarges that of tiny gradients, and a later norm shows it."""
SECONDS = 300
IN_TURN = "--xla_cpu_enable_concurrency_optimized_scheduler=false"
"""On more devices than cores, collectives side by side can wait for each other for ever."""


class Topology(NamedTuple):
    """Processes, devices of each, and how they lie in the mesh."""

    processes: int
    devices: int
    mesh: Mapping[str, int]
    micro_batches: int = 1

    def __str__(self) -> str:
        axes = " ".join(f"{axis}={size}" for axis, size in self.mesh.items())
        parts = f" micro_batches={self.micro_batches}" * (self.micro_batches > 1)
        return f"{self.processes} x {self.devices}  {axes}{parts}"


ONE = Topology(1, 1, {"fsdp": 1})
SOME = (
    Topology(1, 8, {"data": 2, "fsdp": 2, "tensor": 2}),
    Topology(2, 1, {"fsdp": 2}),
)
MORE = (
    Topology(1, 8, {"fsdp": 8}),
    Topology(1, 8, {"data": 8}),
    Topology(1, 8, {"fsdp": 2, "sequence": 2, "tensor": 2}),
    Topology(1, 8, {"data": 2, "sequence": 4}),
    Topology(1, 4, {"fsdp": 4}, micro_batches=2),
    Topology(2, 1, {"data": 2}),
    Topology(2, 1, {"sequence": 2}),
    Topology(2, 1, {"tensor": 2}),
    Topology(2, 2, {"fsdp": 4}, micro_batches=2),
    Topology(2, 4, {"data": 2, "fsdp": 2, "tensor": 2}),
    Topology(4, 1, {"data": 2, "fsdp": 2}),
    Topology(4, 2, {"fsdp": 2, "sequence": 2, "tensor": 2}),
)


def recipe() -> TrainRecipe:
    """Two stages, the second packed by best fit, with documents' edges in every row."""
    return TrainRecipe(
        store="",
        model=ModelConfig(
            vocab_size=264,
            n_tokens=257,
            d_model=32,
            n_layers=2,
            n_heads=4,
            n_kv_heads=2,
            d_ff=64,
            context_length=64,
            scan_layers=True,
        ),
        stages=(
            StageRecipe(sequence_length=32, steps=6),
            StageRecipe(
                sequence_length=64,
                steps=6,
                packing="best_fit",
                weights={"code": 0.75, "prose": 0.25},
            ),
        ),
        batch_tokens=512,
        z_loss=1e-4,
        optimizer=OptimizerRecipe(learning_rate=3e-3, warmup_steps=2),
        evaluate_batches=2,
    )


def run(topology: Topology, store: str, output: Path) -> list[bytes]:
    """Train on a topology through the command; the lines of `metrics.jsonl`."""
    command = [sys.executable, "-m", "xgen_core", "train", "run", f"{__file__}:recipe"]
    command += ["--set", f"store={store}", "--set", "mesh.fsdp=1"]
    command += [f"--set=mesh.{axis}={size}" for axis, size in topology.mesh.items()]
    command += [f"--set=micro_batches={topology.micro_batches}", "-o", str(output)]
    environment = os.environ | {
        "JAX_PLATFORMS": "cpu",
        "JAX_NUM_CPU_DEVICES": str(topology.devices),
    }
    if topology.processes == 1:
        environment["XLA_FLAGS"] = f"{environment.get('XLA_FLAGS', '')} {IN_TURN}".strip()
    if topology.processes > 1:
        environment["JAX_COORDINATOR_ADDRESS"] = f"127.0.0.1:{_free_port()}"
        environment["JAX_NUM_PROCESSES"] = str(topology.processes)
    processes = [
        subprocess.Popen(
            command,
            env=environment | ({"JAX_PROCESS_ID": str(i)} if topology.processes > 1 else {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(topology.processes)
    ]
    try:
        ends = [process.communicate(timeout=SECONDS) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for i, (process, (out, error)) in enumerate(zip(processes, ends, strict=True)):
        if process.returncode:
            sys.exit(f"{topology}: process {i} ended with {process.returncode}:\n{error}")
        if i and ("final loss" in out or error):
            sys.exit(f"{topology}: process {i} has something to say:\n{out}{error}")
    return (output / "metrics.jsonl").read_bytes().splitlines()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def differences(found: object, expected: object, where: str) -> Iterator[tuple[str, float]]:
    """Relative differences of numbers, with their places; all else must be equal."""
    if isinstance(found, dict) and isinstance(expected, dict) and found.keys() == expected.keys():
        for key in found:
            yield from differences(found[key], expected[key], f"{where}.{key}")
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for i, (a, b) in enumerate(zip(found, expected, strict=True)):
            yield from differences(a, b, f"{where}.{i}")
    elif isinstance(found, float) and isinstance(expected, float):
        yield where, abs(found - expected) / max(abs(expected), 1e-30)
    elif found != expected:
        sys.exit(f"{where}: {found!r} where one device has {expected!r}")


def compare(found: Sequence[bytes], expected: Sequence[bytes]) -> tuple[float, float]:
    """The largest relative difference of two runs' losses, and of their gradient norms."""
    if len(found) != len(expected):
        sys.exit(f"{len(found)} lines of metrics where one device has {len(expected)}")
    losses, norms = 0.0, 0.0
    for i, (a, b) in enumerate(zip(found, expected, strict=True), 1):
        for where, value in differences(json.loads(a), json.loads(b), f"line {i}"):
            if where.endswith("gradient_norm"):
                norms = max(norms, value)
            else:
                losses = max(losses, value)
    return losses, norms


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    topologies = [ONE, *SOME, *(MORE if options.all else ())]
    expected: list[bytes] = []
    for topology in topologies:
        name = str(topology).replace(" ", "-")
        found = run(topology, options.store, options.directory / name)
        expected = expected or found
        losses, norms = compare(found, expected)
        if losses > LOSSES or norms > NORMS:
            sys.exit(
                f"{topology}: losses differ from one device's by {losses:.1e}, norms {norms:.1e}"
            )
        if options.all or topology is topologies[-1]:
            again = run(topology, options.store, options.directory / f"{name}-again")
            if again != found:
                sys.exit(f"{topology}: a repeat gave other bytes")
        print(f"{topology!s:45} {losses:.1e}  {norms:.1e}", flush=True)


if __name__ == "__main__":
    main()
