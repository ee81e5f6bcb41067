"""A run's 1,000 attempts through the sandbox, beside what the executor does alone.

    python tools/bench/distill.py [--attempts 1000] [--rounds 5]

A student that answers at once writes a program for every task: four of ten pass, the others fail by
a value, by an exception, or do not compile. `run`: the stage of attempts as `xgen distill run` has
it, every call and item written to disk, and programs that failed where they may not be told of run
once more. `executor`: `Checker.check` alone on the very same programs and tests, all handed over
at once. The two take turns; printed are programs a second, and the share of the executor's rate
that the run reaches: in each round, the median, and of the best rounds of both, which other work
on the machine disturbs least.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from xgen_core import Run, open_model
from xgen_core.lm import CallStore, recorded
from xgen_distill import Configuration, Spending, Task, UnitTest
from xgen_distill.examiner import Examiner, task_problems
from xgen_distill.stages import Stages
from xgen_eval.execution import Checker, Limits, Problem, Verdict

BODY = (
    "    count = 0\n    for value in values:\n        if value {} limit:\n"
    "            count += 1\n    return count\n"
)
WRITTEN = (">", ">", ">", ">=", "<", "==", "> offset +", "> (", ">", "!=")
"""What the student writes for tasks whose number ends in 0, 1, …"""


def make_task(number: int) -> Task:
    """Count the items of a list above a number; two tests are shown, three are hidden."""
    name = f"count_above_{number}"
    header = f"def {name}(values: list[int], limit: int = {number}) -> int:\n"
    lists = ([1, number + 1], [], [number, number + 2, number + 3], [0], [number + 1] * 9)
    tests = tuple(
        UnitTest.of_call(f"{name}({values})", f"{sum(value > number for value in values)}")
        for values in lists
    )
    return Task(
        id=f"t{number}",
        instruction=f"Count the values above {number}.",
        entry_point=name,
        header=header,
        shown=tests[:2],
        hidden=tests[2:],
        gold=f"{header}    return sum(value > limit for value in values)\n",
        trusted=True,
    )


def write_student(directory: Path) -> str:
    """URI of a student that answers by rule."""
    path = directory / "student.jsonl"
    with path.open("w") as handle:
        for digit, sign in enumerate(WRITTEN):
            pattern = rf"def count_above_\d*{digit}\([^\n]*\n$"
            handle.write(json.dumps({"pattern": pattern, "replies": [BODY.format(sign)]}) + "\n")
    return f"scripted:{path}"


class Recorded(Checker):
    """A checker that remembers what it was asked."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.asked: list[tuple[Problem, str]] = []

    async def check(
        self, problem: Problem, solution: str, *, limits: Limits | None = None
    ) -> Verdict:
        """As its base."""
        self.asked.append((problem, solution))
        return await super().check(problem, solution, limits=limits)


async def attempt(
    tasks: Sequence[Task], directory: Path
) -> tuple[float, Sequence[tuple[Problem, str]]]:
    """Seconds for the attempts of a run, and the programs that they took."""
    configuration = Configuration(student=write_student(directory), teacher="")
    problems = task_problems(tasks)
    async with Recorded([*problems.values()]) as checker:
        with CallStore(directory / "calls.sqlite") as store:
            stages = Stages(
                configuration=configuration,
                run=Run.create(directory, "bench", configuration),
                store=store,
                examiner=Examiner(checker, problems, configuration.limits),
                concurrency=64,
                workers=checker.workers,
                spending=Spending(),
            )
            async with recorded(open_model(configuration.student), store) as model:
                begun = time.perf_counter()
                attempts, failed = await stages.attempts(model, tasks)
                seconds = time.perf_counter() - begun
    if failed or not all(one.verdict for one in attempts):
        raise SystemExit("some attempts have no verdict")
    return seconds, checker.asked


async def execute(asked: Sequence[tuple[Problem, str]], limits: Limits) -> float:
    """Seconds for programs by the checker alone, its start left out."""
    async with Checker([problem for problem, _ in asked]) as checker:
        begun = time.perf_counter()
        await asyncio.gather(*(checker.check(p, program, limits=limits) for p, program in asked))
        return time.perf_counter() - begun


def main() -> None:
    """Take turns, and print each round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    tasks = [make_task(number) for number in range(1, arguments.attempts + 1)]
    limits = Configuration(student="", teacher="").limits
    runs: list[float] = []
    executors: list[float] = []
    print(f"{os.cpu_count()} processors, {len(tasks):,} attempts")
    for number in range(1, arguments.rounds + 1):
        with tempfile.TemporaryDirectory() as directory:
            run, asked = asyncio.run(attempt(tasks, Path(directory)))
        alone = asyncio.run(execute(asked, limits))
        runs.append(run)
        executors.append(alone)
        print(
            f"round {number}: {len(asked):,} programs; run {len(asked) / run:.0f}/s, "
            f"executor {len(asked) / alone:.0f}/s: {alone / run:.1%}",
            flush=True,
        )
    shares = [alone / run for alone, run in zip(executors, runs, strict=True)]
    print(f"median {median(shares):.1%}; best against best {min(executors) / min(runs):.1%}")


if __name__ == "__main__":
    main()
