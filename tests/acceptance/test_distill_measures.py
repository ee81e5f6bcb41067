"""The release's training tasks against HumanEval and MBPP: what leaked, and what only sounds so."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from statistics import fmean

import pytest

from xgen_core.files import read_jsonl, write_jsonl
from xgen_distill import Task, Template, find_definition
from xgen_distill.decontamination import Contamination, TrainingItem, find_contamination
from xgen_distill.evaluation.plan import EvaluationPlan
from xgen_distill.evaluation.run import evaluate_student
from xgen_distill.inference import SETTINGS
from xgen_distill.similarity import similarity
from xgen_distill.tasks import read_tasks
from xgen_eval.execution.formats.persd import PRELUDE, persd_attempt

_HEADER = re.compile(r"^def .*:[ \t]*$", re.MULTILINE)


def released_items(path: Path) -> list[TrainingItem]:
    """Tasks of the release with the teacher's direct solution, under the header that all share."""
    items: list[TrainingItem] = []
    for row in read_jsonl(path, lambda value: value):
        attempt = persd_attempt(row)
        header = _HEADER.search(attempt.code)
        body = row["finetuning_completion"].replace("\r", "")
        items.append(
            TrainingItem(
                id=attempt.id,
                instruction=attempt.task,
                entry_point=attempt.entry_point,
                programs=(f"{header[0]}\n{body}",) if header else (),
                prelude=PRELUDE,
                modules=("numpy",),
            )
        )
    return items


@pytest.fixture(scope="module")
def found(data: Path) -> Contamination:
    items = released_items(data / "distill" / "persdistill" / "student_attempts_first1200.jsonl")
    assert len(items) == 1200
    mbpp = read_tasks(data / "eval" / "mbpp" / "sanitized-mbpp.json").tasks
    benchmarks = {
        "humaneval": read_tasks(data / "eval" / "humaneval" / "HumanEval.jsonl.gz").tasks,
        "mbpp": [task for task in mbpp if int(task.id.rpartition("/")[2]) < 601],
    }
    found = asyncio.run(find_contamination(items, benchmarks))
    print(json.dumps(found.counts(), indent=2))
    return found


def test_the_task_reworded_by_one_word_leaks(found: Contamination) -> None:
    pair = found.nearest()["mbpp/226"]
    assert pair.rouge_l > 0.9
    assert pair.ngram == 13
    assert pair.passes and pair.agrees  # noqa: PT018 - one fact
    assert pair.verdict == "leak"
    assert "mbpp/226" not in found.clean


def test_the_false_positive_of_wording_is_clean(found: Contamination) -> None:
    pairs = [pair for pair in found.pairs if pair.task == "HumanEval/82"]
    assert max(pair.rouge_l for pair in pairs) > 0.7
    assert {pair.verdict for pair in pairs} == {"unrelated"}
    assert "HumanEval/82" in found.clean


def test_odd_numbers_are_not_primes_though_three_asserts_say_so(found: Contamination) -> None:
    odd = [pair for pair in found.pairs if pair.task == "mbpp/406" and pair.passes]
    assert odd
    assert {pair.agrees for pair in odd} == {False}
    assert "mbpp/406" in found.clean


def test_wording_alone_would_call_most_of_mbpp_leaked(found: Contamination) -> None:
    counts = found.counts()["mbpp"]
    assert counts["tasks"] == 307
    assert counts["ROUGE-L > 0.5"] > 250
    assert counts["leak"] < 30


def test_the_benchmarks_own_solutions_pass_and_only_wrong_docstrings_speak_against_them(
    data: Path, tmp_path: Path
) -> None:
    humaneval = read_tasks(data / "eval" / "humaneval" / "HumanEval.jsonl.gz").tasks
    mbpp = read_tasks(data / "eval" / "mbpp" / "sanitized-mbpp.json").tasks
    rectified: set[str] = set()
    for tasks in (humaneval, [task for task in mbpp if int(task.id.rpartition("/")[2]) < 601]):
        rules = tmp_path / "rules.jsonl"
        # the reply of a rule is a template, in which a backslash stands for itself only if doubled
        write_jsonl(
            rules,
            [
                {
                    "pattern": re.escape(Template().attempt(task)) + "$",
                    "replies": [_written(task).replace("\\", "\\\\")],
                }
                for task in tasks
            ],
        )
        plan = EvaluationPlan(
            student=f"scripted:{rules}", settings=(SETTINGS["greedy"],), chat=True
        )
        output = tmp_path / tasks[0].origin
        done = asyncio.run(evaluate_student(plan, tasks, output=output))
        first, second = done.results.scores
        assert first.metrics["pass@1"].value == 1.0
        assert second.metrics["pass@1"].value == 1.0
        rectified |= {one.task for one in done.solved["greedy"] if one.at(2)[0].how != "carried"}
    assert rectified == {"HumanEval/47", "HumanEval/116"}


def _written(task: Task) -> str:
    """The body of a task's own solution; the whole, fenced, where more stands around it."""
    definition = find_definition(task.gold, task.entry_point)
    assert definition is not None
    if definition.header == task.header and not (definition.before + definition.after).strip():
        return definition.body
    return f"```python\n{task.gold}```\n"


def test_attempts_are_as_like_direct_solutions_as_was_measured_on_the_release(data: Path) -> None:
    path = data / "distill" / "persdistill" / "student_attempts_first1200.jsonl"
    golds = {item.id: item.programs for item in released_items(path)}
    attempts = [persd_attempt(row) for row in read_jsonl(path, lambda value: value)]
    pairs = [(one.code, golds[one.id][0]) for one in attempts if golds[one.id]]
    mean = fmean(similarity(attempt, gold)["text"] for attempt, gold in pairs)
    print(f"attempt ~ direct over {len(pairs)} tasks: {mean:.3f}")
    assert abs(mean - 0.328) < 0.03  # 0.328 over all 3,243 released tasks
