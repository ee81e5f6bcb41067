"""Run a Python source text as `__main__`."""

from __future__ import annotations

import sys
import types

from xgen_eval.execution.channel import Channel

__all__ = ["main"]


def main(channel: Channel, payload: bytes) -> None:
    """Execute the payload, UTF-8 source; it finds the channel as the name `channel`."""
    module = types.ModuleType("__main__")
    module.__dict__["channel"] = channel
    sys.modules["__main__"] = module
    exec(compile(payload, "<script>", "exec"), module.__dict__)  # noqa: S102 - what a sandbox is for
