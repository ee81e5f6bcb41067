"""Compile training for TPU v4 where there is none: `python tools/compile_for_tpu.py`.

Loss and gradients of two layers with XGen-7B's width, in bfloat16, layers scanned and all of them
computed again in the backward pass, with splash attention; 8,192 tokens a chip. For each sequence
length and mesh: seconds to compile, and bytes on each chip as libtpu accounts for them. Needs
`pip install 'xgen-model[tpu]'`, and no TPU.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import time
from collections import Counter
from collections.abc import Mapping

from xgen_model import make_mesh, preset
from xgen_model.topology import compile_gradient, tpu_devices

TOKENS = 8192
"""Of each chip."""
LENGTHS = (2048, 4096, 8192)
MESHES: tuple[Mapping[str, int], ...] = ({"fsdp": 4}, {"sequence": 2, "tensor": 2})
COLLECTIVES = re.compile(r" (all-gather|all-reduce|reduce-scatter|all-to-all|collective-permute)")


def main() -> None:
    """Print a line for each length and mesh."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--topology", default="v4:2x2x1")
    parser.add_argument("--layers", type=int, default=2)
    options = parser.parse_args()
    devices = tpu_devices(options.topology)
    for length in LENGTHS:
        for shape in MESHES:
            config = dataclasses.replace(
                preset("xgen-7b-8k"),
                n_layers=options.layers,
                context_length=length,
                dtype="bfloat16",
                remat="full",
                scan_layers=True,
            )
            mesh = make_mesh({"data": -1, **shape}, devices=devices)
            begun = time.perf_counter()
            compiled = compile_gradient(config, mesh, len(devices) * TOKENS // length, length)
            seconds = time.perf_counter() - begun
            memory = compiled.memory_analysis()
            found = Counter(COLLECTIVES.findall(compiled.as_text() or ""))
            if memory is None:
                raise SystemExit("this libtpu reports no memory")
            print(
                f"{length:5d} tokens, {' '.join(f'{a}={s}' for a, s in shape.items())}: compiled "
                f"in {seconds:.0f} s; arguments {memory.argument_size_in_bytes / 2**30:.2f}, "
                f"temporary {memory.temp_size_in_bytes / 2**30:.2f} GiB a chip; "
                + ", ".join(f"{n} {name}" for name, n in sorted(found.items())),
                flush=True,
            )


if __name__ == "__main__":
    main()
