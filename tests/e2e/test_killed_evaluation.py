"""An evaluation that is killed with -9 and started again: nothing answered is asked again."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xgen_core.testing import Fault, LoopbackServer, UnigramModel

BIN = Path(sys.executable).parent
ITEMS = 40


def evaluation(server: LoopbackServer, output: Path) -> list[str]:
    return [
        *(str(BIN / "xgen"), "eval", "run", "--model", f"{server.url}#loopback"),
        *("--task", "kv_retrieval", "--set", "kv_retrieval.keys=8", "--limit", str(ITEMS)),
        *("--set", "kv_retrieval.max_tokens=4", "--concurrency", "4", "--output", str(output)),
    ]


def bodies(server: LoopbackServer) -> list[str]:
    return [json.dumps(r.body, sort_keys=True) for r in server.requests if r.method == "POST"]


def stored(path: Path) -> set[str]:
    """Prompts of the answers that are on disk."""
    store = sqlite3.connect(path)
    found = {json.loads(row)["prompt"] for (row,) in store.execute("SELECT request FROM calls")}
    store.close()
    return found


@pytest.mark.parametrize("after", [5, 23])
def test_what_was_answered_is_never_asked_again(tmp_path: Path, after: int) -> None:
    slow = [Fault(kind="slow", seconds=0.08)] * 10 * ITEMS
    with LoopbackServer(UnigramModel(), faults=slow) as server:
        first = subprocess.Popen(
            evaluation(server, tmp_path / "run"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while server.count < after + 4:
            assert first.poll() is None, "it ended before it could be killed"
            time.sleep(0.005)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        before, kept = len(bodies(server)), stored(tmp_path / "run" / "calls.sqlite")
        subprocess.run(
            evaluation(server, tmp_path / "run"), check=True, capture_output=True, timeout=60
        )
        asked = [json.loads(body)["prompt"] for body in bodies(server)[before:]]
        assert asked, "it was killed too late to show anything"
        # what was on the wire (four, by --concurrency) or on its way to the disk (as many more)
        # is asked once more
        assert kept, "it was killed too early to show anything"
        assert before - len(kept) <= 8
        assert not kept & set(asked), "an answer that was on disk was asked for again"
        assert len(asked) == len(set(asked))
    with LoopbackServer(UnigramModel()) as other:
        subprocess.run(
            evaluation(other, tmp_path / "whole"), check=True, capture_output=True, timeout=60
        )
        url, other_url = server_name(tmp_path / "run"), server_name(tmp_path / "whole")
    for name in ("results.json", "items/kv_retrieval.jsonl", "sections/20-kv_retrieval-0.json"):
        killed = (tmp_path / "run" / name).read_text("utf-8").replace(url, "URL")
        whole = (tmp_path / "whole" / name).read_text("utf-8").replace(other_url, "URL")
        assert without_key(killed) == without_key(whole), name


def server_name(run: Path) -> str:
    return json.loads((run / "results.json").read_text("utf-8"))["model"]["identity"]


def without_key(text: str) -> str:
    """The task's key contains the endpoint's address."""
    return "\n".join(line for line in text.splitlines() if '"key":' not in line)
