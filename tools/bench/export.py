"""What a streamed export and import cost in memory and time: `python tools/bench/export.py`.

A checkpoint of 1.65 GB (xgen-1b's shapes, 4 layers) is made, exported as float32 and as bfloat16,
and imported again, each in a process of its own whose peak resident memory the system reports.
The promise: at most 1.5 times the largest tensor, plus 500 MB, Python and its libraries included.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

MB = 10**6
FIXED = 500 * MB
COMMAND = "from xgen_core.command import main; main()"
BASELINE = "import xgen_model.hugging_face.exporter, xgen_model.source, safetensors"


def measured(code: str, *arguments: str) -> tuple[float, int]:
    """Seconds and peak resident bytes of a Python process."""
    report = (
        "import json, resource, sys, time\nbegun = time.monotonic()\n"
        f"try:\n    {code.replace(chr(10), chr(10) + '    ')}\n"
        "finally:\n"
        "    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "    print(json.dumps([time.monotonic() - begun, peak]), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", report, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    seconds, peak = json.loads(done.stderr.splitlines()[-1])
    # Linux counts in KiB, macOS in bytes.
    return seconds, int(peak) * (1 if sys.platform == "darwin" else 1024)


def largest_tensor(directory: Path) -> tuple[int, int]:
    """Bytes of the largest tensor in safetensors files, and of all."""
    sizes: list[int] = []
    for file in directory.glob("*.safetensors"):
        with file.open("rb") as handle:
            header = json.loads(handle.read(int.from_bytes(handle.read(8), "little")))
        spans = [v["data_offsets"] for k, v in header.items() if k != "__metadata__"]
        sizes += [end - begin for begin, end in spans]
    return max(sizes), sum(sizes)


def main() -> None:
    """Print peaks, and fail if the promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--preset", default="xgen-1b")
    arguments = parser.parse_args()
    _, baseline = measured(BASELINE)
    print(f"imports alone: {baseline / MB:,.0f} MB")
    broken = False
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        sets = ("--set", f"n_layers={arguments.layers}")
        made = ("model", "init", arguments.preset, "--tokenizer", "xgen", "-o", str(root / "ckpt"))
        subprocess.run([sys.executable, "-c", COMMAND, *made, *sets], check=True)
        runs = [
            ("export float32", ("export", root / "ckpt", "-o", root / "float32")),
            ("export bfloat16", ("export", root / "ckpt", "-o", root / "half", "--dtype=bfloat16")),
            ("import float32", ("import", root / "float32", "-o", root / "again")),
        ]
        for name, call in runs:
            seconds, peak = measured(COMMAND, "model", *map(str, call))
            largest, total = largest_tensor(root / "float32")
            bound = 1.5 * largest + FIXED
            broken |= peak > bound
            print(
                f"{name:<16} {total / MB:,.0f} MB of float32 in {seconds:.1f} s; peak "
                f"{peak / MB:,.0f} MB, {(peak - baseline) / MB:,.0f} over the imports; largest "
                f"tensor {largest / MB:,.0f} MB, bound {bound / MB:,.0f} MB"
                + (": BROKEN" if peak > bound else "")
            )
    sys.exit(broken)


if __name__ == "__main__":
    main()
