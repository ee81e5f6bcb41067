"""Files of others that judges work on: FastChat's prompts, alpaca_eval's outputs and board."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path

import pytest

from xgen_core.files import read_json, read_jsonl, write_json, write_jsonl
from xgen_eval import Results, evaluate
from xgen_eval.judges.given import GivenAnswers
from xgen_eval.judges.judge import JudgedTask
from xgen_eval.judges.prompts import read_prompts
from xgen_eval.judges.questions import read_answers, read_questions
from xgen_eval.judges.win_rate import win_rate
from xgen_eval.tasks.alpaca_eval import AlpacaEval
from xgen_eval.tasks.mt_bench import MtBench
from xgen_eval.tasks.mt_bench_pairs import MtBenchPairs


@pytest.fixture
def alpaca(data: Path) -> Path:
    return data / "eval" / "alpaca_eval"


@pytest.fixture
def mt_bench(data: Path) -> Path:
    return data / "eval" / "mt_bench"


def run(task: JudgedTask, output: Path) -> Results:
    assert task.answers is not None
    work = evaluate(GivenAnswers(task.answers), [task], output=output)  # pyright: ignore
    return asyncio.run(work)


def judge(tmp_path: Path, *rules: tuple[str, str]) -> str:
    path = tmp_path / "judge.jsonl"
    write_jsonl(path, [{"pattern": p, "replies": [reply]} for p, reply in rules])
    return f"scripted:{path}"


def test_alpaca_7b_gets_its_place_on_the_board(alpaca: Path, tmp_path: Path) -> None:
    preferences = read_json(alpaca / "alpaca-7b_preferences.json")["preferences"]
    with next(alpaca.glob("*.csv")).open(newline="") as handle:
        board = next(row for row in csv.DictReader(handle) if row[""] == "alpaca-7b")
    found = win_rate(preferences)
    assert f"{found.win_rate:.2f}" == "26.46"
    assert found.win_rate == pytest.approx(float(board["win_rate"]), abs=1e-9)
    assert found.standard_error == pytest.approx(float(board["standard_error"]), abs=1e-9)
    assert found.discrete_win_rate == pytest.approx(float(board["discrete_win_rate"]), abs=1e-9)
    counts = (found.n_wins, found.n_wins_base, found.n_draws, found.n_total)
    names = ("n_wins", "n_wins_base", "n_draws", "n_total")
    assert counts == tuple(int(board[name]) for name in names)

    # the same through the task: annotations in alpaca_eval's form
    base = read_json(alpaca / "text_davinci_003_model_outputs.json")
    ours = read_json(alpaca / "alpaca-7b_model_outputs.json")
    path = tmp_path / "annotations.json"
    rows = [
        {
            "instruction": b["instruction"],
            "output_1": b["output"],
            "output_2": o["output"],
            "preference": p,
        }
        for b, o, p in zip(base, ours, preferences, strict=True)
    ]
    write_json(path, rows)
    metrics = (
        run(AlpacaEval(answers=path, annotations=path), tmp_path / "run")
        .tasks["alpaca_eval"]
        .metrics
    )
    assert f"{metrics['win_rate'].value:.4f}" == f"{float(board['win_rate']):.4f}"
    assert f"{metrics['win_rate'].stderr:.4f}" == f"{float(board['standard_error']):.4f}"
    assert int(metrics["length"].value) == int(board["avg_length"])


def test_real_outputs_are_judged_in_the_drawn_orders(alpaca: Path, tmp_path: Path) -> None:
    first = "[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}]"
    task = AlpacaEval(
        answers=alpaca / "alpaca-7b_model_outputs.json",
        reference=alpaca / "text_davinci_003_model_outputs.json",
        judge=judge(tmp_path, ("", first)),
    )
    metrics = run(task, tmp_path / "run").tasks["alpaca_eval"].metrics
    # a judge that always takes the first: 14 outputs are the same, the rest is decided by the draw
    assert metrics["win_rate"].n == 805
    assert metrics["prefers_first"].n == 791
    assert metrics["win_rate"].value == pytest.approx(50, abs=5)
    assert metrics["unparsed"].value == 0
    parts = {name.partition("/")[2] for name in metrics if name.startswith("win_rate/")}
    assert parts == {"helpful_base", "koala", "oasst", "selfinstruct", "vicuna"}


def test_fastchats_prompts_are_filled_for_every_question(mt_bench: Path, tmp_path: Path) -> None:
    questions = read_questions(mt_bench / "question.jsonl")
    assert len(questions) == 80
    assert {len(q.turns) for q in questions} == {2}
    assert len(read_answers(mt_bench / "reference_answer_gpt-4.jsonl")) == 30
    answers = tmp_path / "answers.jsonl"
    rows = [
        {"question_id": q.question_id, "choices": [{"index": 0, "turns": ["{one}", "two}"]}]}
        for q in questions
    ]
    write_jsonl(answers, rows)
    files = {
        "answers": answers,
        "questions": mt_bench / "question.jsonl",
        "references": mt_bench / "reference_answer_gpt-4.jsonl",
    }
    for prompts in (None, mt_bench / "judge_prompts.jsonl"):
        name = "own" if prompts is None else "given"
        rating = judge(tmp_path, (r"\{(question|answer|ref_answer)", "unfilled"), ("", "[[8]]"))
        task = MtBench(prompts=prompts, judge=rating, **files)
        results = run(task, tmp_path / name).tasks["mt_bench"]
        assert (results.metrics["score"].value, results.items) == (8, 160)
        assert results.metrics["unparsed"].value == 0
        items = list(read_jsonl(tmp_path / name / "items" / "mt_bench.jsonl"))
        used = {item["prompt"] for item in items}
        assert used == {
            f"{kind}{turn}"
            for kind in ("single-v1", "single-math-v1")
            for turn in ("", "-multi-turn")
        }
        assert sum("reference" in item for item in items) == 60
        tie = judge(tmp_path, (r"\{(question|answer|ref_answer)", "unfilled"), ("", "[[C]]"))
        pairs = MtBenchPairs(prompts=prompts, judge=tie, baseline=answers, **files)
        metrics = run(pairs, tmp_path / f"{name}-pairs").tasks["mt_bench_pairs"].metrics
        assert metrics["tie_rate"].value == 1


def test_our_prompts_have_fastchats_structure(mt_bench: Path) -> None:
    """The same places in the same order, and the instruction in the same message."""
    theirs = read_prompts(mt_bench / "judge_prompts.jsonl")
    ours = read_prompts(None)
    for kind in ("single", "pair"):
        for reference in (False, True):
            for turn in (1, 2):
                a = ours.choose(kind, reference=reference, turn=turn)
                b = theirs.choose(kind, reference=reference, turn=turn)
                assert a.name == b.name
                assert shape(a.prompt_template) == shape(b.prompt_template)
                marks = ["[[rating]]"] if kind == "single" else ["[[A]]", "[[B]]", "[[C]]"]
                for mark in marks:
                    assert (mark in a.system_prompt) == (mark in b.system_prompt)
                    assert (mark in a.prompt_template) == (mark in b.prompt_template)


def shape(template: str) -> list[str]:
    """The lines of a template that are places or markers, the instruction left out."""
    lines = [line.strip() for line in template.splitlines()]
    return [x for x in lines if x.startswith(("{", "[The", "<|", "###", "[Q", "[U", "[I"))]
