"""2,000 lines through LDP, beside what the number of their calls allows.

    python tools/bench/ldp.py

`tools/bench/endpoint.py` answers every request after 200 ms, 64 at a time. `xgen ldp translate`, in
a process of its own as users run it, takes Nepali lines from a file into English; reading them,
choosing exemplars, checking every answer and writing run directory and page are part of its time.
Printed: calls, and the share of the 320 a second, for the command as a whole and from its first
request to the last answer.

Needs xgen-core[http].
"""

from __future__ import annotations

import argparse
import math
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, cast

from endpoint import ALLOWED, SECONDS, WAYS, endpoint

LINE = "यो पुलको लम्बाइ {} मिटर छ र यसमा दिनहुँ {} गाडी गुड्छन्।"
ANSWER = " This bridge is {} metres long and {} cars go over it every day."


def reply(body: dict[str, Any]) -> str:
    """The English of the line that the prompt ends with, as the numbers in it say."""
    numbers = [
        word for word in cast(str, body["prompt"]).rsplit("\n", 2)[-2].split() if word.isdigit()
    ]
    return ANSWER.format(*numbers)


def bench(directory: Path, url: str, count: int) -> None:
    """One run; prints its line."""
    lines = directory / "lines.txt"
    text = "".join(f"{LINE.format(n + 10, 7 * n + 3)}\n" for n in range(count))
    lines.write_text(text, "utf-8")
    output = directory / "run"
    command = [
        *(str(Path(sys.executable).parent / "xgen"), "ldp", "translate", str(lines)),
        *("--from", "npi", "--to", "eng", "--model", f"{url}#m"),
        *("--concurrency", str(WAYS), "-o", str(output)),
    ]
    begun = time.perf_counter()
    made = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - begun
    with sqlite3.connect(output / "calls.sqlite") as store:
        calls, asking = store.execute(
            "SELECT count(*), max(answered) - min(answered - seconds) FROM calls"
        ).fetchone()
    store.close()
    accepted = sum(bool(line) for line in made.stdout.splitlines())
    least = math.ceil(calls / WAYS) * SECONDS  # the last of them may be few, and take as long
    print(
        f"{count} lines, {accepted} accepted, {calls:,} calls; {ALLOWED:.0f} calls/s are allowed,"
    )
    print(f"and so many calls take {least:.1f} s at least: {calls / least / ALLOWED:.1%}")
    for what, took in (("the whole command", seconds), ("first request to last answer", asking)):
        rate = calls / took
        shares = f"{rate / ALLOWED:.1%}, {least / took:.1%} of what is possible"
        print(f"  {what}: {took:.2f} s, {rate:,.0f} calls/s, {shares}")


def main() -> None:
    """Server, data, run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=2000)
    count = parser.parse_args().lines
    with endpoint(reply) as url, tempfile.TemporaryDirectory() as directory:
        bench(Path(directory), url, count)


if __name__ == "__main__":
    main()
