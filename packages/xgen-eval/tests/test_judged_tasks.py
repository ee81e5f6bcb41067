"""What all tasks with a judge have in common."""

from pathlib import Path

import pytest

from xgen_core import InputError, RecipeError, apply_settings
from xgen_eval import Inputs, Task
from xgen_eval.tasks.alpaca_eval import AlpacaEval
from xgen_eval.tasks.mt_bench import MtBench
from xgen_eval.tasks.mt_bench_pairs import MtBenchPairs
from xgen_eval.tasks.rubric import Rubrics
from xgen_eval.tasks.rubric_pairs import RubricPairs

KINDS = (MtBench, MtBenchPairs, AlpacaEval, Rubrics, RubricPairs)


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_a_task_that_says_what_it_needs(kind):
    task = kind()
    assert isinstance(task, Task)
    assert task.needs == "generate"
    with pytest.raises(InputError, match=rf"--set {task.name}\.\w+=FILE"):
        task.files(Inputs())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", ["repeats=0", "judge_max_tokens=0", "judge_temperature=-1"])
def test_settings_are_checked(kind, wrong):
    with pytest.raises(RecipeError, match="must"):
        apply_settings(kind(), [wrong])


def test_settings_come_from_the_command_line():
    settings = ["judge=openai:gpt-4", "questions=q.jsonl", "repeats=3", "compat=true"]
    task = apply_settings(MtBench(), settings)
    assert (task.questions, task.repeats, task.compat) == (Path("q.jsonl"), 3, True)
    assert task.files(Inputs()) == (Path("q.jsonl"),)
    both = apply_settings(Rubrics(), ['rubrics=["honesty"]', "answers=a.jsonl", "judge=replay:c#m"])
    assert both.files(Inputs()) == (Path("a.jsonl"), Path("c"))
