"""Verdicts on real programs: reference solutions, empty ones, and students' attempts."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from xgen_core.files import read_jsonl
from xgen_eval.execution import Checker, Limits, Problem, Verdict, read_problems
from xgen_eval.execution.formats.persd import Attempt, persd_attempt, persd_problem

WEAK = {"367", "601", "927"}


def verdicts(programs: Sequence[tuple[Problem, str]], **limits: float) -> list[Verdict]:
    """Judge all, in a sandbox that must be strict."""

    async def work() -> list[Verdict]:
        async with Checker([problem for problem, _ in programs]) as checker:
            allowed = Limits(**limits)  # pyright: ignore[reportArgumentType]
            return await asyncio.gather(
                *(checker.check(problem, program, limits=allowed) for problem, program in programs)
            )

    return asyncio.run(work())


def test_humaneval_references_pass_and_empty_programs_do_not(data: Path) -> None:
    problems = read_problems(data / "eval" / "humaneval" / "HumanEval.jsonl.gz")
    assert len(problems) == 164
    found = verdicts([(p, p.reference) for p in problems])
    assert [p.id for p, v in zip(problems, found, strict=True) if not v.passed] == []
    assert all(v.strict for v in found)
    for completion in ("", "    pass\n", "    return None\n"):
        empty = verdicts([(p, p.program(completion)) for p in problems])
        assert sum(v.passed for v in empty) == 0
        assert {v.outcome for v in empty} <= {"assertion", "exception"}


def test_mbpp_references_pass_three_of_them_weakly(data: Path) -> None:
    problems = read_problems(data / "eval" / "mbpp" / "mbpp.jsonl")
    found = verdicts([(p, p.reference) for p in problems])
    assert [p.id for p, v in zip(problems, found, strict=True) if not v.passed] == []
    assert {p.id for p, v in zip(problems, found, strict=True) if not v.strict} == WEAK
    assert sum(v.strict for v in found) == 971


def test_sanitized_mbpp_references_pass(data: Path) -> None:
    problems = read_problems(data / "eval" / "mbpp" / "sanitized-mbpp.json")
    found = verdicts([(p, p.reference) for p in problems])
    assert sum(v.passed and v.strict for v in found) == len(problems) == 427


def attempts(data: Path) -> list[Attempt]:
    name = "student_attempts_first1200.jsonl"
    return list(read_jsonl(data / "distill" / "persdistill" / name, persd_attempt))


def test_recorded_syntax_errors_are_reproduced(data: Path) -> None:
    recorded = [a for a in attempts(data) if a.error in ("SyntaxError", "IndentationError")]
    assert len(recorded) == 122
    problem = Problem(id="p", prompt="", entry_points=("f",), tests=("f()",))
    found = verdicts([(problem, a.code) for a in recorded])
    assert [v.outcome for v in found] == ["syntax"] * len(recorded)
    # TabError is what Python 3 calls an IndentationError over tabs
    assert [v.exception for v in found] == [a.error for a in recorded]


EXPLAINED = {
    "a module that the problem does not allow (pandas, requests, scikit-learn)": {
        *("382", "482", "10080", "10134", "10434", "11076", "11792", "12583"),
        *("166", "12868", "12900", "12976", "12985", "13076", "13157"),
    },
    "the network": {"11270"},
    "the order of a set, which the seed of hashes decides": {"172", "9474"},
    "a repr with the name of the module": {"12695"},
    "it measures time": {"13180"},
    "no longer Python since 3.8": {"11706"},
}


def test_recorded_inputs_give_their_recorded_outputs(data: Path) -> None:
    """Records are from Python 3.7; what differs is explained, one by one."""
    whole = [a for a in attempts(data) if a.whole]
    assert len(whole) > 900
    found = verdicts([(persd_problem(a), a.code) for a in whole], wall_seconds=10)
    missed = {a.id: v for a, v in zip(whole, found, strict=True) if not v.passed}
    assert len(missed) <= 0.05 * len(whole)
    unexplained = set(missed) - set().union(*EXPLAINED.values())
    assert not unexplained, {name: missed[name] for name in unexplained}


def test_a_killed_run_goes_on_and_ends_as_an_uninterrupted_one(data: Path, tmp_path: Path) -> None:
    problems = data / "eval" / "mbpp" / "mbpp.jsonl"

    def command(output: Path) -> list[str]:
        arguments = ["eval", "execute", "--canonical", "--problems", f"{problems}", "-o"]
        return [sys.executable, "-m", "xgen_core", *arguments, f"{output}"]

    subprocess.run(command(tmp_path / "whole"), check=True, capture_output=True)
    log = tmp_path / "killed" / "items" / "samples.jsonl"
    for target in (50, 400):
        process = subprocess.Popen(command(tmp_path / "killed"), stderr=subprocess.DEVNULL)
        while not log.is_file() or log.read_bytes().count(b"\n") < target:
            assert process.poll() is None
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run(command(tmp_path / "killed"), check=True, capture_output=True)
    for name in ("items/samples.jsonl", "execution.json", "canonical_results.jsonl"):
        one, other = (tmp_path / run / name for run in ("whole", "killed"))
        assert one.read_bytes() == other.read_bytes(), name
    summary = json.loads((tmp_path / "killed" / "execution.json").read_text("utf-8"))
    assert summary["outcomes"] == {"passed": 974}


def test_modules_are_only_those_that_are_allowed(data: Path) -> None:
    problem = read_problems(data / "eval" / "humaneval" / "HumanEval.jsonl.gz")[0]
    program = "import numpy\n" + problem.reference
    with_numpy = dataclasses.replace(problem, modules=("numpy",))
    found = verdicts([(problem, program), (with_numpy, program)])
    assert [v.outcome for v in found] == ["exception", "passed"]
