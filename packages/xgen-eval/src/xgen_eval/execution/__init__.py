"""Run code that nobody has read, in processes that cannot harm or fool the one that asks.

Start with `Sandbox` (makes children), `Job` (what one does) and `Level` (what holds them).
"""

from xgen_eval.execution.channel import LARGEST_FRAME, Channel, FrameError
from xgen_eval.execution.child import Child
from xgen_eval.execution.errors import SandboxError, WeakSandboxError
from xgen_eval.execution.exit import Ending, Exit
from xgen_eval.execution.job import Job, roles
from xgen_eval.execution.level import FULL, LANDLOCK, LAYERS, LIMITS, NONE, SECCOMP, Layer, Level
from xgen_eval.execution.limits import Limits
from xgen_eval.execution.sandbox import Sandbox, Slots

__all__ = [
    "FULL",
    "LANDLOCK",
    "LARGEST_FRAME",
    "LAYERS",
    "LIMITS",
    "NONE",
    "SECCOMP",
    "Channel",
    "Child",
    "Ending",
    "Exit",
    "FrameError",
    "Job",
    "Layer",
    "Level",
    "Limits",
    "Sandbox",
    "SandboxError",
    "Slots",
    "WeakSandboxError",
    "roles",
]
