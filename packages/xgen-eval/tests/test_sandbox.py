"""What a sandbox does with programs that mean no harm, and with the limits they run into."""

from __future__ import annotations

import asyncio

from xgen_eval.execution import Job, Sandbox


def test_a_program_speaks_and_ends():
    async def work():
        async with Sandbox(allow_weak=True) as sandbox:
            child = await sandbox.start(Job(role="script", payload=_ECHO))
            await child.send(b"ping")
            answer = await child.receive()
            return answer, await child.receive(), await child.wait()

    answer, end, exit_ = asyncio.run(work())
    assert (answer, end) == (b"ping pong", None)
    assert (exit_.kind, exit_.code, exit_.stdout, exit_.stderr) == ("exited", 3, "said\n", "")


_ECHO = b"""
channel.send(channel.receive() + b" pong")
print("said")
raise SystemExit(3)
"""
