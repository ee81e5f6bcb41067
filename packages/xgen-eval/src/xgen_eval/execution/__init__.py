"""Run code that nobody has read, in processes that cannot harm or fool the one that asks.

Start with `Sandbox` (makes children), `Job` (what one does) and `Level` (what holds them); to judge
programs with `check` (one) or `Checker` (many), `Problem` and `read_problems`.
"""

from xgen_eval.execution.channel import LARGEST_FRAME, Channel, FrameError
from xgen_eval.execution.check import check
from xgen_eval.execution.checker import Checker
from xgen_eval.execution.child import Child
from xgen_eval.execution.errors import SandboxError, WeakSandboxError
from xgen_eval.execution.exit import Ending, Exit
from xgen_eval.execution.job import Job, roles
from xgen_eval.execution.level import FULL, LANDLOCK, LAYERS, LIMITS, NONE, SECCOMP, Layer, Level
from xgen_eval.execution.limits import Limits
from xgen_eval.execution.problem import Problem
from xgen_eval.execution.problems import FORMATS, Format, read_problems
from xgen_eval.execution.sandbox import Sandbox, Slots
from xgen_eval.execution.verdict import OUTCOMES, Outcome, Verdict

__all__ = [
    "FORMATS",
    "FULL",
    "LANDLOCK",
    "LARGEST_FRAME",
    "LAYERS",
    "LIMITS",
    "NONE",
    "OUTCOMES",
    "SECCOMP",
    "Channel",
    "Checker",
    "Child",
    "Ending",
    "Exit",
    "Format",
    "FrameError",
    "Job",
    "Layer",
    "Level",
    "Limits",
    "Outcome",
    "Problem",
    "Sandbox",
    "SandboxError",
    "Slots",
    "Verdict",
    "WeakSandboxError",
    "check",
    "read_problems",
    "roles",
]
