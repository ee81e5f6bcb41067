"""Runs of `xgen reason`: killed, repeated, bounded and replayed."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from xgen_core import BudgetError, InputError
from xgen_core.command.group import xgen
from xgen_core.lm.scripted import Rule, ScriptedModel
from xgen_core.records import Completion, GenerationRequest
from xgen_core.testing import Fault, LoopbackServer

BIN = Path(sys.executable).parent
QUESTIONS = 12

RULES = (
    Rule(
        pattern=r"Q: In which year was bridge (\d+) built\?\nA:$",
        replies=tuple(
            rf" First, bridge \1 was built in {year}. The answer is {year}."
            for year in (1801, 1802, 1803, 1804, 1805)
        ),
    ),
    Rule(
        pattern=r"Sentence: [^\n]*ridge (\d+) [^\n]*\nVerifying question:$",
        replies=(r" When was bridge \1 built?",),
    ),
    Rule(
        pattern=r"(Bridge (\d+) was built in \d+\.)[^?]*When was bridge \2 built\?\nAnswer:$",
        replies=(r" \1",),
    ),
    Rule(pattern=r"was built in (\d+)\.? The answer is$", replies=(r" \1.",)),
    Rule(pattern=r"Domains:$", replies=(" factual",)),
    Rule(
        pattern=r"Sentence: [^\n]*ridge (\d+) [^\n]*\nSearch:$",
        replies=(r" When was bridge \1 built?",),
    ),
    Rule(pattern=r"(Bridge \d+ was built in \d+\.)[^?]*Edited sentence:$", replies=(r" \1",)),
    Rule(
        pattern=r"bridge (\d+) built\?\nThought 1:$",
        replies=(r" I look.\nAction 1: Search[When was bridge \1 built?]",),
    ),
    Rule(
        pattern=r"Bridge \d+ was built in (\d+)\.[^\n]*\nThought 2:$",
        replies=(r" That is it.\nAction 2: Finish[\1]",),
    ),
)


class Counted(ScriptedModel):
    """Rules, from a model that counts a token a word."""

    def __init__(self) -> None:
        super().__init__(list(RULES))

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        words = len((request.prompt or "").split())
        return [replace(made, prompt_tokens=words) for made in await super().generate(request)]


def write_questions(path: Path, count: int = QUESTIONS) -> Path:
    with path.open("w") as handle:
        for number in range(count):
            text = f"Bridge {number} was built in {1900 + number}."
            row = {
                "id": f"q{number}",
                "text": f"In which year was bridge {number} built?",
                "golds": [f"{1900 + number}"],
                "paragraphs": [
                    {"title": f"Bridge {number}", "text": text},
                    {"title": "Toads", "text": "Toads cross roads at night."},
                ],
            }
            handle.write(json.dumps(row) + "\n")
    return path


def arguments(model: str, questions: Path, output: Path, *more: str) -> list[str]:
    return [
        *("reason", "run", "questions", str(questions), "--model", model),
        *("--source", "paragraphs:", "--concurrency", "4", "--output", str(output), *more),
    ]


def run(*command: str) -> Result:
    return CliRunner().invoke(xgen, list(command), catch_exceptions=True)


def bodies(server: LoopbackServer) -> list[str]:
    return [json.dumps(r.body, sort_keys=True) for r in server.requests if r.method == "POST"]


def asked(request: dict[str, object]) -> tuple[object, object]:
    """What tells requests apart here, of a body or of a stored request."""
    return request["prompt"], request["seed"]


def stored(path: Path) -> set[tuple[object, object]]:
    store = sqlite3.connect(path)
    found = {asked(json.loads(row)) for (row,) in store.execute("SELECT request FROM calls")}
    store.close()
    return found


def stable(output: Path) -> dict[str, bytes]:
    """What does not tell how long calls took."""
    return {
        name: (output / name).read_bytes()
        for name in ("items/results.jsonl", "results.json", "sections/10-results.json")
    }


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    return write_questions(tmp_path / "questions.jsonl")


@pytest.mark.parametrize("after", [5, 33])
def test_what_was_answered_is_never_asked_again(
    tmp_path: Path, questions: Path, after: int
) -> None:
    slow = [Fault(kind="slow", seconds=0.05)] * 10 * QUESTIONS
    with LoopbackServer(Counted(), faults=slow) as server:
        command = arguments(f"{server.url}#loopback", questions, tmp_path / "run")
        first = subprocess.Popen(
            [str(BIN / "xgen"), *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while server.count < after + 4:
            assert first.poll() is None, "it ended before it could be killed"
            time.sleep(0.005)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        kept = stored(tmp_path / "run" / "calls.sqlite")
        before = len(bodies(server))
        assert run(*command).exit_code == 0
        after_it = [asked(json.loads(body)) for body in bodies(server)[before:]]
        assert kept, "it was killed too early to show anything"
        assert after_it, "it was killed too late to show anything"
        assert not kept & set(after_it), "an answer that was on disk was asked for again"
        assert len(after_it) == len(set(after_it))
        count = server.count
        again = run(*command)
        assert (again.exit_code, server.count) == (0, count), "a second run asks nothing"
        whole = run(*arguments(f"{server.url}#loopback", questions, tmp_path / "whole"))
        assert whole.exit_code == 0
    assert stable(tmp_path / "run") == stable(tmp_path / "whole")


@pytest.mark.parametrize("method", ["verify-edit", "chain-of-knowledge", "cot-sc-react"])
def test_a_cassette_gives_the_same_bytes_again(
    tmp_path: Path, questions: Path, method: str
) -> None:
    def answer(model: str, name: str, *more: str) -> Result:
        return run(*arguments(model, questions, tmp_path / name, "--method", method, *more))

    with LoopbackServer(Counted()) as server:
        assert answer(f"{server.url}#loopback", "first").exit_code == 0
    cassette = f"replay:{tmp_path / 'first' / 'calls.sqlite'}"
    assert answer(cassette, "second").exit_code == 0
    assert answer(cassette, "third", "--concurrency", "50").exit_code == 0
    assert stable(tmp_path / "first") == stable(tmp_path / "second") == stable(tmp_path / "third")
    lines = (tmp_path / "first/items/results.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["answer"] for row in rows] == [f"{1900 + n}" for n in range(QUESTIONS)]
    assert {row["route"] for row in rows} <= {"edited", "fallback"}
    changed = answer(cassette, "other", "--seed", "1")
    assert "all 12 questions failed" in str(changed.exception), "the cassette has no such calls"


@pytest.mark.parametrize("most", [0.0, 0.005, 0.02])
def test_the_budget_is_never_exceeded(tmp_path: Path, questions: Path, most: float) -> None:
    limited = ("--max-cost", f"{most}", "--prices", "1,2")
    with LoopbackServer(Counted()) as server:
        stopped = run(*arguments(f"{server.url}#loopback", questions, tmp_path / "run", *limited))
        assert isinstance(stopped.exception, BudgetError)
        spent = cost(tmp_path / "run" / "calls.sqlite")
        assert spent <= most
        assert len(bodies(server)) == len(set(bodies(server))), "nothing is sent and not kept"
        assert run(*arguments(f"{server.url}#loopback", questions, tmp_path / "run")).exit_code == 0
        assert len(bodies(server)) == len(set(bodies(server)))
    assert cost(tmp_path / "run" / "calls.sqlite") > 0.02


def cost(path: Path) -> float:
    store = sqlite3.connect(path)
    read, written = store.execute(
        "SELECT ifnull(sum(prompt_tokens), 0), ifnull(sum(completion_tokens), 0) FROM calls"
    ).fetchone()
    store.close()
    return (read + 2 * written) / 1e6


def test_another_recipe_is_refused_and_a_higher_limit_goes_on(
    tmp_path: Path, questions: Path
) -> None:
    with LoopbackServer(Counted()) as server:
        model, output = f"{server.url}#loopback", tmp_path / "run"
        assert run(*arguments(model, questions, output, "--limit", "2")).exit_code == 0
        count = server.count
        refused = run(*arguments(model, questions, output, "--set", "evidence_k=1"))
        assert isinstance(refused.exception, InputError)
        assert "settings.evidence_k was 3, now 1" in str(refused.exception)
        assert run(*arguments(model, questions, output, "--limit", "3")).exit_code == 0
        assert 0 < server.count - count < count


def test_a_dry_run_asks_nothing(tmp_path: Path, questions: Path) -> None:
    with LoopbackServer(Counted()) as server:
        counted = run(
            *arguments(f"{server.url}#loopback", questions, tmp_path / "run", "--dry-run")
        )
        assert counted.exit_code == 0
        assert server.count == 0
    assert not (tmp_path / "run").exists()
    assert "calls" in counted.output
    assert "every chain had 3 steps" in counted.output
