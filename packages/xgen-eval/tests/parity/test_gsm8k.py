"""Requests and grades of GSM8K equal lm-evaluation-harness's on generated rows."""

import json
from pathlib import Path

import pytest

from xgen_eval.answers import Answered
from xgen_eval.datasets import DataDirectory
from xgen_eval.inputs import Inputs
from xgen_eval.tasks.gsm8k import Gsm8k

lm_eval = pytest.importorskip("lm_eval", reason="parity needs lm-eval: make parity")
LM = pytest.importorskip("lm_eval.api.model").LM
TaskManager = pytest.importorskip("lm_eval.tasks").TaskManager

pytestmark = pytest.mark.filterwarnings("ignore")
ANSWERS = (
    " So it is {n}.\n#### {n}",
    " It costs ${n}.",
    " #### {n}, and not 7",
    " #### {n}.\n\n",
    " I do not know.",
    " {n} or 5.",
    " #### -{n}",
    " -{n}",
    " #### {m}",
    " {n}.00",
    " ####{n}",
    " #### 1 #### {n}",
)


class Recorder(LM):
    """Keeps what it is asked, and answers in each of the ways in turn."""

    def __init__(self):
        super().__init__()
        self.asked = []
        self.answers = []

    def loglikelihood(self, requests):
        raise AssertionError

    def loglikelihood_rolling(self, requests):
        raise AssertionError

    def generate_until(self, requests):
        for i, request in enumerate(requests):
            gold = request.doc["answer"].rpartition("#### ")[2]
            self.asked.append(request.args)
            self.answers.append(ANSWERS[i % len(ANSWERS)].format(n=gold, m=gold.replace(",", "")))
        return self.answers


def test_requests_and_grades_are_the_harnesses(tmp_path):
    files = {}
    for split, numbers in (("test", range(990, 1110)), ("train", range(40))):
        rows = [
            {"question": f"What is {n} plus {n}?", "answer": f"Twice {n}.\n#### {2 * n:,}"}
            for n in numbers
        ]
        files[split] = str(tmp_path / f"{split}.jsonl")
        Path(files[split]).write_text("".join(json.dumps(r) + "\n" for r in rows))
        DataDirectory(tmp_path).add(Gsm8k.dataset, split, [Path(files[split])])
    theirs = Path(lm_eval.__file__).parent / "tasks" / "gsm8k" / "gsm8k.yaml"
    (tmp_path / "local.yaml").write_text(
        f"include: {theirs}\ntask: gsm8k_local\ndataset_path: json\ndataset_name: null\n"
        f"dataset_kwargs: {json.dumps({'data_files': files})}\n"
    )
    manager = TaskManager(include_path=str(tmp_path), include_defaults=False)
    model = Recorder()
    results = lm_eval.simple_evaluate(
        model=model, tasks=["gsm8k_local"], task_manager=manager, bootstrap_iters=0
    )["results"]["gsm8k_local"]

    task = Gsm8k()
    asks = task.asks(Inputs(data=tmp_path))
    assert len(asks) == 120
    assert [a.request.prompt for a in asks] == [context for context, _ in model.asked]
    assert {tuple(settings["until"]) for _, settings in model.asked} == {asks[0].request.stop}
    grades = []
    for ask, text in zip(asks, model.answers, strict=True):
        completion = _completion(text)
        grades.append(task.grade(Answered(ask=ask, completions=(completion,))))
    for ours, harness in (
        ("strict_match", "strict-match"),
        ("flexible_extract", "flexible-extract"),
    ):
        mean = sum(g[ours] for g in grades) / len(grades)
        assert 0 < mean < 1
        assert mean == pytest.approx(results[f"exact_match,{harness}"], abs=1e-12)


def _completion(text):
    from xgen_core import Completion

    return Completion(text=text, finish_reason="stop")
