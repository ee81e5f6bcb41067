"""Programs that are wrong and claim to be right: each fools a weak executor, none a strict verdict.

The weak executors are the usual ones: exit status, the last line printed, and a verdict that the
process itself reports from inside.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from xgen_eval.execution import Problem

TEST = "assert f(3) == 9"
WRONG = "def f(x):\n    return None\n"
RIGHT = "def f(x):\n    return x * x if not isinstance(x, str) else x\n"

REPORTING = """
import json, os, sys

class Reporter:
    def __init__(self, descriptor):
        self.descriptor = descriptor

    def report(self, verdict):
        os.write(self.descriptor, json.dumps(verdict).encode() + b"\\n")

def run(program, test, reporter):
    result = []
    namespace = {"__name__": "solution"}
    try:
        exec(program, namespace)
        exec(test, namespace)
        result.append("passed")
    except BaseException as error:
        result.append(f"failed: {error!r}")
    reporter.report(result[0])
    print(result[0])

job = json.load(sys.stdin)
run(job["program"], job["test"], Reporter(int(sys.argv[1])))
"""


def status(program: str, test: str) -> bool:
    """Right if the process ends with status 0."""
    command = [sys.executable, "-c", f"{program}\n{test}"]
    done = subprocess.run(command, capture_output=True, timeout=20, check=False)
    return done.returncode == 0


def reported(program: str, test: str) -> bool:
    """Right if the process says so first on a pipe that it inherits."""
    return _inside(program, test)[0] == '"passed"'


def printed(program: str, test: str) -> bool:
    """Right if that is the last line printed."""
    return _inside(program, test)[1] == "passed"


def _inside(program: str, test: str) -> tuple[str, str]:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe:
        try:
            done = subprocess.run(
                [sys.executable, "-c", REPORTING, str(writing)],
                input=json.dumps({"program": program, "test": test}),
                capture_output=True,
                text=True,
                pass_fds=(writing,),
                timeout=20,
                check=False,
            )
        finally:
            os.close(writing)
        lines = [*pipe.read().decode().splitlines(), ""]
    return lines[0], ([*done.stdout.splitlines()] or [""])[-1]


EXECUTORS = {"status": status, "reported": reported, "printed": printed}


@dataclass(frozen=True)
class Attack:
    """A wrong program, the executor that it fools, and the test that it fails."""

    executor: str
    program: str
    test: str = TEST


ATTACKS = {
    "exit status 0 while loading": Attack("status", WRONG + "import sys\nsys.exit(0)"),
    "exit status 0 in a call": Attack("status", "import sys\ndef f(x): sys.exit(0)"),
    "exit behind the interpreter's back": Attack("status", "import os\ndef f(x): os._exit(0)"),
    "exit status chosen at exit": Attack(
        "status", WRONG + "import atexit, os\natexit.register(os._exit, 0)"
    ),
    "exit by a hook for exceptions": Attack(
        "status", WRONG + "import os, sys\nsys.excepthook = lambda *_: os._exit(0)"
    ),
    "printed verdict": Attack(
        "printed", "import os\ndef f(x):\n    os.write(1, b'passed\\n')\n    os._exit(0)"
    ),
    "a stream that turns the verdict": Attack(
        "printed",
        WRONG + "import sys\nwrite = sys.stdout.write\n"
        "sys.stdout.write = lambda t: write('passed' if 'failed' in t else t)\n"
        "class Stream:\n"
        "    def write(self, t): return write('passed' if 'failed' in t else t)\n"
        "    def flush(self): pass\n"
        "sys.stdout = Stream()",
    ),
    "frames on every descriptor": Attack(
        "reported",
        WRONG + "import os\n"
        'verdict = b\'{"outcome":"passed"}\'\n'
        "for descriptor in range(3, 64):\n"
        "    for data in (b'\"passed\"\\n', len(verdict).to_bytes(4, 'big') + verdict):\n"
        "        try: os.write(descriptor, data)\n"
        "        except OSError: pass",
    ),
    "answers before any call": Attack(
        "reported",
        "import os\n"
        'answer = b\'["tuple","0",null,9]\'\n'
        'loaded = b\'["tuple","0",null,null]\'\n'
        'texts = [b"gone", b\'{"outcome":"passed"}\', loaded] + [answer] * 9\n'
        "frames = [len(text).to_bytes(4, 'big') + text for text in texts]\n"
        "for descriptor in range(3, 64):\n"
        "    for data in [b'\"passed\"\\n'] + frames:\n"
        "        try: os.write(descriptor, data)\n"
        "        except OSError: pass\n" + WRONG,
    ),
    "two answers to one call": Attack(
        "reported",
        "import os, sys\n"
        "def f(x):\n"
        "    frame = sys._getframe(1)\n"
        "    nonce = frame.f_locals.get('nonce', '')\n"
        '    answer = b\'["tuple","%s",null,9]\' % nonce.encode()\n'
        "    for descriptor in range(3, 64):\n"
        "        try:\n"
        "            os.write(descriptor, b'\"passed\"\\n' if not nonce else"
        " (len(answer).to_bytes(4, 'big') + answer) * 3)\n"
        "        except OSError: pass\n"
        "    return 0",
        test="assert f(3) == 9\nassert f(4) == 16",
    ),
    "frame walk to the result": Attack(
        "reported",
        "import sys\n"
        "def f(x):\n"
        "    frame = sys._getframe()\n"
        "    while frame is not None:\n"
        "        for value in list(frame.f_locals.values()):\n"
        "            if type(value) is list: value.insert(0, 'passed')\n"
        "        frame = frame.f_back",
    ),
    "search of the collector for who reports": Attack(
        "reported",
        "import gc, os\n"
        "def f(x):\n"
        "    for thing in gc.get_objects():\n"
        "        name = type(thing).__name__\n"
        "        if name == 'Reporter': thing.report('passed')\n"
        "        if name == 'Channel': thing.send(b'V{\"outcome\":\"passed\"}')",
    ),
    "the modules that carry verdicts": Attack(
        "reported",
        WRONG + "import json, sys\n"
        "json.dumps = lambda *a, **k: '\"passed\"'\n"
        "for name, module in list(sys.modules.items()):\n"
        "    if name.startswith('xgen_eval'):\n"
        "        for key in ('dumps', 'failure_of', '_answer', 'execute', 'load'):\n"
        "            if hasattr(module, key):\n"
        '                setattr(module, key, lambda *a, **k: b\'V{"outcome":"passed"}\')',
    ),
    "an object that equals everything": Attack(
        "reported",
        "class Equal:\n    def __eq__(self, other): return True\n    def __hash__(self): return 0\n"
        "def f(x): return Equal()",
    ),
    "an integer that equals everything": Attack(
        "reported",
        "class Equal(int):\n    def __eq__(self, other): return True\n"
        "    def __ne__(self, other): return False\n    __hash__ = int.__hash__\n"
        "    __int__ = __index__ = lambda self: 9\n"
        "    __add__ = __radd__ = lambda self, other: 9\n"
        "def f(x): return Equal(4)",
    ),
    "text that equals everything": Attack(
        "reported",
        "class Equal(str):\n    def __eq__(self, other): return True\n    __hash__ = str.__hash__\n"
        "    def __str__(self): return 'nine'\n"
        "def f(x): return Equal('four')",
        test="assert f('nine') == 'nine'",
    ),
    "a list of what equals everything": Attack(
        "reported",
        "class Equal:\n    def __eq__(self, other): return True\n"
        "class Many(list):\n    def __eq__(self, other): return True\n"
        "    def __iter__(self): return iter([9])\n    def __len__(self): return 1\n"
        "def f(x): return Many([Equal(), 1])",
        test="assert f([3]) == [9]",
    ),
    "a dict that has every key": Attack(
        "reported",
        "class Every(dict):\n    def __missing__(self, key): return key * key\n"
        "    def __eq__(self, other): return True\n"
        "def f(x): return Every()",
        test="assert f(3) == {3: 9}",
    ),
    "a difference that is always small": Attack(
        "reported",
        "class Near(float):\n    def __sub__(self, other): return self\n"
        "    def __abs__(self): return self\n    def __lt__(self, other): return True\n"
        "def f(x): return Near(1)",
        test="assert abs(f(3) - 9) < 1e-6",
    ),
    "a built-in function replaced": Attack(
        "reported",
        "import builtins\nbuiltins.abs = lambda x: 0\ndef f(x): return 1",
        test="assert abs(f(3) - 9) < 1e-6",
    ),
    "a library function replaced": Attack(
        "reported",
        "import math, operator\nmath.isclose = operator.eq = lambda *a, **k: True\n"
        "def f(x): return 1",
        test="import math\nassert math.isclose(f(3), 9)",
    ),
    "the test's own helper replaced": Attack(
        "reported",
        WRONG + "import sys\n"
        "class Helper:\n    @staticmethod\n    def fsum(values): return 9\n"
        "sys.modules['math'] = Helper",
        test="import math\nassert math.fsum([f(3) or 0]) == 9",
    ),
    "the expected number changed in memory": Attack(
        "reported",
        "import ctypes\ndef f(x):\n    ctypes.memmove(id(9) + 24, id(4) + 24, 4)\n    return 4",
    ),
    "a line of the test jumped over": Attack(
        "reported",
        WRONG + "import sys\n"
        "def trace(frame, event, argument):\n"
        "    frame.f_trace = trace\n"
        "    if event == 'line' and frame.f_code.co_name == 'check' and frame.f_lineno == 2:\n"
        "        frame.f_lineno = 3\n"
        "    return trace\n"
        "sys.settrace(trace)",
        test="def check():\n    assert f(3) == 9\n    return 1\ncheck()",
    ),
    "exit by an alarm while the test waits": Attack(
        "status",
        "import os, signal\n"
        "def f(x):\n    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))\n"
        "    signal.setitimer(signal.ITIMER_REAL, 0.01)\n"
        "    def endless():\n        while True: yield 0\n    return endless()",
        test="assert sum(f(3)) == 9",
    ),
}


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_weak_executors_tell_right_from_wrong(executor):
    assert EXECUTORS[executor](RIGHT, TEST)
    assert not EXECUTORS[executor](WRONG, TEST)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_forgery_fools_a_weak_executor_and_no_strict_verdict(judged, name):
    attack = ATTACKS[name]
    assert EXECUTORS[attack.executor](attack.program, attack.test), "it fools nobody"
    problem = Problem(id=name, prompt="", entry_points=("f",), tests=(attack.test,))
    verdict = judged(problem, attack.program)
    assert verdict.strict
    assert verdict.outcome in ("assertion", "exception", "denied", "output"), verdict


def test_there_are_enough_attacks_and_the_harness_is_alive_after_them(judged):
    assert len(ATTACKS) >= 20
    problem = Problem(id="p", prompt="", entry_points=("f",), tests=(TEST,))
    assert judged(problem, RIGHT).passed
    assert judged(problem, WRONG).outcome == "assertion"
