"""`xgen eval judge`: answers graded by a judge: MT-Bench, AlpacaEval, rubrics, preferences."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from xgen_eval.commands.judging import (
    JudgeOptions,
    judge_options,
    judge_task,
    rows_of,
    run_judged,
    show,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["judge"]


@click.group("judge")
def judge() -> None:
    """Grade answers by a judge: a file of them, or those of a model that is asked.

    The judge is any model: an endpoint, local:DIR, replay:FILE (judgments made before) or
    scripted:FILE (rules). All calls are kept in the run directory; the same command again asks only
    for what was never answered.

    \b
    Example:
      xgen eval judge mt-bench answers.jsonl --questions question.jsonl \\
        --references gpt-4.jsonl --judge openai:gpt-4 -o runs/mt-bench
      xgen eval judge alpaca outputs.json --reference base.json --judge openai:gpt-4 -o runs/alpaca
      xgen eval judge rubric answers.jsonl --judge local:JUDGE -o runs/rubric
      xgen eval judge pairs pairs.jsonl --judge local:JUDGE -o runs/pairs --preferences dpo.jsonl
    """


@judge.command("mt-bench")
@click.argument("answers", required=False, type=click.Path())
@click.option("--questions", type=click.Path(), required=True, help="FastChat's question.jsonl.")
@click.option("--references", type=click.Path(), help="Reference answers, in the form of answers.")
@click.option("--prompts", type=click.Path(), help="FastChat's judge_prompts.jsonl; else our own.")
@click.option("--baseline", type=click.Path(), help="Answers to compare with, in both orders.")
@click.option(
    "--prompting",
    type=click.Choice(["messages", "xgen"]),
    help="How --model is prompted: by its own template, or as FastChat prompts XGen.",
)
@click.option("--compat", is_flag=True, help="Read judgments as FastChat does: first match.")
@judge_options
def mt_bench(
    options: JudgeOptions,
    answers: str | None,
    compat: bool,
    **fields: str | int | None,
) -> None:
    """MT-Bench: ratings from 1 to 10 of answers in FastChat's form, or wins over a baseline.

    \b
    Example:
      xgen eval judge mt-bench answers.jsonl --questions question.jsonl --references gpt-4.jsonl \\
        --prompts judge_prompts.jsonl --judge openai:gpt-4 -o runs/mt-bench
      xgen eval judge mt-bench -m local:MODEL --questions question.jsonl \\
        --references gpt-4.jsonl --judge openai:gpt-4 -o runs/mt-bench
    """
    from pathlib import Path

    from xgen_core.files import write_jsonl
    from xgen_eval.judges.questions import answer_lines
    from xgen_eval.tasks.mt_bench import MtBench
    from xgen_eval.tasks.mt_bench_pairs import MtBenchPairs

    kind = MtBench if fields["baseline"] is None else MtBenchPairs
    task = judge_task(kind, answers, options, {**fields, "compat": compat or None})
    results = run_judged(task, options)
    if results is not None:
        rows = rows_of(task, options)
        if answers is None:
            lines = answer_lines(results.model.identity, rows)
            write_jsonl(Path(options.output) / "answers.jsonl", lines)
        show(results, options)


@judge.command("alpaca")
@click.argument("outputs", required=False, type=click.Path())
@click.option("--reference", type=click.Path(), help="The baseline's outputs (instructions too).")
@click.option("--annotations", type=click.Path(), help="Judged pairs; nobody is asked then.")
@click.option(
    "--version",
    type=click.IntRange(1, 2),
    help="1: a ranking (default); 2: a letter, weighed by its log-probabilities.",
)
@click.option("--letter", is_flag=True, help="Version 2 by a judge without log-probabilities.")
@click.option("--both-orders", is_flag=True, help="Judge in both orders, not in a drawn one.")
@click.option("--prompt", type=click.Path(), help="A template in alpaca_eval's form.")
@click.option("--gamed", type=click.Path(), help="df_gamed.csv, for length control.")
@click.option("--difficulty", type=click.Path(), help="instruction_difficulty.csv, likewise.")
@judge_options
def alpaca(
    options: JudgeOptions,
    outputs: str | None,
    annotations: str | None,
    letter: bool,
    both_orders: bool,
    **fields: str | int | None,
) -> None:
    """AlpacaEval 1 and 2: how often a judge prefers outputs to a baseline's, in percent.

    \b
    Example:
      xgen eval judge alpaca outputs.json --reference base.json --judge openai:gpt-4 -o runs/alpaca
      xgen eval judge alpaca --annotations annotations.json -o runs/alpaca
    """
    from pathlib import Path

    from xgen_core.files import write_json
    from xgen_eval.judges.outputs import annotation_lines
    from xgen_eval.tasks.alpaca_eval import AlpacaEval

    settings = {**fields, "annotations": annotations}
    settings |= {"letter": letter or None, "both_orders": both_orders or None}
    if annotations is not None:
        if outputs is not None or options.model is not None:
            raise click.UsageError("annotations bring their outputs: give neither OUTPUTS nor -m")
        outputs = annotations
    task = judge_task(AlpacaEval, outputs, options, settings)
    results = run_judged(task, options)
    if results is not None:
        if annotations is None:
            lines = list(annotation_lines(rows_of(task, options)))
            write_json(Path(options.output) / "annotations.json", lines)
        show(results, options)


@judge.command("rubric")
@click.argument("answers", required=False, type=click.Path())
@click.option("--prompts", type=click.Path(), help="Prompts for --model, as JSONL.")
@click.option(
    "--rubric",
    "rubrics",
    multiple=True,
    help="helpfulness, harmlessness, honesty (all three by default), or FILE.toml:NAME; "
    "repeatable.",
)
@judge_options
def rubric(
    options: JudgeOptions,
    answers: str | None,
    rubrics: tuple[str, ...],
    **fields: str | int | None,
) -> None:
    """Rate answers by helpfulness, harmlessness and honesty, or by rubrics of your own.

    ANSWERS is JSONL of {"id", "prompt", "answer"}; a prompt is text or a list of messages.

    \b
    Example:
      xgen eval judge rubric answers.jsonl --judge openai:gpt-4 -o runs/rubric
      xgen eval judge rubric answers.jsonl --rubric rubrics.toml:brevity --judge local:J -o runs/r
    """
    from xgen_eval.tasks.rubric import Rubrics

    task = judge_task(Rubrics, answers, options, {**fields, "rubrics": rubrics or None})
    results = run_judged(task, options)
    if results is not None:
        show(results, options)


@judge.command("pairs")
@click.argument("answers", required=False, type=click.Path())
@click.option("--baseline", type=click.Path(), help="The other answers, if not in the same file.")
@click.option("--rubric", help="helpfulness (default), another rubric, or FILE.toml:NAME.")
@click.option(
    "--preferences", type=click.Path(), help="Write what was decided as pairs for DPO, here."
)
@judge_options
def pairs(
    options: JudgeOptions,
    answers: str | None,
    preferences: str | None,
    **fields: str | int | None,
) -> None:
    """Say which of two answers is better, in both orders; feedback of an AI for DPO.

    ANSWERS is JSONL of {"id", "prompt", "answer_a", "answer_b"}, or with --baseline two files of
    {"id", "prompt", "answer"}.

    \b
    Example:
      xgen eval judge pairs pairs.jsonl --judge local:JUDGE -o runs/pairs --preferences dpo.jsonl
      xgen train dpo dpo.jsonl --from runs/chat -o runs/dpo
    """
    from xgen_core.files import write_jsonl
    from xgen_eval.judges.prompted import preferences as decided
    from xgen_eval.tasks.rubric_pairs import RubricPairs

    task = judge_task(RubricPairs, answers, options, fields)
    results = run_judged(task, options)
    if results is None:
        return
    show(results, options)
    if preferences is not None:
        found = decided(rows_of(task, options))
        count = write_jsonl(preferences, (p.to_json() for p in found.kept))
        left = ", ".join(f"{n} {why}" for why, n in found.left_out.items()) or "none"
        click.echo(f"{preferences}: {count} preferences; left out: {left}", err=options.as_json)


@judge.command("agreement")
@click.argument("first", type=click.Path())
@click.argument("second", type=click.Path())
@click.option("--task", help="Of runs with several judged tasks.")
@click.option("--column", help="Of the labels; default: verdict, preference or score.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def agreement(first: str, second: str, task: str | None, column: str | None, as_json: bool) -> None:
    """How far two judges agree, or a judge and people: Cohen's kappa.

    Each is a run directory or JSONL of {"id", "verdict"} (or another column), paired by id.

    \b
    Example:
      xgen eval judge agreement runs/by-gpt4 runs/by-local
      xgen eval judge agreement runs/by-gpt4 people.jsonl --column verdict
    """
    from xgen_eval.judges.agreement import agreement as compared
    from xgen_eval.judges.agreement import read_labels

    found = compared(*(read_labels(_items(name, task), column) for name in (first, second)))
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2))
        return
    same = found.same
    click.echo(f"same      {same.value:.4f}  {same.uncertainty}  of {same.n}")
    for name, kappa in (("kappa", found.kappa), ("quadratic", found.quadratic_kappa)):
        if kappa is not None:
            click.echo(f"{name:<9} {kappa:.4f}")
    for names, count in found.table.items():
        click.echo(f"  {names:<16} {count}")
    if found.unpaired:
        click.echo(f"{found.unpaired} labels have no counterpart")


def _items(name: str, task: str | None) -> Path:
    """A file of labels, or the rows of a run's judged task."""
    from pathlib import Path

    from xgen_core import InputError

    path = Path(name)
    if not path.is_dir():
        return path
    found = {p.stem: p for p in sorted((path / "items").glob("*.jsonl"))}
    if task is None and len(found) == 1:
        return next(iter(found.values()))
    if task not in found:
        raise InputError(f"{name}: choose a task by --task: {', '.join(found) or 'there is none'}")
    return found[task]
