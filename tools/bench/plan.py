"""Planning XGen-7B on 128 v4 chips, beside MaxText: memory of a chip, and the whole process's time.

    python tools/bench/plan.py --length 2048
    python tools/bench/plan.py --length 8192 --peer PYTHON

Both compile a real training step ahead of time for v4-256: FSDP over 128 chips, full
rematerialisation, the TPU's attention kernel, float32 masters and moments, bf16 arithmetic. PYTHON
is the interpreter (3.12) of an environment with `pip install 'maxtext[tpu]==0.2.5'`. Rounds take
turns; a round's seconds are of the whole process, imports included.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping

GIB = 2**30
ROWS = {2048: 4, 8192: 1}
"""Rows of a chip by sequence length: 8,192 tokens each."""

PEER = {
    "model_name": "llama2-7b",
    "override_model_config": "true",
    "vocab_size": "51200",
    "compile_topology": "v4-256",
    "compile_topology_num_slices": "1",
    "ici_fsdp_parallelism": "128",
    "remat_policy": "full",
    "attention": "flash",
    "dataset_type": "synthetic",
    "enable_checkpointing": "false",
    "run_name": "plan",
}
QUIET = {
    "DECOUPLE_GCLOUD": "TRUE",
    "JAX_PLATFORMS": "cpu",
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_WORKER_HOSTNAMES": "localhost",
}


def ours(length: int) -> dict[str, float]:
    """What `xgen train plan` says."""
    command = ["train", "plan", "xgen_train.recipes.xgen_7b:base", "--topology", "v4-256"]
    command += ["--seq-len", str(length), "--batch-per-chip", str(ROWS[length]), "--remat", "full"]
    command += ["--set", "model.attention=splash", "--mesh", "fsdp=128", "--json"]
    begun = time.perf_counter()
    plan = json.loads(_run([sys.executable, "-m", "xgen_core", *command], os.environ))
    hbm = plan["hbm"]
    print(f"  ours: {plan['basis']}, {plan['compile_seconds']:.0f} s of it compiling")
    return {
        "seconds": time.perf_counter() - begun,
        "arguments": hbm["arguments_bytes"],
        "temporaries": hbm["temporaries_bytes"],
        "outputs minus aliased": hbm["outputs_bytes"] - hbm["aliased_bytes"],
        "temp_size_in_bytes": hbm["counted_temporaries_bytes"],
    }


def peer(python: str, length: int) -> dict[str, float]:
    """What MaxText's `train_compile` says."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            **PEER,
            "base_output_directory": folder,
            "per_device_batch_size": str(ROWS[length]),
            "max_target_length": str(length),
        }
        found = _run([python, "-c", "import maxtext; print(maxtext.__path__[0])"], QUIET)
        command = [python, "-m", "maxtext.trainers.pre_train.train_compile"]
        command.append(f"{found.strip().splitlines()[-1]}/configs/base.yml")
        begun = time.perf_counter()
        text = _run([*command, *(f"{k}={v}" for k, v in settings.items())], QUIET)
        seconds = time.perf_counter() - begun
    sizes = {name: int(size) for name, size in re.findall(r"\b(\w+)_size_in_bytes=(\d+)", text)}
    return {
        "seconds": seconds,
        "arguments": sizes["argument"],
        "temporaries": sizes["temp"],
        "outputs minus aliased": sizes["output"] - sizes["alias"],
        "temp_size_in_bytes": sizes["temp"],
    }


def _run(command: list[str], environment: Mapping[str, str]) -> str:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        command, env={**kept, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command[:4])} … failed:\n{done.stderr[-2000:]}")
    return done.stdout


def show(name: str, found: Mapping[str, float]) -> None:
    """One side's figures in one line."""
    sizes = "  ".join(f"{k} {v / GIB:.4f} GiB" for k, v in found.items() if k != "seconds")
    print(f"  {name:<8} {found['seconds']:6.1f} s  {sizes}", flush=True)


def main() -> None:
    """Print both sides of every round, and the ratios."""
    parser = argparse.ArgumentParser(description="XGen-7B on 128 v4 chips.")
    parser.add_argument("--length", type=int, choices=sorted(ROWS), action="append")
    parser.add_argument("--peer", help="an interpreter with MaxText 0.2.5")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    for length in options.length or sorted(ROWS):
        print(f"{length} tokens x {ROWS[length]} rows a chip, 128 chips")
        pairs: list[tuple[dict[str, float], dict[str, float]]] = []
        for _ in range(options.rounds):
            mine = ours(length)
            show("ours", mine)
            if options.peer:
                pairs.append((mine, peer(options.peer, length)))
                show("MaxText", pairs[-1][1])
        for name in ("seconds", "arguments", "temporaries") if pairs else ():
            ratios = [mine[name] / theirs[name] for mine, theirs in pairs]
            print(
                f"  ours / MaxText, {name}: {statistics.median(ratios):.3f} "
                f"({min(ratios):.3f} to {max(ratios):.3f})"
            )


if __name__ == "__main__":
    main()
