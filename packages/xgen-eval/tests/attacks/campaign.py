"""Run all attacks, undefended and then in every strict level; the answer is JSON.

`python campaign.py UID [LAYER,...]...`: as that user, with those layers one after another.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # -P leaves it out

import files
import kernel
import network
import processes
import resources
from attack import OFF, STRICT, Attack
from ordinary import become_ordinary
from world import World

from xgen_eval.execution import (
    NONE,
    Child,
    Exit,
    Job,
    Level,
    Sandbox,
    SandboxError,
    WeakSandboxError,
)

AIMED: list[Attack] = [
    *files.ATTACKS,
    *processes.ATTACKS,
    *kernel.ATTACKS,
    *network.ATTACKS,
]
ATTACKS = [*AIMED, *resources.ATTACKS]

_PROLOGUE = """
import ctypes, importlib, json, os, signal, socket, stat, struct, sys, time
W = json.loads({facts!r})
NR = json.loads({numbers!r})
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    longs = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(*longs)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
def escaped(done):
    if done:
        print('ESCAPED', flush=True)
"""


async def run(sandbox: Sandbox, attack: Attack, world: World, numbers: dict[str, int]) -> str:
    """Let it try; what came of it: ESCAPED, or how it ended."""
    facts, limits = json.dumps(world.facts()), STRICT if sandbox.level.layers else OFF
    code = _PROLOGUE.format(facts=facts, numbers=json.dumps(numbers)) + attack.code
    try:
        child = await sandbox.start(Job(role="script", payload=code.encode(), limits=limits))
        exit_, _ = await asyncio.gather(child.wait(), converse(child))
    except SandboxError as error:
        return f"ESCAPED {error}"
    return "ESCAPED" if succeeded(attack, exit_, world) else f"{exit_.kind}: {exit_.stderr[-300:]}"


async def converse(child: Child) -> None:
    """Answer whatever it sends."""
    while await child.receive() is not None:
        await child.send(b"yes?")


def succeeded(attack: Attack, exit_: Exit, world: World) -> bool:
    """Whether it said so, or its target shows it."""
    if attack.ending and exit_.kind != "exited":
        return False
    return "ESCAPED" in exit_.stdout.split() or attack.effect(world)


async def campaign(level: Level, directory: Path) -> dict[str, object]:
    """All attacks under one level: those that wear it out at once, the others one by one."""
    numbers = json.loads((Path(__file__).parent / "numbers.json").read_text())[os.uname().machine]
    world = World(directory)
    found: dict[str, str] = {}
    try:
        async with (
            Sandbox(level, allow_weak=not level.strict) as sandbox,
            Sandbox(level, allow_weak=not level.strict, processes=len(resources.ATTACKS)) as other,
        ):
            wearing = [run(other, attack, world, numbers) for attack in resources.ATTACKS]
            worn = asyncio.gather(*wearing)
            for attack in AIMED:
                found[attack.name] = await run(sandbox, attack, world, numbers)
                world.restore()
            for attack, outcome in zip(resources.ATTACKS, await worn, strict=True):
                found[attack.name] = outcome
            return {"level": str(sandbox.level), "strict": sandbox.level.strict, "found": found}
    except WeakSandboxError as error:
        return {"refused": str(error)}
    finally:
        world.close()


def main() -> None:
    """Run the campaign as the user named."""
    user = int(sys.argv[1])
    if user != os.getuid():
        become_ordinary(user)
    levels = [NONE, *(Level(layers=tuple(text.split(","))) for text in sys.argv[2:])]
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        results = [asyncio.run(campaign(level, Path(directory))) for level in levels]
    attacks = [{"name": a.name, "root": a.root, "kernel": a.kernel} for a in ATTACKS]
    print(json.dumps({"attacks": attacks, "results": results}))


if __name__ == "__main__":
    main()
