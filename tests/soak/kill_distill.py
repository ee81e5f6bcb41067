"""Kill a round of distillation at random points, again and again, and compare what comes of it.

    python tests/soak/kill_distill.py --kills 20 [--seed 0] [--per-run 4]

The run is the real command with a student and a teacher behind endpoints on this machine. Each
start is killed with SIGKILL at a point drawn by chance: around an attempt, while programs run,
around a repair, while repairs run, while the sets are built and written. Some starts may spend
little and are stopped by that. After some kills the run is left to finish: tasks, items, all sets
and results must be the undisturbed one's to the byte, no request whose answer was on disk may have
come again, and no start may have spent more than it was allowed. Ends with exit code 1 if one of
this is not so, or if a phase was never hit.

Needs xgen-core[http].
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xgen_core import Completion, GenerationRequest, ModelInfo
from xgen_core.lm import Prices, Usage
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.scripted import prompt_text
from xgen_core.testing import Fault, LoopbackServer

HERE = Path(__file__).parent
PHASES = ("attempt", "execute", "refine", "verify", "build")
TASKS = 30
PRICES = Prices(prompt=1.0, completion=4.0)
PRICES_TEXT = f"{PRICES.prompt:g},{PRICES.completion:g}"
LITTLE = 0.004
"""Money for about a third of the requests."""


def write_tasks(path: Path) -> Path:
    """Tasks that ask for a number to be added; two tests are shown, one is hidden."""
    with path.open("w") as handle:
        for number in range(1, TASKS + 1):
            name = f"add_{number}"
            header = f"def {name}(value: int) -> int:\n"
            tests = [
                {
                    "source": f"assert {name}({x}) == {x + number}",
                    "call": f"{name}({x})",
                    "expected": f"{x + number}",
                }
                for x in (1, 2, -5)
            ]
            task = {
                "id": f"t{number}",
                "instruction": f"Add {number} to the value.",
                "entry_point": name,
                "header": header,
                "shown": tests[:2],
                "hidden": tests[2:],
                "gold": f"{header}    return value + {number}\n",
            }
            handle.write(json.dumps(task) + "\n")
    return path


class Student(AlwaysOpen):
    """Right, wrong by one, wrong where it is not seen, an unknown name, nothing, or prose."""

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(identity="student")

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        number = int(re.findall(r"def add_(\d+)", prompt_text(request))[-1])
        bodies = (
            f"    return value + {number}\n",
            f"    result = value + {number}\n    return result - 1\n",
            f"    if value < 0:\n        return {number}\n    return value + {number}\n",
            "    return value + numbr\n",
            "",
            "I cannot say.\n",
        )
        return _completions(bodies[number % len(bodies)], request)


class Teacher(AlwaysOpen):
    """Repairs what it is shown; its second sample is another one, and every seventh task defeats
    it."""

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(identity="teacher")

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        prompt = prompt_text(request)
        number = int(re.findall(r"add_(\d+)", prompt)[-1])
        wrong = re.findall(r"INCORRECT PROGRAM:\n```python\n(.*?)\n```", prompt, re.DOTALL)[-1]
        right = wrong.replace(" - 1", "").replace("numbr", f"{number}")
        right = right.replace(f"return {number}\n", f"return value + {number}\n")
        if request.seed % 2:
            right = f"def add_{number}(value: int) -> int:\n    return sum([value, {number}])"
        if number % 7 == 0:
            return _completions("It looks right to me.", request)
        return _completions(f"```python\n{right}\n```\n", request)


def _completions(text: str, request: GenerationRequest) -> list[Completion]:
    words = len(prompt_text(request).split())
    made = Completion(
        text=text,
        finish_reason="stop",
        prompt_tokens=words,
        completion_tokens=len(text.split()),
    )
    return [made] * request.n


@dataclass
class Campaign:
    """One series of kills.

    Attributes:
        directory: of everything.
        servers: of student and teacher.
        failed: what was not as it must be.
        stopped: starts that had spent what they may.
    """

    directory: Path
    servers: Sequence[LoopbackServer]
    failed: list[str] = field(default_factory=list[str])
    stopped: int = 0

    def __post_init__(self) -> None:
        self.state = self.directory / "state"
        self.state.mkdir()
        self.tasks = write_tasks(self.directory / "tasks.jsonl")
        paths = [str(HERE / "hook"), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.environment = {
            **os.environ,
            "SOAK": str(self.state),
            "PYTHONPATH": os.pathsep.join(paths),
        }

    def start(self, run: Path, plan: dict[str, object], money: float | None = None) -> bool:
        """One start of the run; says whether it came to its end."""
        for old in self.state.glob("hits-*"):
            old.unlink()
        (self.state / "plan.json").write_text(json.dumps(plan))
        student, teacher = (f"{server.url}#{server.name}" for server in self.servers)
        command = [
            *(sys.executable, "-m", "xgen_core", "distill", "run", str(self.tasks)),
            *("--student", student, "--teacher", teacher, "--output", str(run)),
            *("--set", "refinements.samples=2", "--concurrency", "4", "--workers", "2"),
            *("--prices", PRICES_TEXT, "--student-prices", PRICES_TEXT),
            *(() if money is None else ("--max-cost", f"{money}")),
        ]
        known, before = stored(run), [len(server.requests) for server in self.servers]
        # the group is known before anything can be hit: the shell waits for the line
        with subprocess.Popen(
            ["sh", "-c", 'read -r go; exec "$0" "$@"', *command],
            env=self.environment,
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            (self.state / "group").write_text(str(process.pid))
            _, error = process.communicate("go\n")
        stopped = process.returncode > 0 and money is not None and "is used up" in error
        if process.returncode > 0 and not stopped:
            raise SystemExit(f"the run failed: {error}")
        self.stopped += stopped
        self._check(run, known, before, money)
        return process.returncode == 0

    def _check(
        self, run: Path, known: dict[str, Usage], before: Sequence[int], money: float | None
    ) -> None:
        """That this start asked nothing twice, and kept to its budget."""
        for server, count in zip(self.servers, before, strict=True):
            again = [r.body for r in server.requests[count:] if asked(r.body) in known]
            self.failed += [f"asked again: {body}" for body in again]
        new = [usage for call, usage in stored(run).items() if call not in known]
        spent = PRICES.cost(sum(new, Usage()))
        if money is not None and spent > money:
            self.failed.append(f"spent {spent} of {money}")

    def hits(self) -> dict[str, int]:
        """How often the last start passed a point of each phase."""
        return {p.name.removeprefix("hits-"): p.stat().st_size for p in self.state.glob("hits-*")}

    def kills(self) -> list[dict[str, str]]:
        """What was killed so far."""
        log = self.state / "kills.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def asked(body: dict[str, object]) -> str:
    """What tells requests apart here, of a body or of a stored request."""
    contents = [message["content"] for message in body.get("messages") or ()]  # type: ignore
    return json.dumps([body.get("prompt") or "\n".join(contents), body["seed"]])


def stored(run: Path) -> dict[str, Usage]:
    """What a run has the answers to, and what each used."""
    if not (run / "calls.sqlite").exists():
        return {}
    store = sqlite3.connect(run / "calls.sqlite")
    try:
        rows = store.execute("SELECT request, prompt_tokens, completion_tokens FROM calls")
        return {
            asked(json.loads(request)): Usage(
                calls=1, prompt_tokens=read, completion_tokens=written
            )
            for request, read, written in rows
        }
    finally:
        store.close()


TIMED = ("30-calls.json", "40-tasks.json")
"""Sections that tell how long calls took."""


def content(run: Path) -> dict[str, bytes]:
    """Every file of a run but those that know times, and what a kill left half written."""
    files = (path for path in run.rglob("*") if path.is_file())
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in files
        if not path.name.startswith("calls.sqlite") and path.name not in TIMED
        if ".partial-" not in str(path)
    }


def main() -> None:
    """Run the campaign and print what was hit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--per-run", type=int, default=4, help="kills before a run may finish")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    slow = [Fault(kind="slow", seconds=0.02)] * 100_000
    with (
        tempfile.TemporaryDirectory() as directory,
        LoopbackServer(Student(), name="student", faults=slow) as student,
        LoopbackServer(Teacher(), name="teacher", faults=slow) as teacher,
    ):
        campaign = Campaign(Path(directory), (student, teacher))
        ok = carry_out(campaign, arguments, random.Random(arguments.seed))
    raise SystemExit(0 if ok else 1)


def carry_out(campaign: Campaign, arguments: argparse.Namespace, chance: random.Random) -> bool:
    """Kill until enough was killed; says whether every run came out right."""
    whole = campaign.directory / "undisturbed"
    if not campaign.start(whole, {}):
        raise SystemExit("the undisturbed run did not finish")
    usual = campaign.hits()
    print(f"undisturbed: {len(stored(whole))} calls; points passed: {usual}", flush=True)
    reference = content(whole)
    run, since, finished = campaign.directory / "run-0", 0, 0
    while len(campaign.kills()) < arguments.kills or since:
        kills = campaign.kills()
        plan: dict[str, object] = {}
        if len(kills) < arguments.kills and since < arguments.per_run:
            plan = draw(chance, [kill["phase"] for kill in kills], since, usual)
        money = LITTLE if since and chance.random() < 1 / 4 else None
        ended = campaign.start(run, plan, money)
        if len(campaign.kills()) > len(kills):
            last = campaign.kills()[-1]
            since += 1
            print(f"kill {len(kills) + 1:2d}: {last['phase']}: {last['at']} (start {since})")
            sys.stdout.flush()
            continue
        if not ended:  # stopped by its budget
            since = max(since, 1)
            continue
        found = content(run)
        for name in sorted(reference.keys() | found.keys()):
            if reference.get(name) != found.get(name):
                campaign.failed.append(f"{name} differs after {since} kills")
        finished, since = finished + 1, 0
        shutil.rmtree(run)
        run = campaign.directory / f"run-{finished}"
    return report(campaign, finished, required=arguments.kills >= len(PHASES))


def report(campaign: Campaign, finished: int, *, required: bool) -> bool:
    """Print what was hit, and what went wrong; whether nothing did."""
    counts = Counter(kill["phase"] for kill in campaign.kills())
    print(f"{sum(counts.values())} kills: {dict(counts)}; {campaign.stopped} stopped by budget")
    missed = [phase for phase in PHASES if required and not counts[phase]]
    if missed:
        print(f"never hit: {', '.join(missed)}")
    for line in campaign.failed[:20]:
        print(f"WRONG: {line}")
    good = "all the undisturbed one to the byte, nothing asked again, no budget exceeded"
    print(
        f"{finished} runs finished, {f'{len(campaign.failed)} WRONG' if campaign.failed else good}"
    )
    return not campaign.failed and not missed


def draw(
    chance: random.Random, hit: list[str], since: int, usual: dict[str, int]
) -> dict[str, object]:
    """Where the next start is killed: what was never hit comes first."""
    missing = [phase for phase in PHASES if phase not in hit]
    phase = chance.choice(missing or list(PHASES))
    # a start after a kill passes fewer points than one from the beginning
    return {"phase": phase, "count": chance.randint(1, max(1, usual[phase] // (1 + since)))}


if __name__ == "__main__":
    main()
