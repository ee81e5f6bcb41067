"""The process of program and test together: a weak verdict, which the program could forge.

← payload   as a test of `judge`
→ the report
"""

from __future__ import annotations

import json

from xgen_eval.execution.channel import Channel
from xgen_eval.execution.roles.judge import run_beside

__all__ = ["main"]


def main(channel: Channel, payload: bytes) -> None:
    """Load the program of `payload`, run its test, send what came of it."""
    channel.send(json.dumps(run_beside(json.loads(payload))).encode("ascii"))
