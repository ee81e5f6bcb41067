"""What a kill -9 in the middle costs: the calls in flight, and nothing else."""

import random
import signal
import subprocess
import sys
import time

from xgen_core import GenerationRequest
from xgen_core.lm import CallStore
from xgen_core.testing import LoopbackServer, UnigramModel

ITEMS, CALLS = 60, 240
IN_FLIGHT = 8 * 3  # items in work, and samples that each asks for at one time
WORK = """
import asyncio, sys
from pathlib import Path
from xgen_core import GenerationRequest, Run, ScoreRequest
from xgen_core import GenerationRequest
from xgen_core.lm import CallStore, recorded
from xgen_core.lm.http import HttpModel

directory, url = Path(sys.argv[1]), sys.argv[2]

async def work(store):
    run = Run.create(directory, "eval", {})
    async with recorded(HttpModel(url, "loopback"), store, concurrency=8) as model:
        async def one(item):
            request = GenerationRequest(prompt=f"item {item}", n=3, temperature=1.0, max_tokens=9)
            texts = [c.text for c in await model.generate(request)]
            (score,) = await model.score([ScoreRequest(context=f"item {item}", continuation="x")])
            return {"texts": texts, "score": score.logprob}

        await run.map(range(60), one, key=str, name="items", concurrency=8)

with CallStore(directory / "calls.sqlite") as store:
    asyncio.run(work(store))
    store.export(directory / "calls.jsonl")
"""


def start(directory, server):
    command = [sys.executable, "-c", WORK, str(directory), server.url]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


def asked(server, begin=0):
    """Prompts and seeds that reached the server."""
    return [(r.body["prompt"], r.body.get("seed")) for r in server.requests[begin:]]


def stored(directory):
    """Prompts and seeds whose answers are on disk; a store that is not there yet has none."""
    if not (directory / "calls.sqlite").exists():
        return set()
    with CallStore(directory / "calls.sqlite", read_only=True) as store:
        return {
            (r.prompt, r.seed)
            if isinstance(r, GenerationRequest)
            else (r.context + r.continuation, None)
            for r in (call.request for call in store.calls())
        }


def test_killed_runs_end_like_one_that_was_not(tmp_path):
    dice = random.Random(0)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    known = set()
    begin = kills = 0
    with LoopbackServer(UnigramModel()) as server:
        while True:
            child = start(killed, server)
            goal = begin + dice.randrange(20, 70)
            while server.count < goal and child.poll() is None:
                time.sleep(0.001)
            child.kill()
            _, errors = child.communicate()
            assert not known & set(asked(server, begin)), "an answered call was made again"
            begin, known = server.count, stored(killed)
            if child.returncode == 0:
                break
            assert (child.returncode, errors) == (-signal.SIGKILL, b"")
            kills += 1
        assert kills >= 3
        assert len(known) == len(set(asked(server))) == CALLS
        assert server.count <= CALLS + kills * IN_FLIGHT
        child = start(whole, server)
        assert child.communicate() == (None, b"")
    for name, lines in (("calls.jsonl", CALLS), ("items/items.jsonl", ITEMS)):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
        assert len((whole / name).read_text().splitlines()) == lines
