"""What `xgen doctor` says of running untrusted code on this machine."""

from __future__ import annotations

import asyncio

from xgen_core.records import Check
from xgen_eval.execution.errors import SandboxError
from xgen_eval.execution.level import Level
from xgen_eval.execution.sandbox import Sandbox

__all__ = ["checks"]


def checks() -> list[Check]:
    """The level that a sandbox reaches here, found by starting one."""
    try:
        level = asyncio.run(_level())
    except SandboxError as error:
        return [Check(name="sandbox", status="failure", detail=str(error))]
    if level.strict and not level.missing:
        return [Check(name="sandbox", status="ok", detail=str(level))]
    if level.strict:
        return [Check(name="sandbox", status="warning", detail=f"strict, though not all: {level}")]
    advice = "code of models is run with --unsafe only; Linux 5.13 or newer holds it"
    return [Check(name="sandbox", status="warning", detail=f"{level}; {advice}")]


async def _level() -> Level:
    async with Sandbox(allow_weak=True) as sandbox:
        return sandbox.level
