"""Runs of `xgen ldp`: killed, repeated, bounded and replayed; what their prompts hold."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from xgen_core import BudgetError, InputError, Model
from xgen_core.command.group import xgen
from xgen_core.testing import Fault, LoopbackServer

BIN = Path(sys.executable).parent
LINES, TESTED = 48, 12
PAIRS = "hin-eng,eng-hin,hin-rus"
METHODS = ("--method", "ldp", "--method", "few-shot")

Make = Callable[[int], Path]
Polyglots = Callable[[int], Model]


def arguments(model: str, corpus: Path, output: Path, *more: str) -> list[str]:
    return [
        *("ldp", "run", str(corpus), "--pairs", PAIRS, *METHODS, "--model", model),
        *("--lines", f"{TESTED}", "--languages", "fra,rus", "--set", "ldp:alike=1"),
        *("--concurrency", "4", "--output", str(output), *more),
    ]


def run(*command: str) -> Result:
    return CliRunner().invoke(xgen, list(command), catch_exceptions=True)


def bodies(server: LoopbackServer) -> list[str]:
    return [json.dumps(r.body, sort_keys=True) for r in server.requests if r.method == "POST"]


def prompts(output: Path) -> list[str]:
    store = sqlite3.connect(output / "calls.sqlite")
    found = [json.loads(row)["prompt"] for (row,) in store.execute("SELECT request FROM calls")]
    store.close()
    return found


def stored(output: Path) -> int:
    """Answers on disk, while a run writes others."""
    path = output / "calls.sqlite"
    if not path.is_file() or not path.stat().st_size:
        return 0
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as store:
        try:
            [[count]] = store.execute("SELECT count(*) FROM calls")
        except sqlite3.OperationalError:  # its table is not there yet
            return 0
    return count


def stable(output: Path) -> dict[str, bytes]:
    """All that does not tell how long calls took."""
    timed = ("translations.json", "calls.json")
    return {
        str(path.relative_to(output)): path.read_bytes()
        for path in sorted(output.rglob("*"))
        if path.is_file() and "calls.sqlite" not in path.name
        if path.parent.name != "sections" or not path.name.endswith(timed)
    }


@pytest.mark.parametrize(("after", "end"), [(1, signal.SIGKILL), (50, signal.SIGINT)])
def test_what_was_answered_is_never_asked_again(
    tmp_path: Path, make_corpus: Make, polyglot: Polyglots, after: int, end: signal.Signals
) -> None:
    corpus = make_corpus(LINES)
    slow = [Fault(kind="slow", seconds=0.03)] * 500
    with LoopbackServer(polyglot(LINES), faults=slow) as server:
        command = arguments(f"{server.url}#loopback", corpus, tmp_path / "run")
        first = subprocess.Popen(
            [str(BIN / "xgen"), *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while stored(tmp_path / "run") < after:
            assert first.poll() is None, "it ended before it could be killed"
            time.sleep(0.005)
        os.killpg(first.pid, end)
        first.wait()
        kept = set(prompts(tmp_path / "run"))
        before = len(bodies(server))
        assert run(*command).exit_code == 0
        asked = [json.loads(body)["prompt"] for body in bodies(server)[before:]]
        assert len(kept) >= after
        assert asked, "it was killed too late to show anything"
        assert not kept & set(asked), "an answer that was on disk was asked for again"
        assert len(asked) == len(set(asked))
        count = server.count
        again = run(*command)
        assert (again.exit_code, server.count) == (0, count), "a second run asks nothing"
        whole = run(*arguments(f"{server.url}#loopback", corpus, tmp_path / "whole"))
        assert whole.exit_code == 0
    assert stable(tmp_path / "run") == stable(tmp_path / "whole")


def test_a_cassette_gives_the_same_bytes_whatever_the_concurrency(
    tmp_path: Path, make_corpus: Make, polyglot: Polyglots
) -> None:
    corpus = make_corpus(LINES)
    with LoopbackServer(polyglot(LINES)) as server:
        model = f"{server.url}#loopback"
        assert run(*arguments(model, corpus, tmp_path / "first")).exit_code == 0
    cassette = f"replay:{tmp_path / 'first' / 'calls.sqlite'}"
    assert run(*arguments(cassette, corpus, tmp_path / "second")).exit_code == 0
    wide = run(*arguments(cassette, corpus, tmp_path / "third", "--concurrency", "50"))
    assert wide.exit_code == 0
    assert stable(tmp_path / "first") == stable(tmp_path / "second") == stable(tmp_path / "third")
    results = json.loads((tmp_path / "first/results.json").read_text())
    scored = results["scores"]["scored"]
    assert [(one["system"], one["accepted"]) for one in scored] == [
        ("ldp", TESTED),
        ("few-shot", TESTED),
    ] * 3
    assert all(one["figures"]["chrF++"]["value"] > 99.9 for one in scored)


def test_no_prompt_holds_a_tested_line_or_a_reference(
    tmp_path: Path, make_corpus: Make, polyglot: Polyglots
) -> None:
    corpus = make_corpus(LINES)
    with LoopbackServer(polyglot(LINES)) as server:
        done = run(*arguments(f"{server.url}#loopback", corpus, tmp_path / "run"))
        assert done.exit_code == 0
    numbers = [
        int(name.rpartition(":")[2]) - 1
        for name in (tmp_path / "run/lines.txt").read_text().split()
    ]
    assert len(numbers) == TESTED
    files = [path.read_text("utf-8").splitlines() for path in corpus.glob("*.txt")]
    tested = {lines[number] for lines in files for number in numbers}
    asked = prompts(tmp_path / "run")
    assert len(asked) > 3 * TESTED
    about = 0
    for prompt in asked:
        *exemplars, last = prompt.split("\n\n")
        assert exemplars
        assert not [text for text in tested if text in "\n\n".join(exemplars)]
        about += sum(text in last for text in tested)
    assert about == 2 * 3 * TESTED, "each tested line stands in its own prompts, at the end"
    tested_ids = {f"corpus:{number + 1}" for number in numbers}
    for path in (tmp_path / "run/preparations").glob("*.json"):
        prepared = json.loads(path.read_text())
        stand_in = {one["id"] for one in [*prepared["exemplars"], *prepared["candidates"]]}
        assert not stand_in & tested_ids


@pytest.mark.parametrize("most", [0.0, 0.003, 0.01])
def test_the_budget_is_never_exceeded(
    tmp_path: Path, make_corpus: Make, polyglot: Polyglots, most: float
) -> None:
    corpus = make_corpus(LINES)
    limited = ("--max-cost", f"{most}", "--prices", "1,2", "--set", "max_tokens=32")
    with LoopbackServer(polyglot(LINES)) as server:
        model = f"{server.url}#loopback"
        stopped = run(*arguments(model, corpus, tmp_path / "run", *limited))
        assert isinstance(stopped.exception, BudgetError)
        assert cost(tmp_path / "run/calls.sqlite") <= most
        assert len(bodies(server)) == len(set(bodies(server))), "nothing is sent and not kept"
        rest = ("--set", "max_tokens=32")
        assert run(*arguments(model, corpus, tmp_path / "run", *rest)).exit_code == 0
        assert len(bodies(server)) == len(set(bodies(server)))
    assert cost(tmp_path / "run/calls.sqlite") > 0.01


def cost(path: Path) -> float:
    store = sqlite3.connect(path)
    read, written = store.execute(
        "SELECT ifnull(sum(prompt_tokens), 0), ifnull(sum(completion_tokens), 0) FROM calls"
    ).fetchone()
    store.close()
    return (read + 2 * written) / 1e6


def test_a_dry_run_asks_nothing_and_counts_what_the_run_asks(
    tmp_path: Path, make_corpus: Make, polyglot: Polyglots
) -> None:
    corpus = make_corpus(LINES)
    with LoopbackServer(polyglot(LINES)) as server:
        model = f"{server.url}#loopback"
        counted = run(*arguments(model, corpus, tmp_path / "run", "--dry-run"))
        assert (counted.exit_code, server.count) == (0, 0)
        assert not (tmp_path / "run").exists()
        assert run(*arguments(model, corpus, tmp_path / "run")).exit_code == 0
        assert counted.output.startswith(f"generate: {server.count:,} calls")


def test_another_recipe_is_refused(tmp_path: Path, make_corpus: Make, polyglot: Polyglots) -> None:
    corpus = make_corpus(LINES)
    with LoopbackServer(polyglot(LINES)) as server:
        model, output = f"{server.url}#loopback", tmp_path / "run"
        assert run(*arguments(model, corpus, output)).exit_code == 0
        refused = run(*arguments(model, corpus, output, "--tags", "generic"))
        assert isinstance(refused.exception, InputError)
        assert "tags was 'name', now 'generic'" in str(refused.exception)
