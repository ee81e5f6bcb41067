"""A run's 1,000 attempts through the sandbox, beside what the executor does alone.

    python tools/bench/distill.py [--attempts 1000] [--rounds 3]

A student that answers at once writes a program for every task: a third pass, the others fail by a
value, by an exception, or do not compile; a teacher that answers at once repairs them. `run`: the
whole of `run_loop`, from the tasks to the sets on disk: direct solutions, attempts, attempts that
are run again because a hidden test failed, repairs, rows as they are trained, with every call and
item written down. `executor`: `Checker.check` alone on the very same programs and tests, all
handed over at once. The two take turns; printed are programs a second, and the share of the
executor's rate that is reached, by the stage of attempts alone and by the whole run.
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
from unittest import mock

from xgen_core import Model
from xgen_core.concurrency import Failure
from xgen_distill import Attempt, Configuration, Task, UnitTest, run_loop, runs
from xgen_distill.stages import Stages
from xgen_eval.execution import Checker, Limits, Problem, Verdict

BODY = (
    "    count = 0\\n    for value in values:\\n        if value {} limit:\\n"
    "            count += 1\\n    return count\\n"
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


def write_models(directory: Path) -> tuple[str, str]:
    """URIs of a student and a teacher that answer by rule."""
    student = [
        {"pattern": rf"def count_above_\d*{digit}\([^\n]*\n$", "replies": [_body(sign)]}
        for digit, sign in enumerate(WRITTEN)
    ]
    code = r"def count_above_\1(values: list[int], limit: int = \1) -> int:" + "\n" + _body(">")
    pattern = r"HEADER:\ndef count_above_(\d+)\("
    teacher = [{"pattern": pattern, "replies": [f"```python\n{code}```\n"]}]
    uris: list[str] = []
    for name, rules in (("student", student), ("teacher", teacher)):
        path = directory / f"{name}.jsonl"
        path.write_text("".join(json.dumps(rule) + "\n" for rule in rules))
        uris.append(f"scripted:{path}")
    return uris[0], uris[1]


def _body(sign: str) -> str:
    return BODY.format(sign).replace("\\n", "\n")


class Recorded(Checker):
    """A checker that remembers what it was asked."""

    asked: list[tuple[Problem, str]] = []  # noqa: RUF012 - of the one run that goes on

    async def check(
        self, problem: Problem, solution: str, *, limits: Limits | None = None
    ) -> Verdict:
        """As its base."""
        self.asked.append((problem, solution))
        return await super().check(problem, solution, limits=limits)


class Timed(Stages):
    """Stages that remember when the attempts began and ended, and which programs ran meanwhile."""

    seconds = 0.0
    programs = slice(0)

    async def attempts(
        self, model: Model, tasks: Sequence[Task]
    ) -> tuple[tuple[Attempt, ...], dict[str, Failure]]:
        """As its base."""
        begun, first = time.perf_counter(), len(Recorded.asked)
        found = await Stages.attempts(self, model, tasks)
        Timed.seconds = time.perf_counter() - begun
        Timed.programs = slice(first, len(Recorded.asked))
        return found


async def executor(asked: Sequence[tuple[Problem, str]], limits: Limits) -> float:
    """Seconds for programs by the checker alone, its start left out."""
    async with Checker([problem for problem, _ in asked]) as checker:
        begun = time.perf_counter()
        await asyncio.gather(*(checker.check(p, program, limits=limits) for p, program in asked))
        return time.perf_counter() - begun


def main() -> None:
    """Take turns, and print each round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    tasks = [make_task(number) for number in range(1, arguments.attempts + 1)]
    with mock.patch.multiple(runs, Checker=Recorded, Stages=Timed):
        measure(tasks, arguments.rounds)


def measure(tasks: Sequence[Task], rounds: int) -> None:
    """Print the shares of each round, and the median of the attempts."""
    shares: list[float] = []
    print(f"{os.cpu_count()} processors, {len(tasks):,} attempts")
    for number in range(1, rounds + 1):
        Recorded.asked.clear()
        with tempfile.TemporaryDirectory() as directory:
            student, teacher = write_models(Path(directory))
            configuration = Configuration(student=student, teacher=teacher)
            begun = time.perf_counter()
            asyncio.run(run_loop(configuration, tasks, output=Path(directory) / "run"))
            whole = time.perf_counter() - begun
        every = list(Recorded.asked)
        for name, asked, ours in (
            ("attempts", every[Timed.programs], Timed.seconds),
            ("whole run", every, whole),
        ):
            alone = asyncio.run(executor(asked, configuration.limits))
            print(
                f"round {number}, {name}: {len(asked):,} programs; run {len(asked) / ours:.0f}/s, "
                f"executor {len(asked) / alone:.0f}/s: {alone / ours:.1%}",
                flush=True,
            )
            if name == "attempts":
                shares.append(alone / ours)
    print(f"attempts, median: {median(shares):.1%}")


if __name__ == "__main__":
    main()
