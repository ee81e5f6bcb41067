"""What a sandboxed child costs: `python tools/bench/sandbox.py [--children N]`.

Trivial programs, one after another and two at a time, under more and more layers: children per
second, and the processor time of one, for harness, zygote and child together (Linux counts it all
by the time the sandbox has been closed). A layer's cost is the difference to the line before.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import time
from collections.abc import Sequence

from xgen_eval.execution import FULL, LANDLOCK, LIMITS, NONE, SECCOMP, Job, Level, Sandbox


def used() -> float:
    """Processor seconds of this process and of all that it has waited for."""
    own, waited = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + waited.ru_utime + waited.ru_stime


async def measure(
    level: Level, children: int, at_once: int, modules: Sequence[str]
) -> tuple[float, float]:
    """Seconds of wall time, and of processor time with the start and the end, for so many."""
    job = Job(role="script", payload=b"print(6 * 7)", modules=tuple(modules))
    begun = used()
    async with Sandbox(level, modules=modules, processes=at_once, allow_weak=True) as sandbox:

        async def run(count: int) -> None:
            for _ in range(count):
                exit_ = await (await sandbox.start(job)).wait()
                if exit_.stdout != "42\n":
                    raise SystemExit(f"{sandbox.level}: {exit_}")

        await run(1)
        wall = time.perf_counter()
        await asyncio.gather(*(run(children // at_once) for _ in range(at_once)))
        wall = time.perf_counter() - wall
    return wall, used() - begun


def line(name: str, level: Level, children: int, at_once: int, modules: Sequence[str]) -> None:
    """Measure, and print; the start is measured apart and taken off."""
    start = min(asyncio.run(measure(level, 0, at_once, modules))[1] for _ in range(2))
    wall, cpu = min(asyncio.run(measure(level, children, at_once, modules)) for _ in range(3))
    print(
        f"{name:<32} {at_once} at once: {children / wall:6.0f} children per second, "
        f"{1e3 * (cpu - start) / children:5.2f} ms of processor each; start {1e3 * start:.0f} ms"
    )


def main() -> None:
    """Print all lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--children", type=int, default=300)
    children = parser.parse_args().children
    print(f"{os.cpu_count()} processors, user {os.getuid()}")
    levels = {"none": NONE, "limits": LIMITS, "+ landlock": LANDLOCK, "+ seccomp": SECCOMP}
    for at_once in (1, 2):
        for name, level in (levels | {"+ namespaces": FULL}).items():
            line(name, level, children, at_once, ())
    line("all layers, with numpy", FULL, children, 2, ("numpy",))


if __name__ == "__main__":
    main()
