"""500 questions through Verify-and-Edit, beside what the number of their calls allows.

    python tools/bench/reason.py

A server in a process of its own answers every request after 200 ms, 64 at a time, so that it allows
320 a second. Its samples disagree, so that every question is uncertain: five samples, then for each
of two steps a verifying question and an answer from evidence, then the new answer. Evidence comes
from a text index of 2,000 documents. `xgen reason run`, in a process of its own as users run it,
takes 500 questions from a file to results and report sections; reading the index, scoring and
writing are part of its time. Printed: calls, and the share of the 320 a second, for the command as
a whole and from its first request to the last answer.

Needs xgen-core[http].
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, cast

from endpoint import ALLOWED, WAYS, endpoint

DOCUMENTS = 2000


def reply(body: dict[str, Any]) -> str:
    """What the server's model says: samples disagree, everything else is about the bridge named."""
    prompt = cast(str, body["prompt"])
    number = re.findall(r"ridge (\d+)", prompt)[-1]
    if body.get("temperature"):
        year = 1800 + int(body.get("seed", 0)) % 5
        return (
            f" First, bridge {number} was built in {year}. Second, the builder of bridge {number} "
            f"finished it in {year}. The answer is {year}."
        )
    if prompt.endswith("The answer is"):
        return f" {1900 + int(number) % 100}."
    builder = "builder" in prompt.rsplit("\n", 2)[-2]
    if prompt.endswith("question:"):
        return f" When was bridge {number} {'finished by its builder' if builder else 'built'}?"
    what = "finished" if builder else "built"
    return f" Bridge {number} was {what} in {1900 + int(number) % 100}."


def write_data(directory: Path, count: int) -> None:
    """Documents, their index, and questions."""
    notes = directory / "notes"
    notes.mkdir()
    for number in range(DOCUMENTS):
        (notes / f"bridge-{number}.txt").write_text(
            f"Bridge {number} was built in {1900 + number % 100}. It carries a road of "
            f"{number % 7 + 2} lanes over a valley, and was painted green in {1950 + number % 50}."
        )
    with (directory / "questions.jsonl").open("w") as handle:
        for number in range(count):
            question = {
                "id": f"{number}",
                "text": f"In which year was bridge {number} built?",
                "golds": [f"{1900 + number % 100}"],
            }
            handle.write(json.dumps(question) + "\n")


def xgen(*arguments: str) -> str:
    """Run the command; its output."""
    command = [str(Path(sys.executable).parent / "xgen"), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def bench(directory: Path, url: str, count: int) -> None:
    """One run; prints its line."""
    write_data(directory, count)
    index = str(directory / "notes.db")
    xgen("reason", "index", str(directory / "notes"), "-o", index)
    output = directory / "run"
    begun = time.perf_counter()
    xgen(
        *("reason", "run", "questions", str(directory / "questions.jsonl")),
        *("--model", f"{url}#m", "--method", "verify-edit", "--source", f"text:{index}"),
        *("--concurrency", str(WAYS), "-o", str(output)),
    )
    seconds = time.perf_counter() - begun
    with sqlite3.connect(output / "calls.sqlite") as store:
        calls, asking = store.execute(
            "SELECT count(*), max(answered) - min(answered - seconds) FROM calls"
        ).fetchone()
    store.close()
    rows = [json.loads(line) for line in (output / "items" / "results.jsonl").open()]
    edited = sum(row.get("route") == "edited" for row in rows)
    print(f"{count} questions, {edited} edited, {calls:,} calls; {ALLOWED:.0f} calls/s are allowed")
    for what, took in (("the whole command", seconds), ("first request to last answer", asking)):
        rate = calls / took
        print(f"  {what}: {took:.1f} s, {rate:,.0f} calls/s, {rate / ALLOWED:.1%}")


def main() -> None:
    """Server, data, run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=500)
    count = parser.parse_args().questions
    with endpoint(reply) as url, tempfile.TemporaryDirectory() as directory:
        bench(Path(directory), url, count)


if __name__ == "__main__":
    main()
