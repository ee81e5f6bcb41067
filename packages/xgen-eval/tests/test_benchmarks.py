"""Every known form of a benchmark's data, the settings of tasks, and data that is wrong."""

import csv
import json
import math

import pytest

from xgen_core import CapabilityError, InputError, ModelInfo
from xgen_core.testing import ByteTokenizer, LoopbackServer, UnigramModel
from xgen_eval.datasets import DataDirectory
from xgen_eval.inputs import Inputs
from xgen_eval.tasks.arc import ArcChallenge
from xgen_eval.tasks.boolq import BoolQ
from xgen_eval.tasks.hellaswag import HellaSwag
from xgen_eval.tasks.mmlu import Mmlu
from xgen_eval.tasks.openbookqa import OpenBookQa
from xgen_eval.tasks.piqa import Piqa
from xgen_eval.tasks.truthfulqa import TruthfulQa
from xgen_eval.tasks.winogrande import Winogrande

HELLASWAG = {
    "ind": 3,
    "activity_label": "Sawing",
    "ctx_a": "A man saws.",
    "ctx_b": "the Man",
    "endings": ["rests.", "[step] stops  here.", "flies.", "eats."],
    "label": 1,
    "split_type": "zeroshot",
    "source_id": "wikihow~7",
}
WINOGRANDE = {"sentence": "Ann met Bo and _ smiled.", "option1": "Ann", "option2": "Bo"}
BOOLQ = {"question": "is it so", "passage": "Truth -- It is so."}
STEM = {"stem": "What is warm?", "choices": [{"text": "ice", "label": "A"}]}
FIRE = {"text": "fire", "label": "B"}
CSV = {
    "Type": "Adversarial",
    "Category": "Myths",
    "Question": "Do pigs fly?",
    "Best Answer": "No",
    "Correct Answers": "No; They do not.; No",
    "Incorrect Answers": "Yes; Some do",
}
MC = {
    "question": "Do pigs fly?",
    "mc1_targets": {"No.": 1, "Yes.": 0, "Some do.": 0},
    "mc2_targets": {"No.": 1, "They do not.": 1, "Yes.": 0, "Some do.": 0},
}


def on_the_hub(row):
    targets = {
        name: {"choices": list(row[name]), "labels": list(row[name].values())}
        for name in ("mc1_targets", "mc2_targets")
    }
    return {**row, **targets}


@pytest.fixture
def data(tmp_path):
    return DataDirectory(tmp_path / "data")


@pytest.fixture
def add(data, tmp_path):
    """Add rows as one JSONL file, or CSV file of that name, to a task's split."""

    def work(task, rows, split=None, name="rows.jsonl"):
        path = tmp_path / name
        if name.endswith(".csv"):
            with path.open("w", newline="", encoding="utf-8") as file:
                if isinstance(rows[0], dict):
                    writer = csv.DictWriter(file, list(rows[0]))
                    writer.writeheader()
                else:
                    writer = csv.writer(file)
                writer.writerows(rows)
        else:
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        split = split or task.dataset.splits[0]
        data.add(task.dataset, split, [path])
        return data.read(task.dataset, split)

    return work


@pytest.mark.parametrize(
    ("task", "forms"),
    [
        (
            OpenBookQa,
            [
                {
                    "id": "1",
                    "question_stem": "What is warm?",
                    "choices": {"text": ["ice", "fire"], "label": ["A", "B"]},
                    "answerKey": "B",
                },
                {
                    "id": "1",
                    "question": {**STEM, "choices": [*STEM["choices"], FIRE]},
                    "answerKey": " B",
                },
                {"query": "What is warm?", "choices": ["ice", "fire"], "gold": 1},
            ],
        ),
        (
            Piqa,
            [
                {"goal": "Warm up", "sol1": "ice", "sol2": "fire", "label": 1},
                {"goal": "Warm up", "sol1": "ice", "sol2": "fire", "label": "1"},
                {"query": "Question: Warm up", "choices": ["ice", "fire"], "gold": 1},
            ],
        ),
        (HellaSwag, [HELLASWAG, {**HELLASWAG, "label": "1"}]),
        (
            Winogrande,
            [
                {**WINOGRANDE, "answer": "2"},
                {
                    "context_options": ["Ann met Bo and Ann", "Ann met Bo and Bo"],
                    "continuation": "smiled.",
                    "gold": 1,
                },
            ],
        ),
        (
            BoolQ,
            [
                {**BOOLQ, "idx": 1, "label": 1},
                {"question": "is it so", "title": "Truth", "passage": "It is so.", "answer": True},
                {
                    "query": "Passage: Truth -- It is so.\nQuestion: is it so?",
                    "choices": ["no", "yes"],
                    "gold": 1,
                },
            ],
        ),
        (TruthfulQa, [MC, on_the_hub(MC)]),
    ],
)
def test_every_form_gives_the_same_row(task, forms, add):
    rows = [add(task, [form]) for form in forms]
    assert all(row == rows[0] for row in rows)


def test_truthfulqa_from_its_csv(add):
    (from_csv,) = add(TruthfulQa, [CSV], name="TruthfulQA.csv")
    (from_json,) = add(TruthfulQa, [MC])
    assert from_csv.category == "Myths"
    for name in ("question", "best", "rivals", "true", "false"):
        assert getattr(from_csv, name) == getattr(from_json, name), name


def test_mmlu_from_csv_and_hub(add):
    row = ["1+1?", "1", "2", "3", "4", "B"]
    (headless,) = add(Mmlu, [row], name="abstract_algebra_test.csv")
    names = ("question", "choice0", "choice1", "choice2", "choice3", "answer")
    with_header = dict(zip(names, [*row[:-1], 1], strict=True))
    assert add(Mmlu, [with_header], name="abstract_algebra_val.csv") == (headless,)
    hub = {"question": "1+1?", "subject": "abstract_algebra", "choices": row[1:5], "answer": 1}
    assert add(Mmlu, [hub]) == (headless,)
    assert (headless.id, headless.gold) == ("abstract_algebra/1", 1)


@pytest.mark.parametrize(
    ("task", "row", "message"),
    [
        (OpenBookQa, {"id": "1", "answerKey": "A", "choices": {}}, "question: this field is miss"),
        (
            OpenBookQa,
            {
                "id": "1",
                "question_stem": "?",
                "choices": {"text": ["a", "b"], "label": ["A"]},
                "answerKey": "A",
            },
            "choices: 2 texts, but 1 labels",
        ),
        (Piqa, {"goal": "g", "sol1": "a", "sol2": "b", "label": 2}, "answer 2 is out of range"),
        (Piqa, {"goal": "g", "sol1": "a", "sol2": "b", "label": "x"}, "label: expected a whole"),
        (Piqa, {"goal": "g", "sol1": "a", "sol2": "b"}, "label: this field is missing"),
        (HellaSwag, {**HELLASWAG, "label": ""}, "label: expected a whole number, got ''"),
        (HellaSwag, {**HELLASWAG, "endings": "abcd"}, "endings: expected a list of texts"),
        (HellaSwag, {**HELLASWAG, "label": 4}, "answer 4 is out of range: there are 4 choices"),
        (Winogrande, {**WINOGRANDE, "answer": ""}, "answer: expected a whole number"),
        (Winogrande, {**WINOGRANDE, "answer": "3"}, "answer 2 is out of range"),
        (Winogrande, {**WINOGRANDE, "sentence": "no", "answer": "1"}, "needs a blank _"),
        (BoolQ, {**BOOLQ, "idx": 1, "label": -1}, "answer -1 is out of range"),
        (BoolQ, {"query": "no question", "gold": 0}, "with Question: after it"),
        (TruthfulQa, {**MC, "mc1_targets": {"a": 0, "b": 1}}, "in the first place"),
        (TruthfulQa, {**MC, "mc2_targets": {"a": 2}}, "expected labels of 0 and 1"),
        (TruthfulQa, {**MC, "mc2_targets": {"a": 1}}, "needs true and false answers"),
        (
            TruthfulQa,
            {**MC, "mc1_targets": {"choices": ["a", "b"], "labels": [1]}},
            "expected a label for each of 2 choices",
        ),
        (
            Mmlu,
            {"question": "q", "subject": "magic", "choices": list("abcd"), "answer": 0},
            "subject: 'magic' is none of the 57",
        ),
        (
            Mmlu,
            {"question": "q", "subject": "virology", "choices": list("abc"), "answer": 0},
            "expected 4 choices, got 3",
        ),
        (
            Mmlu,
            {"question": "q", "subject": "virology", "choices": list("abcd"), "answer": "E"},
            "answer: expected a whole number, got 'E'",
        ),
    ],
)
def test_a_bad_row_is_one_line(task, row, message, add, data):
    with pytest.raises(InputError, match=r"rows\.jsonl:1: not a row of .*" + message) as caught:
        add(task, [row])
    assert "\n" not in str(caught.value)
    assert not data.entries()


def test_labels_in_a_file_of_their_own_must_be_as_many(data, tmp_path):
    row = {"goal": "g", "sol1": "a", "sol2": "b"}
    rows, labels = tmp_path / "valid.jsonl", tmp_path / "valid-labels.lst"
    rows.write_text(json.dumps(row) + "\n" + json.dumps(row) + "\n")
    labels.write_text("0\n")
    with pytest.raises(InputError, match=r"labels\.lst has 1 labels, .*valid\.jsonl 2 rows"):
        data.add(Piqa.dataset, "validation", [rows, labels])
    labels.write_text("0\n1\n")
    assert data.add(Piqa.dataset, "validation", [rows, labels]) == 2


def test_too_few_examples_are_one_line(add, data):
    row = {"goal": "g", "sol1": "a", "sol2": "b", "label": 0}
    add(Piqa, [row])
    add(Piqa, [row, row], "train")
    with pytest.raises(InputError, match="needs 3 examples, the split train has 2"):
        Piqa(shots=2).items(Inputs(data=data.path))
    with pytest.raises(InputError, match="needs 1 examples, the split train has 0"):
        # two are drawn, but both are copies of the question
        Piqa(shots=1).items(Inputs(data=data.path))
    mmlu = {"question": "q", "subject": "virology", "choices": list("abcd"), "answer": 0}
    add(Mmlu, [mmlu])
    add(Mmlu, [{**mmlu, "subject": "anatomy"}], "dev")
    with pytest.raises(InputError, match="needs 1 examples of virology, the split dev has 0"):
        Mmlu(shots=1).items(Inputs(data=data.path))


@pytest.mark.parametrize("echo", ["ignored", "silent"])
def test_an_endpoint_without_log_probabilities_is_one_line(echo, add, data, xgen, tmp_path):
    add(Piqa, [{"goal": "g", "sol1": "a", "sol2": "b", "label": 0}])
    with LoopbackServer(UnigramModel(), echo=echo) as server:
        code, out, err = xgen(
            *("eval", "run", "-m", f"{server.url}#loopback", "-t", "piqa"),
            *("--data", data.path, "-o", tmp_path / "run"),
        )
    assert (code, out) == (2, "")
    assert "so it cannot score; use local:DIR" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "run" / "results.json").exists()


def test_a_model_that_only_writes_is_refused_before_it_is_asked(add, data, run_task, tmp_path):
    add(Piqa, [{"goal": "g", "sol1": "a", "sol2": "b", "label": 0}])

    class Writes:
        info = UnigramModel().info

    with pytest.raises(CapabilityError, match=r"piqa scores text, which .* cannot"):
        run_task(Writes(), Piqa(), tmp_path / "run", data=data.path)


@pytest.fixture
def mmlu(add, data):
    """One question, six dev rows and the inputs to ask it."""
    row = {"question": " Q ", "subject": "us_foreign_policy", "choices": list("wxyz"), "answer": 2}
    add(Mmlu, [row])
    add(Mmlu, [{**row, "question": f"D{i}", "answer": i % 4} for i in range(6)], "dev")
    return Inputs(data=data.path)


def test_mmlu_in_its_three_forms(mmlu):
    listed = "\nA. w\nB. x\nC. y\nD. z\nAnswer:"
    about = (
        "The following are multiple choice questions (with answers) about us foreign policy.\n\n"
    )
    (item,) = Mmlu(shots=1).items(mmlu)
    assert item.contexts[0] == f"{about}D0{listed} A\n\nQ{listed}"
    assert item.continuations == (" A", " B", " C", " D")
    assert item.shots == ("us_foreign_policy/1",)
    (item,) = Mmlu(shots=1, form="original").items(mmlu)
    assert item.contexts[0] == f"{about.replace('about ', 'about  ')}D0{listed} A\n\n Q {listed}"
    assert item.continuations == ("A", "B", "C", "D")
    (item,) = Mmlu(form="answer_text").items(mmlu)
    assert item.contexts[0] == f"Question:  Q \nChoices:{listed}"
    assert item.continuations == (" w", " x", " y", " z")
    # Random(42) shuffles one question, which takes a draw from no stream, and samples two of six
    (item,) = Mmlu(form="answer_text", shots=2).items(mmlu)
    assert item.shots == ("us_foreign_policy/6", "us_foreign_policy/1")


def test_the_variant_of_mmlu_names_form_and_letter():
    assert Mmlu().variant == "letters-v1"
    assert Mmlu(letter="spaced").variant == "letters-v1"
    assert Mmlu(letter="bare").variant == "letters-bare-v1"
    assert Mmlu(form="original").variant == "original-bare-v1"
    assert Mmlu(form="original", letter="spaced").variant == "original-spaced-v1"
    assert Mmlu(form="answer_text").variant == "answer-text-v1"
    with pytest.raises(ValueError, match="form is letters, original or answer_text"):
        Mmlu(form="other")
    with pytest.raises(ValueError, match="scores no letters"):
        Mmlu(form="answer_text", letter="bare")


def test_the_original_form_leaves_out_shots_until_the_prompt_fits(mmlu, plugin):
    def shots(most):
        (item,) = Mmlu(form="original", shots=5, max_tokens=most, tokenizer="bytes").items(mmlu)
        return len(item.shots), len(item.contexts[0])

    full = shots(2048)
    assert full[0] == 5
    # a token of this tokenizer is a byte, and the limit may be reached
    assert shots(full[1]) == full
    assert shots(full[1] - 1)[0] == 4
    assert shots(1)[0] == 0
    with pytest.raises(InputError, match=r"--set mmlu\.tokenizer=NAME"):
        Mmlu(form="original", shots=5, max_tokens=100).items(mmlu)


def test_the_tokenizer_that_counts_must_be_the_models(
    mmlu, plugin, run_task, data, doubles, tmp_path
):
    class OfBytes(doubles.ByteModel):
        def __init__(self, tokenizer):
            super().__init__(doubles.unigram)
            self.info = ModelInfo(identity="x", tokenizer=tokenizer)

    task = Mmlu(form="original", shots=5, tokenizer="bytes")
    run_task(OfBytes(ByteTokenizer().fingerprint), task, tmp_path / "run", data=data.path)
    with pytest.raises(InputError, match=r"mmlu\.tokenizer=bytes is not the tokenizer of x"):
        run_task(OfBytes("another"), task, tmp_path / "other", data=data.path)


def test_mmlu_counts_questions_by_group_and_subject(add, data, run_task, doubles, tmp_path):
    row = {"question": "Q", "choices": list("wxyz")}
    sizes = {"anatomy": [0, 0, 1], "virology": [1], "sociology": [0]}
    add(Mmlu, [{**row, "subject": s, "answer": a} for s, own in sizes.items() for a in own])
    # all choices cost the same, so that A is taken
    model = doubles.ByteModel(lambda byte, position, left: 1.0)
    record, rows = run_task(model, Mmlu(), tmp_path / "run", data=data.path)
    values = {name: metric.value for name, metric in record.metrics.items()}
    assert values["acc"] == 3 / 5
    assert values["acc/stem"] == pytest.approx(2 / 3)  # lm-eval counts anatomy there
    assert values["acc/other"] == 0
    assert values["acc/social_sciences"] == 1
    assert values["acc@anatomy"] == pytest.approx(2 / 3)
    assert values["chance"] == 0.25
    assert (values["subjects"], record.metrics["subjects"].unit) == (3, "of 57")
    assert rows[0]["attr.group"] == "stem"
    assert "acc_norm" not in rows[0]
    record, _ = run_task(model, Mmlu(form="original"), tmp_path / "run", data=data.path)
    assert record.metrics["acc/other"].value == pytest.approx(2 / 4)


def test_hellaswag_is_cleaned(add, data):
    add(HellaSwag, [HELLASWAG])
    (item,) = HellaSwag().items(Inputs(data=data.path))
    assert item.contexts[0] == "Sawing: A man saws. The man"  # "Man" is lowered, as lm-eval does
    assert item.continuations[1] == "  stops here."
    assert item.attributes == {"split_type": "zeroshot", "source": "wikihow"}


def test_a_choice_without_characters_is_never_the_likeliest(add, data, run_task, doubles, tmp_path):
    add(HellaSwag, [{**HELLASWAG, "endings": ["[step]", "aaaa"], "label": 1}])
    model = doubles.ByteModel(doubles.unigram)
    _, rows = run_task(model, HellaSwag(), tmp_path / "run", data=data.path)
    assert (rows[0]["acc"], rows[0]["acc_norm"], rows[0]["acc_bytes"]) == (0, 1, 1)


def test_winogrande_scores_the_same_words_after_either_option(
    add, data, run_task, doubles, tmp_path
):
    add(
        Winogrande,
        [
            {**WINOGRANDE, "answer": "2"},
            {**WINOGRANDE, "sentence": "Ann met Bo and _ frowned.", "answer": "1"},
        ],
    )
    model = doubles.KnowsText("Ann met Bo and Bo smiled. Ann met Bo and Bo frowned.")
    record, rows = run_task(model, Winogrande(), tmp_path / "run", data=data.path)
    assert [row["acc"] for row in rows] == [1, 0]
    assert rows[0]["context_1"] + rows[0]["continuation_1"] == "Ann met Bo and Bo smiled."
    # a pair of sentences is one unit: one unit says nothing about spread
    assert record.metrics["acc"].n == 1
    assert record.metrics["acc"].stderr is None


def test_truthfulqa_shares_probability_among_all_answers(add, data, run_task, doubles, tmp_path):
    add(TruthfulQa, [MC])

    class Knows(doubles.ByteModel):
        def _score(self, request):
            cost = {" No.": 3000.0, " They do not.": 3000.0, " Yes.": 3001.0, " Some do.": 3002.0}
            size = len(request.continuation)
            value = -cost[request.continuation] / size
            one = doubles.Score
            return one(token_logprobs=(value,) * size, byte_lengths=(1,) * size, is_greedy=False)

    record, rows = run_task(Knows(doubles.unigram), TruthfulQa(), tmp_path / "run", data=data.path)
    assert rows[0]["mc1"] == 1
    assert rows[0]["right"] == "0 3"
    true, false = 2.0, math.exp(-1) + math.exp(-2)
    assert record.metrics["mc2"].value == pytest.approx(true / (true + false), rel=1e-9)
    assert record.metrics["chance/mc1"].value == pytest.approx(1 / 3)
    assert record.metrics["chance/mc2"].value == 0.5
    (item,) = TruthfulQa().items(Inputs(data=data.path))
    assert item.contexts[0].startswith("Q: What is human life expectancy in the United States?\nA:")
    assert item.contexts[0].endswith("Barcelona, Spain.\n\nQ: Do pigs fly?\nA:")


def test_shots_are_recorded_and_settings_are_checked(add, data, run_task, doubles, tmp_path):
    rows = [{**BOOLQ, "idx": i, "passage": f"P{i // 2}", "label": i % 2} for i in range(4)]
    add(BoolQ, rows)
    task = BoolQ(shots=2, shots_from="validation")
    model = doubles.ByteModel(doubles.unigram)
    record, found = run_task(model, task, tmp_path / "run", data=data.path)
    for row in found:
        shots = row["shots"].split()
        assert len(shots) == 2
        assert row["id"] not in shots
    assert len({row["cluster"] for row in found}) == 2
    assert record.metrics["acc"].n == 2  # passages
    assert record.settings["shots"] == 2
    with pytest.raises(ValueError, match="asked without shots"):
        TruthfulQa(shots=1)
    with pytest.raises(ValueError, match="must not be negative"):
        BoolQ(shots=-1)
    with pytest.raises(InputError, match="boolq has no split 'dev'"):
        BoolQ(split="dev").files(Inputs(data=data.path))


def test_a_bad_setting_is_one_line(xgen, add, data, tmp_path):
    add(Piqa, [{"goal": "g", "sol1": "a", "sol2": "b", "label": 0}])
    arguments = ["eval", "run", "-m", "scripted:x", "-t", "arc_easy", "-o", tmp_path / "run"]
    code, _, err = xgen(*arguments, "--set", "arc_easy.shots=-1")
    assert code == 2
    assert "shots must not be negative" in err
    assert err.count("\n") == 1, err


def test_arc_from_its_release(add):
    row = {
        "id": "M_1",
        "question": {**STEM, "choices": [*STEM["choices"], FIRE]},
        "answerKey": "B",
    }
    (parsed,) = add(ArcChallenge, [row])
    assert (parsed.question, parsed.choices, parsed.gold) == ("What is warm?", ("ice", "fire"), 1)


def test_rows_of_the_hub_are_fetched_split_by_split(data, monkeypatch):
    asked = []

    def load_dataset(path, name, *, split, revision):
        asked.append((path, name, split, revision))
        if path == "cais/mmlu":
            return [
                {"question": f"{split}?", "subject": name, "choices": list("abcd"), "answer": 3}
            ]
        return [{**HELLASWAG, "label": "0"}]

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    assert data.fetch(HellaSwag.dataset) == {"validation": 1, "train": 1}
    assert asked == [
        ("Rowan/hellaswag", None, "validation", "main"),
        ("Rowan/hellaswag", None, "train", "main"),
    ]
    assert data.fetch(Mmlu.dataset) == {"test": 57, "dev": 57, "validation": 57}
    first, *_, last = data.read(Mmlu.dataset, "dev")
    assert (first.id, first.question, first.gold) == ("abstract_algebra/1", "dev?", 3)
    assert last.id == "world_religions/1"


def test_what_the_hub_refuses_is_one_line(data, monkeypatch):
    def load_dataset(path, name, *, split, revision):
        raise ConnectionError("no route\nto anywhere")

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    with pytest.raises(InputError, match=r"baber/piqa could not be fetched \(no route\)"):
        data.fetch(Piqa.dataset)
    assert not data.entries()
