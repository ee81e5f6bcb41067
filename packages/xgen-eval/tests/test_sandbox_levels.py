"""How well children are held: levels, and machines that lack something of them.

What is lacking is played by a filter that refuses the calls.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import struct
import subprocess
import sys

import pytest

from xgen_eval.execution import (
    FULL,
    LANDLOCK,
    LIMITS,
    NONE,
    SECCOMP,
    Level,
    Sandbox,
    WeakSandboxError,
)
from xgen_eval.execution.checks import checks
from xgen_eval.execution.inside.syscalls import MACHINE

_COLUMN = {"x86_64": 0, "aarch64": 1}[MACHINE]
_UNSHARE, _LANDLOCK, _SECCOMP = ((272, 97), (444, 444), (317, 277))

_PROGRAM = """
import asyncio, json, sys
from xgen_core import XgenError
from xgen_eval.execution import Job, Sandbox
from xgen_eval.execution.checks import checks
from xgen_eval.execution.inside import seccomp
from xgen_eval.execution.inside.syscalls import prctl

prctl(38, 1)
seccomp.install(bytes.fromhex(sys.argv[1]))

async def work(**options):
    async with Sandbox(**options) as sandbox:
        exit_ = await (await sandbox.start(Job(role="script", payload=b"print(6 * 7)"))).wait()
        return {"said": exit_.stdout, **sandbox.level.to_json()}

try:
    found = asyncio.run(work())
except XgenError as error:
    found = {"refused": str(error), "weak": asyncio.run(work(allow_weak=True))}
print(json.dumps(found | {"doctor": [check.to_json() for check in checks()]}))
"""


def machine_without(**refused: tuple[tuple[int, int], int]) -> dict:
    """What a sandbox does where these calls fail with these errors."""
    lines = [(0x20, 0, 0, 0)]
    for numbers, error in refused.values():
        lines += [(0x15, 0, 1, numbers[_COLUMN]), (0x06, 0, 0, 0x00050000 | error)]
    code = b"".join(struct.pack("=HBBI", *line) for line in [*lines, (0x06, 0, 0, 0x7FFF0000)])
    run = subprocess.run(
        [sys.executable, "-c", _PROGRAM, code.hex()],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def here() -> dict:
    """What this machine gives, with nothing taken away."""
    return machine_without()


def test_without_namespaces_the_rest_holds(here):
    found = machine_without(unshare=(_UNSHARE, errno.EPERM))
    if "landlock" not in here.get("layers", here.get("weak", {}).get("layers")):
        assert "refused" in found
        return
    assert found["layers"] == ["limits", "landlock", "seccomp"]
    assert found["said"] == "42\n"
    assert "Operation not permitted" in found["missing"]["namespaces"]
    (check,) = found["doctor"]
    assert check["status"] == "warning"
    assert "no namespaces: unshare: Operation not permitted" in check["detail"]


def test_without_landlock_namespaces_are_enough(here):
    found = machine_without(landlock=(_LANDLOCK, errno.ENOSYS))
    if "namespaces" not in here.get("layers", here.get("weak", {}).get("layers")):
        assert "refused" in found
        return
    assert found["layers"] == ["limits", "seccomp", "namespaces"]
    assert found["said"] == "42\n"
    assert found["doctor"][0]["status"] == "warning"


def test_without_both_nothing_runs_unless_told():
    found = machine_without(unshare=(_UNSHARE, errno.EPERM), landlock=(_LANDLOCK, errno.EOPNOTSUPP))
    assert "\n" not in found["refused"]
    assert "no landlock" in found["refused"]
    assert "--unsafe" in found["refused"]
    assert found["weak"]["layers"] == ["limits", "seccomp"]
    assert found["weak"]["said"] == "42\n"
    assert found["doctor"][0]["status"] == "warning"


def test_without_seccomp_nothing_runs_unless_told():
    found = machine_without(seccomp=(_SECCOMP, errno.EINVAL))
    assert "no seccomp: seccomp: Invalid argument" in found["refused"]
    assert "seccomp" not in found["weak"]["layers"]


@pytest.mark.parametrize("level", [NONE, LIMITS, LANDLOCK])
def test_a_level_that_is_too_weak_is_refused_unless_told(level):
    async def work(allow_weak: bool) -> Level:
        async with Sandbox(level, allow_weak=allow_weak) as sandbox:
            return sandbox.level

    assert not level.strict
    with pytest.raises(WeakSandboxError, match="--unsafe") as refusal:
        asyncio.run(work(False))
    assert "\n" not in str(refusal.value)
    assert set(asyncio.run(work(True)).layers) <= set(level.layers)


def test_levels_say_what_holds_and_what_does_not():
    assert (SECCOMP.strict, FULL.strict) == (True, True)
    assert (NONE.name, SECCOMP.name) == ("none", "limits+landlock+seccomp")
    level = Level(
        layers=("limits", "landlock"),
        details={"landlock": "version 7"},
        missing={"namespaces": "Operation not permitted"},
    )
    expected = "landlock (version 7), limits; no namespaces: Operation not permitted"
    assert str(level) == expected
    assert Level.from_json(level.to_json()) == level


def test_the_doctor_says_the_level():
    (check,) = checks()
    assert check.name == "sandbox"
    assert (check.status == "ok") == ("namespaces" in check.detail and "no " not in check.detail)
