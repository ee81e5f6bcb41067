"""Requests and metrics of the benchmarks against lm-evaluation-harness, live: `make parity`.

Rows are made by a seeded generator; with XGEN_ACCEPTANCE_DATA real ones are compared as well.
"""

import csv
import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("lm_eval", reason="parity needs lm-eval: make parity")

# What other libraries deprecate among themselves is not under test.
pytestmark = pytest.mark.filterwarnings("ignore")

ROOT = Path(__file__).parents[4]
COUNT = 120
SPEC = importlib.util.spec_from_file_location(
    "build_eval_fixtures", ROOT / "tools" / "build_eval_fixtures.py"
)
builder = sys.modules[SPEC.name] = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(builder)
CASES = builder.cases(*builder.generated(seed=1, count=COUNT))


@pytest.mark.parametrize(("case", "shots"), CASES, ids=[case.name for case, _ in CASES])
def test_generated_rows(case, shots, equals_lm_eval, tmp_path):
    assert compare(case, shots, equals_lm_eval, tmp_path) >= 100


def compare(case, shots, equals_lm_eval, tmp_path):
    answers = builder.ask(case, tmp_path / "lm-eval", shots)
    rows = {name: part.splits for name, part in case.parts.items()}
    return equals_lm_eval(case.task, case.settings, rows, answers)


def test_groups_of_mmlu_are_those_of_lm_eval_but_for_anatomy():
    from xgen_eval.tasks.mmlu_subjects import GROUPS, SUBJECTS

    directory = builder.TASKS / "mmlu" / "default"
    theirs = {
        path.stem.removeprefix("mmlu_"): group
        for path in directory.glob("mmlu_*.yaml")
        for group in GROUPS
        if f"mmlu_{group}_tasks" in path.read_text("utf-8")
    }
    assert set(theirs) == set(SUBJECTS)
    assert {s for s in SUBJECTS if SUBJECTS[s] != theirs[s]} == {"anatomy"}
    assert theirs["anatomy"] == "stem"


@pytest.mark.parametrize(
    ("file", "task"),
    [
        ("arc/arc_easy.yaml", "arc:ArcEasy"),
        ("arc/arc_challenge.yaml", "arc:ArcChallenge"),
        ("hellaswag/hellaswag.yaml", "hellaswag:HellaSwag"),
        ("mmlu/default/_default_template_yaml", "mmlu:Mmlu"),
        ("openbookqa/openbookqa.yaml", "openbookqa:OpenBookQa"),
        ("piqa/piqa.yaml", "piqa:Piqa"),
        ("super_glue/boolq/default.yaml", "boolq:BoolQ"),
        ("truthfulqa/truthfulqa_mc1.yaml", "truthfulqa:TruthfulQa"),
        ("winogrande/default.yaml", "winogrande:Winogrande"),
    ],
)
def test_data_comes_from_the_same_place_on_the_hub(file, task):
    module, _, name = task.partition(":")
    dataset = getattr(importlib.import_module(f"xgen_eval.tasks.{module}"), name).dataset
    lines = (builder.TASKS / file).read_text("utf-8").splitlines()
    theirs = dict(line.split(": ", 1) for line in lines if line.startswith("dataset_"))
    # ARC's second file adds to the first, and MMLU's subjects name themselves
    assert theirs.get("dataset_path", dataset.hub.path) == dataset.hub.path
    if "dataset_name" in theirs:
        name = None if theirs["dataset_name"] == "null" else theirs["dataset_name"]
        assert dataset.hub.configurations == (name,)


REAL = os.environ.get("XGEN_ACCEPTANCE_DATA")
NAMES = [
    "arc_challenge 0-shot",
    "boolq 0-shot",
    "boolq 2-shot from the questions",
    "hellaswag 0-shot",
    "hellaswag 2-shot",
    "hellaswag 2-shot from the questions",
    "mmlu 0-shot",
    "mmlu 5-shot",
    "openbookqa 0-shot",
    "perplexity plain",
    "perplexity wikitext",
    "piqa 0-shot",
    "piqa 2-shot",
    "piqa 2-shot from the questions",
    "truthfulqa_mc",
    "winogrande 0-shot",
    "winogrande 2-shot from the questions",
]


@pytest.fixture(scope="module")
def real_cases():
    return {case.name: (case, shots) for case, shots in builder.cases(*real_rows())}


@pytest.mark.skipif(REAL is None, reason="real rows: make parity with XGEN_ACCEPTANCE_DATA=DIR")
@pytest.mark.parametrize("name", NAMES)
def test_real_rows(name, real_cases, equals_lm_eval, tmp_path):
    assert set(real_cases) == set(NAMES)
    case, shots = real_cases[name]
    assert compare(case, shots, equals_lm_eval, tmp_path) >= 100


def real_rows():
    """Rows in the hub's form, from the forms in which they lie there."""
    where = Path(REAL) / "eval"

    def lines(path):
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    def table(path):
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    tasks = {
        name: lines(where / "local_tasks" / f"{name}_first250.jsonl")
        for name in ("arc_challenge", "boolq", "openbook_qa", "winogrande")
    }
    hellaswag = [
        {**row, "label": str(row["label"])}
        for row in lines(where / "hellaswag" / "hellaswag_first400.jsonl")
    ]
    labels = (where / "piqa" / "valid_first600-labels.lst").read_text().split()
    piqa = [
        {**row, "label": int(label)}
        for row, label in zip(lines(where / "piqa" / "valid_first600.jsonl"), labels, strict=True)
    ]
    data = {
        "arc_challenge": {"test": [labelled(i, r, "question") for i, r in in_order(tasks, 0)]},
        "openbookqa": {"test": [labelled(i, r, "question_stem") for i, r in in_order(tasks, 2)]},
        "boolq": {"validation": [boolq(i, r) for i, r in in_order(tasks, 1)]},
        "winogrande": {"validation": [winogrande(r) for _, r in in_order(tasks, 3)]},
        "hellaswag": {"validation": hellaswag[:300], "train": hellaswag[300:]},
        "piqa": {"validation": piqa[:450], "train": piqa[450:]},
        "truthfulqa": {
            "validation": [
                truthfulqa(row) for row in table(where / "truthfulqa" / "TruthfulQA_v0_2022.csv")
            ]
        },
        "pages": {"test": [{"page": row["query"]} for row in tasks["boolq"]]},
    }
    # lm-eval asks for these splits; none of their rows is looked at
    for name in ("arc_challenge", "openbookqa"):
        data[name]["validation"] = data[name]["test"][:1]
    subjects = sorted(p.stem.removesuffix("_test") for p in (where / "mmlu/test").glob("*.csv"))
    for subject in subjects:
        data[f"mmlu/{subject}"] = {
            split: [mmlu(subject, r) for r in table(where / f"mmlu/{split}/{subject}_{split}.csv")]
            for split in ("test", "dev")
        }
    return data, subjects


def in_order(tasks, number):
    return enumerate(list(tasks.values())[number])


def labelled(i, row, stem):
    letters = "ABCDE"[: len(row["choices"])]
    return {
        "id": f"{i}",
        stem: row["query"].removeprefix("Question: "),
        "choices": {"text": row["choices"], "label": list(letters)},
        "answerKey": letters[row["gold"]],
    }


def boolq(i, row):
    passage, _, question = row["query"].removeprefix("Passage: ").rpartition("\nQuestion: ")
    question = question.removesuffix("?")
    return {"idx": i, "passage": passage, "question": question, "label": row["gold"]}


def winogrande(row):
    first, second = (context.split(" ") for context in row["context_options"])
    same = next(i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
    return {
        "sentence": " ".join([*first[:same], "_", row["continuation"]]),
        "option1": " ".join(first[same:]),
        "option2": " ".join(second[same:]),
        "answer": str(row["gold"] + 1),
    }


def truthfulqa(row):
    def closed(text):
        parts = [part.strip() for part in text.split(";") if part.strip()]
        return list(dict.fromkeys(p if p.endswith(".") else p + "." for p in parts))

    (best,) = closed(row["Best Answer"])
    true, false = closed(row["Correct Answers"]), closed(row["Incorrect Answers"])
    return {
        "question": row["Question"],
        "mc1_targets": {"choices": [best, *false], "labels": [1] + [0] * len(false)},
        "mc2_targets": {"choices": true + false, "labels": [1] * len(true) + [0] * len(false)},
    }


def mmlu(subject, row):
    return {
        "question": row["question"],
        "subject": subject,
        "choices": [row[f"choice{i}"] for i in range(4)],
        "answer": int(row["answer"]),
    }
