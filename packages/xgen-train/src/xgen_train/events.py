"""`events.jsonl`: what happened to a run besides its steps, with the time of day.

    start        processes, devices
    restore      step, seconds
    lost         steps that had been done behind the restored one, and the seconds they had taken
    damaged      a checkpoint that was set aside, and why
    evaluate     step, seconds
    save         step, bytes, seconds that training waited, seconds that the write took
    rollback     see `xgen_train.faults.rollback`; a later start reads it again
    stop         step, and why

Rows are on disk when `append` returns. Of several processes only the leader writes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xgen_core.files import append_jsonl, atomic_file
from xgen_model import Processes

__all__ = ["EventLog"]


class EventLog:
    """The events of one run.

    Args:
        directory: of the run.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "events.jsonl"
        self._leads = Processes.here().leads
        if self._leads and self.path.exists():
            data = self.path.read_bytes()
            if data and not data.endswith(b"\n"):  # a kill tore the last line
                with atomic_file(self.path) as handle:
                    handle.write(data[: data.rfind(b"\n") + 1])

    def append(self, event: str, values: Mapping[str, object]) -> None:
        """Add a row; `values` must be JSON values."""
        if self._leads:
            row = {"event": event, "time": round(time.time(), 3), **values}
            append_jsonl(self.path, [row])

    def rows(self, event: str) -> list[dict[str, Any]]:
        """All rows of a kind, oldest first."""
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().splitlines(keepends=True)
        rows = [json.loads(line) for line in lines if line.endswith(b"\n")]
        return [row for row in rows if row["event"] == event]
