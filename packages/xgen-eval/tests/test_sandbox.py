"""What a sandbox does with programs, with the limits they run into, and with itself."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import socket
import sys
import tempfile
from pathlib import Path

import pytest

from xgen_core import InputError
from xgen_eval.execution import (
    LARGEST_FRAME,
    NONE,
    Exit,
    FrameError,
    Job,
    Level,
    Limits,
    Sandbox,
    SandboxError,
)

# A machine without Landlock and namespaces runs these tests too: they are about everything else.


def script(code: str, **limits: float) -> Job:
    return Job(role="script", payload=code.encode(), limits=Limits(**limits))


def run(*jobs: Job, modules: tuple[str, ...] = (), level: Level | None = None) -> list[Exit]:
    """How scripts end, one after another in one sandbox."""

    async def work() -> list[Exit]:
        async with Sandbox(level, modules=modules, allow_weak=True) as sandbox:
            return [await (await sandbox.start(job)).wait() for job in jobs]

    return asyncio.run(work())


@pytest.fixture(autouse=True)
def own_directory(tmp_path_factory, monkeypatch):
    """Where the sandboxes of this test have their directories, and those of no other process."""
    directory = tmp_path_factory.mktemp("sandboxes")
    monkeypatch.setattr(tempfile, "tempdir", str(directory))


def test_a_program_speaks_and_ends():
    async def work():
        async with Sandbox(allow_weak=True) as sandbox:
            echo = "channel.send(channel.receive() + b' pong'); print('said'); raise SystemExit(3)"
            child = await sandbox.start(script(echo))
            await child.send(b"ping")
            return await child.receive(), await child.receive(), await child.wait()

    answer, end, exit_ = asyncio.run(work())
    assert (answer, end) == (b"ping pong", None)
    assert (exit_.kind, exit_.code, exit_.stdout, exit_.stderr) == ("exited", 3, "said\n", "")
    assert 0 < exit_.cpu_seconds < 5
    assert exit_.peak_bytes > 1 << 20


@pytest.mark.parametrize(
    ("kind", "code", "job"),
    [
        ("exited", 0, script("print(1)")),
        ("exited", 1, script("1 / 0")),
        ("exited", 1, script("def f(:")),
        ("exited", 0, script("raise SystemExit")),
        ("exited", 1, script("raise SystemExit('no')")),
        ("exited", 5, script("import os; os._exit(5)")),
        ("exited", 0, script("import os; os.close(1); os.close(2); os.close(3)")),
        ("memory", 101, script("bytearray(1 << 30)", memory_bytes=1 << 27)),
        ("denied", 102, script("raise PermissionError(1, 'no')")),
        ("output", None, script("while True: print('x' * 999)", output_bytes=9999)),
        ("output", None, script("import os\nwhile 1: os.write(2, b'x' * 99)", output_bytes=9999)),
        ("wall_time", None, script("import time; time.sleep(9)", wall_seconds=0.2)),
        ("cpu_time", None, script("while True: pass", cpu_seconds=1)),
        (
            "cpu_time",
            None,
            script("import signal; signal.signal(24, lambda *_: 0)\nwhile 1: 0", cpu_seconds=1),
        ),
        ("wall_time", None, script("import os; os.kill(os.getpid(), 19)", wall_seconds=0.2)),
        ("signal", None, script("import ctypes; ctypes.string_at(0)")),
        ("signal", None, script("import os; os.abort()")),
        ("signal", None, script("import os; os.kill(os.getpid(), 15)")),
    ],
)
def test_ends_are_told_apart(kind, code, job):
    (exit_,) = run(job)
    assert (exit_.kind, exit_.code) == (kind, code), exit_


def test_only_the_end_of_what_is_written_is_kept():
    (exit_,) = run(script("print('a' * 100_000 + 'end')"))
    assert exit_.kind == "exited"
    assert exit_.stdout.endswith("aaaend\n")
    assert len(exit_.stdout) < 10_000


def test_streams_that_are_not_text_are_shown_all_the_same():
    (exit_,) = run(script(r"import os; os.write(1, b'\xff\xfe ok'); os.write(2, b'\x80')"))
    assert (exit_.stdout, exit_.stderr) == ("\ufffd\ufffd ok", "\ufffd")


def test_nothing_runs_after_the_end():
    code = """
import atexit, sys
class Late:
    def __del__(self): print("late", flush=True)
late = Late()
atexit.register(print, "later", flush=True)
sys.exit(0)
"""
    assert run(script(code))[0].stdout == ""


def test_a_program_finds_nothing_of_ours(monkeypatch):
    monkeypatch.setenv("XGEN_TEST_SECRET", "secret")
    code = """
import os, sys
def is_open(number):
    try:
        return bool(os.fstat(number))
    except OSError:
        return False
print(dict(os.environ), sys.stdin.read(), [n for n in range(256) if is_open(n)])
"""
    assert run(script(code))[0].stdout == "{}  [0, 1, 2, 3]\n"


def test_programs_do_not_see_each_other():
    first, second = run(
        script("import math, sys; math.pi = 3; sys.modules['planted'] = sys"),
        script("import math, sys; print(math.pi > 3.1, 'planted' in sys.modules)"),
    )
    assert first.code == 0
    assert second.stdout == "True False\n"


def test_two_runs_are_the_same_run():
    code = "import random; print(list({'a', 'b', 'c', 'd'}), random.random(), hash('x'))"
    one, two = run(script(code))[0], run(script(code))[0]
    assert one.stdout == two.stdout != ""


def test_what_programs_commonly_need_works():
    code = """
import asyncio, bisect, bz2, collections, dataclasses, datetime, decimal, fractions, hashlib, heapq
import itertools, json, logging, lzma, pickle, random, re, statistics, string, textwrap, typing
import unittest, uuid, xml.etree.ElementTree, zlib, zoneinfo
async def answer():
    await asyncio.sleep(0)
    return 42
open("/dev/null", "w").write("gone")
print(asyncio.run(answer()), hashlib.sha256(b"x").hexdigest()[:4], re.sub("a", "b", "aa"))
"""
    (exit_,) = run(script(code))
    assert exit_.stdout == "42 2d71 bb\n", exit_


def test_third_party_modules_only_where_they_are_allowed():
    payload = b"import numpy, numpy.testing; print(numpy.linalg.inv(numpy.eye(2))[0, 0])"
    without, allowed = run(
        Job(role="script", payload=payload),
        Job(role="script", payload=payload, modules=("numpy",)),
        modules=("numpy",),
    )
    assert "ModuleNotFoundError" in without.stderr
    assert allowed.stdout == "1.0\n", allowed


def test_a_module_that_is_not_there_is_said_at_once():
    with pytest.raises(InputError, match="no_such_module"):
        run(
            Job(role="script", payload=b"", modules=("no_such_module",)),
            modules=("no_such_module",),
        )


def test_a_job_may_import_no_more_than_its_sandbox():
    with pytest.raises(ValueError, match="numpy"):
        run(Job(role="script", payload=b"", modules=("numpy",)))


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="script"):
        Job(role="nothing", payload=b"")
    with pytest.raises(ValueError, match="memory_bytes"):
        Limits(memory_bytes=1)
    with pytest.raises(ValueError, match="processes"):
        Sandbox(processes=0)
    with pytest.raises(ValueError, match="in this order"):
        Level(layers=("seccomp", "limits"))
    with pytest.raises(ValueError, match="without limits"):
        Level(layers=("seccomp",))


def test_large_payloads_and_frames_come_whole():
    async def work():
        async with Sandbox(allow_weak=True) as sandbox:
            code = "x = channel.receive(); channel.send(x[::-1]); channel.send(b''); #"
            child = await sandbox.start(script(code + "x" * (3 << 20)))
            data = os.urandom(1 << 20) * 3
            await child.send(data)
            assert await child.receive() == data[::-1]
            assert await child.receive() == b""
            assert await child.receive() is None
            with pytest.raises(FrameError):
                await child.send(bytes(LARGEST_FRAME + 1))
            return await child.wait()

    assert asyncio.run(work()).code == 0


def test_a_frame_that_is_too_long_ends_the_child():
    async def work():
        async with Sandbox(allow_weak=True) as sandbox:
            child = await sandbox.start(
                script("import os, time; os.write(3, b'\\xff' * 8); time.sleep(9)")
            )
            return await child.receive(), await child.wait()

    frame, exit_ = asyncio.run(work())
    assert frame is None
    assert exit_.kind == "output"


def test_a_flood_of_frames_waits_until_it_is_read():
    async def work():
        async with Sandbox(allow_weak=True) as sandbox:
            flood = "while True: channel.send(b'x' * 60000)"
            child = await sandbox.start(script(flood, wall_seconds=0.5))
            exit_ = await child.wait()
            frames = 0
            while await child.receive() is not None:
                frames += 1
            return exit_, frames

    exit_, frames = asyncio.run(work())
    assert exit_.kind == "wall_time"
    assert frames < 100  # what the kernel holds, not half a second of them


def test_a_child_that_has_ended_takes_what_is_sent_in_vain():
    async def work():
        async with Sandbox(allow_weak=True) as sandbox:
            child = await sandbox.start(script("channel.send(b'last')"))
            exit_ = await child.wait()
            await child.send(b"too late")
            return exit_.code, await child.receive(), await child.receive(), await child.wait()

    code, last, end, again = asyncio.run(work())
    assert (code, last, end, again.code) == (0, b"last", None, 0)


def test_a_child_can_be_killed():
    async def work():
        async with Sandbox(allow_weak=True) as sandbox:
            child = await sandbox.start(
                script("import time; print('on', flush=True); time.sleep(9)")
            )
            waiting = asyncio.ensure_future(child.receive())
            await asyncio.sleep(0.1)
            child.kill()
            child.kill()
            return await waiting, await child.wait()

    frame, exit_ = asyncio.run(work())
    assert frame is None
    assert (exit_.kind, exit_.signal, exit_.stdout) == ("killed", 9, "on\n")


def test_pairs_do_not_wait_for_each_other():
    async def pair(sandbox: Sandbox) -> bytes | None:
        async with sandbox.slots(2) as slots:
            one = await slots.start(script("channel.send(channel.receive())", wall_seconds=60))
            two = await slots.start(script("channel.send(channel.receive())", wall_seconds=60))
            await one.send(b"x")
            await two.send(await one.receive() or b"")
            return await two.receive()

    async def work():
        async with Sandbox(allow_weak=True, processes=3) as sandbox:
            async with asyncio.timeout(60):
                answers = await asyncio.gather(*(pair(sandbox) for _ in range(12)))
                with pytest.raises(ValueError, match=r"1\.\.3"):
                    async with sandbox.slots(4):
                        pass
                return answers

    assert asyncio.run(work()) == [b"x"] * 12


def test_what_still_runs_at_the_end_of_a_block_is_killed():
    async def work():
        async with Sandbox(allow_weak=True) as sandbox:
            async with sandbox.slots(2) as slots:
                child = await slots.start(script("import time; time.sleep(9)"))
            exit_ = await child.wait()
            async with sandbox.slots(2), asyncio.timeout(30):
                pass
            return exit_.kind

    assert asyncio.run(work()) == "killed"


def test_one_who_gives_up_leaves_nothing_behind():
    async def work():
        async with Sandbox(allow_weak=True) as sandbox:

            async def wait_long() -> None:
                async with sandbox.slots(2) as slots:
                    child = await slots.start(
                        script("import time; time.sleep(30)", wall_seconds=40)
                    )
                    await child.receive()

            tasks = [asyncio.create_task(wait_long()) for _ in range(6)]
            await asyncio.sleep(0.1)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            async with asyncio.timeout(30):
                return await (await sandbox.start(script("print(1)"))).wait()

    assert asyncio.run(work()).stdout == "1\n"


def test_giving_up_at_any_moment_gives_the_processes_back():
    async def work():
        async with Sandbox(allow_weak=True) as sandbox:

            async def hurry(seconds: float) -> None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds), sandbox.slots(2) as slots:
                        await slots.start(script("channel.receive()"))
                        child = await slots.start(script("channel.send(b'x' * 9999)"))
                        await child.receive()

            for i in range(60):
                await hurry(i * 0.0002)
            async with asyncio.timeout(30), sandbox.slots(2):
                return True

    assert asyncio.run(work())


def test_without_descriptors_nothing_is_lost():
    async def work():
        async with Sandbox(allow_weak=True) as sandbox:
            before = _open_files()
            limits = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (before + 3, limits[1]))
            try:
                for _ in range(3):
                    with pytest.raises(SandboxError, match="Too many open files"):
                        await sandbox.start(script("print(1)"))
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            assert _open_files() == before
            return await (await sandbox.start(script("print(1)"))).wait()

    assert asyncio.run(work()).stdout == "1\n"


def test_a_sandbox_that_is_not_entered_says_so():
    async def work():
        sandbox = Sandbox(allow_weak=True)
        async with sandbox:
            pass
        await sandbox.start(script(""))

    with pytest.raises(RuntimeError, match="not entered"):
        asyncio.run(work())


def test_two_children_may_speak_to_each_other_instead():
    asks = """
other = channel.take()
other.send(b"channel.send(channel.receive() * 2)")
other.send(b"12")
channel.send(other.receive())
"""

    async def work() -> bytes | None:
        async with Sandbox(allow_weak=True) as sandbox:
            asking = await sandbox.start(script(asks))
            ours, theirs = socket.socketpair()
            with ours, theirs:
                asking.give(ours)
                answering = await sandbox.start(script(""), theirs)
            with pytest.raises(RuntimeError, match="another channel"):
                await answering.send(b"")
            return await asking.receive()

    assert asyncio.run(work()) == b"1212"


def test_an_interpreter_that_cannot_be_started_is_said(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    before = _directories()
    with pytest.raises(SandboxError, match="/no/such/python"):
        run(script(""))
    assert _directories() == before


def test_a_dead_zygote_is_our_failure_and_is_replaced():
    async def work():
        async with Sandbox(NONE, allow_weak=True) as sandbox:
            bystander = await sandbox.start(script("import time; time.sleep(0.3)"))
            killer = await sandbox.start(script("import os; os.kill(os.getppid(), 9)"))
            for child in (bystander, killer):
                with pytest.raises(SandboxError, match="zygote is gone"):
                    await child.wait()
            return await (await sandbox.start(script("print('again')"))).wait()

    assert asyncio.run(work()).stdout == "again\n"


def test_hundreds_of_runs_leave_nothing_behind():
    gc.collect()  # what earlier tests left to it
    before = _open_files(), _directories(), _processes()

    async def work() -> tuple[int, int]:
        async with Sandbox(allow_weak=True, processes=4) as sandbox:

            async def some(count: int) -> None:
                for i in range(count):
                    code = (
                        "print(1)",
                        "1 / 0",
                        "import os; os.abort()",
                        "channel.send(b'x' * 999)",
                    )
                    child = await sandbox.start(script(code[i % 4]))
                    if i % 3:
                        await child.wait()

            await some(4)
            held = _open_files()
            await asyncio.gather(*(some(60) for _ in range(4)))
            async with sandbox.slots(4):
                return held, _open_files()

    held, after = asyncio.run(work())
    assert after <= held
    gc.collect()
    assert (_open_files(), _directories(), _processes()) == before


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir())) if sys.platform == "linux" else 0


def _processes() -> set[str]:
    """Our children, dead ones that nobody has waited for included."""
    found = set[str]()
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if int(place.read_text().rsplit(")", 1)[1].split()[1]) == os.getpid():
                found.add(place.parent.name)
    return found


def _directories() -> set[str]:
    return {p.name for p in Path(tempfile.gettempdir()).glob("xgen-sandbox-*")}
