"""Questions from the files that data sets are published as."""

import json
from pathlib import Path

import pytest

from xgen_core import InputError
from xgen_core.files import write_jsonl
from xgen_reason import Paragraph, Question
from xgen_reason.datasets import dataset_names, read_questions

HOTPOT = {
    "_id": "h1",
    "question": "Which came first?",
    "answer": "Ann",
    "type": "comparison",
    "level": "hard",
    "supporting_facts": [["Ann", 0], ["Bo", 1], ["Ann", 1]],
    "context": [["Ann", ["Ann was born.", " In 1900."]], ["Bo", ["Bo."]], ["Cy", []]],
}
HUB = {
    **{k: v for k, v in HOTPOT.items() if k != "_id"},
    "id": "h1",
    "supporting_facts": {"title": ["Ann", "Bo", "Ann"], "sent_id": [0, 1, 1]},
    "context": {
        "title": ["Ann", "Bo", "Cy"],
        "sentences": [["Ann was born.", " In 1900."], ["Bo."], []],
    },
}
ADVERSARIAL = {
    "qas_id": "a1",
    "question": "Where?",
    "answer": "Sochi",
    "paragraphs": [
        {"title": "Games", "context": "In Sochi.", "is_supp": True},
        {"title": "added", "context": "In Rome.", "is_supp": False},
    ],
}
CLAIM = {
    "id": 7,
    "label": "SUPPORTS",
    "claim": "Rats sing.",
    "evidence": [[[1, 2, "Rat_-LRB-animal-RRB-", 3], [1, 2, "Song", 0]]],
}
MEDICAL = {
    "id": "m1",
    "question": "Which bone?",
    "opa": "ulna",
    "opb": "tibia",
    "opc": "",
    "opd": "none",
    "cop": 2,
    "subject_name": "Anatomy",
    "topic_name": None,
}
TABLE = {
    "feta_id": 3,
    "question": "Who won?",
    "answer": "Ann won.",
    "table_page_title": "Poll",
    "table_section_title": "",
    "table_array": [["Name", "Name"], ["Ann", "Lee"]],
}
QALD = {
    "id": 1,
    "aggregation": False,
    "question": [{"language": "de", "string": "Wer?"}, {"language": "en", "string": "Who?"}],
    "answers": [
        {
            "head": {"vars": ["x"]},
            "results": {
                "bindings": [
                    {"x": {"type": "uri", "value": "http://www.wikidata.org/entity/Q42"}},
                    {"x": {"type": "literal", "value": "12/5", "xml:lang": "en"}},
                ]
            },
        }
    ],
    "query": {"sparql": "SELECT ?x WHERE {}"},
}


def read(tmp_path: Path, name: str, value: object, suffix: str = ".json") -> list[Question]:
    path = tmp_path / f"file{suffix}"
    if isinstance(value, str):
        path.write_text(value)
    elif suffix == ".jsonl":
        write_jsonl(path, [value])
    else:
        path.write_text(json.dumps(value))
    return read_questions(name, path)


@pytest.mark.parametrize("row", [HOTPOT, HUB])
@pytest.mark.parametrize("name", ["hotpotqa", "2wiki"])
def test_hotpotqa_and_2wiki(tmp_path: Path, name: str, row: object):
    (question,) = read(tmp_path, name, [row])
    assert question.id == "h1"
    assert question.golds == ("Ann",)
    assert question.support == ("Ann", "Bo")
    assert question.paragraphs[0] == Paragraph(title="Ann", text="Ann was born. In 1900.")
    assert question.attributes == {"type": "comparison", "level": "hard"}


def test_adversarial_questions_with_what_people_judged(tmp_path: Path):
    (question,) = read(tmp_path, "adv_hotpotqa", [ADVERSARIAL])
    assert (question.golds, question.support) == (("Sochi",), ("Games",))
    assert [p.title for p in question.paragraphs] == ["Games", "added"]
    right = [{"qas_id": "a1", "answer": a} for a in ("In Sochi", "Sochi", "In Sochi")]
    write_jsonl(tmp_path / "alt_answers.jsonlines", right)
    wrong = [{"qas_id": "a1", "answer": a} for a in ("Rome", "Russia")]
    write_jsonl(tmp_path / "incorrect_answers.jsonlines", wrong)
    (question,) = read(tmp_path, "adv_hotpotqa", [ADVERSARIAL])
    assert question.golds == ("Sochi", "In Sochi")
    assert question.attributes == {"certified_wrong": "Rome\nRussia"}


def test_claims_in_both_forms(tmp_path: Path):
    (question,) = read(tmp_path, "fever", CLAIM, ".jsonl")
    assert (question.id, question.text, question.golds) == ("7", "Rats sing.", ("SUPPORTS",))
    assert question.support == ("Rat (animal)", "Song")
    assert not question.paragraphs
    own = {"id": 8, "question": "Rats sing.", "label": "SUPPORTS", "evidence": CLAIM["evidence"]}
    (question,) = read(tmp_path, "fever", {**own, "pars": ["They do .", "La ."]}, ".jsonl")
    assert question.paragraphs[0] == Paragraph(title="Rat (animal)", text="They do .")
    unsure = {
        "id": 9,
        "claim": "x",
        "label": "NOT ENOUGH INFO",
        "evidence": [[[1, None, None, None]]],
    }
    (question,) = read(tmp_path, "fever", unsure, ".jsonl")
    assert question.support == ()
    (question,) = read(tmp_path, "fever", {"id": 9, "claim": "x"}, ".jsonl")  # the blind test set
    assert question.golds == ()


def test_multiple_choice(tmp_path: Path):
    (question,) = read(tmp_path, "medmcqa", [MEDICAL])
    assert question.full == "Which bone? A: ulna B: tibia C:  D: none"
    assert question.golds == ("B",)
    assert question.attributes == {"subject_name": "Anatomy"}
    lines = "".join(json.dumps({**MEDICAL, "id": i}) + "\n" for i in "ab")  # the release's .json
    assert [q.id for q in read(tmp_path, "medmcqa", lines)] == ["a", "b"]
    with pytest.raises(InputError, match=r"cop: expected 1 to 4, got 0; rows of the hub"):
        read(tmp_path, "medmcqa", [{**MEDICAL, "cop": 0}])


def test_mmlu_from_files_of_the_release(tmp_path: Path):
    for subject in ("college_physics", "high_school_physics"):
        path = tmp_path / f"{subject}_test.csv"
        path.write_text("Fast?,1,2,3,4,C\n")
    questions = read_questions("mmlu_physics", tmp_path)
    assert [q.id for q in questions] == ["high_school_physics/1", "college_physics/1"]
    assert questions[0].golds == ("C",)
    assert questions[0].options == {"A": "1", "B": "2", "C": "3", "D": "4"}
    with pytest.raises(InputError, match=r"expected high_school_biology_test.csv and college_bio"):
        read_questions("mmlu_biology", tmp_path)
    with pytest.raises(InputError, match="subject: expected high_school_biology or college_bio"):
        read_questions("mmlu_biology", tmp_path / "college_physics_test.csv")


def test_tables(tmp_path: Path):
    (question,) = read(tmp_path, "fetaqa", TABLE, ".jsonl")
    assert question.table is not None
    assert question.table.columns == ("Name", "Name")
    assert (question.table.title, question.kind) == ("Poll", "sentence")


def test_graph_questions(tmp_path: Path):
    (question,) = read(tmp_path, "qald", {"questions": [QALD]})
    assert (question.text, question.golds) == ("Who?", ("Q42", "12/5"))
    assert question.attributes["sparql"] == "SELECT ?x WHERE {}"
    write_jsonl(tmp_path / "labels.jsonl", [{"id": "Q42", "label": "Douglas Adams"}])
    (question,) = read(tmp_path, "qald", {"questions": [QALD]})
    assert question.golds == ("Q42\nDouglas Adams", "12/5")
    yes = {**QALD, "answers": [{"head": {}, "boolean": True}]}
    assert read(tmp_path, "qald", {"questions": [yes]})[0].golds == ("true",)


def test_questions_of_our_own(tmp_path: Path):
    question = Question(id="1", text="Which?", paragraphs=(Paragraph(title="a", text="b"),))
    assert read(tmp_path, "questions", question.to_json(), ".jsonl") == [question]


@pytest.mark.parametrize(
    ("name", "value", "suffix", "message"),
    [
        (
            "hotpotqa",
            [{**HOTPOT, "context": [["Ann"]]}],
            ".json",
            r"file.json:1: .*context: expected pairs",
        ),
        ("hotpotqa", [HOTPOT, {"_id": "x"}], ".json", r"file.json:2: .*missing"),
        ("hotpotqa", [HOTPOT, HOTPOT], ".json", r"row 2: the id 'h1' was there before"),
        ("hotpotqa", [], ".json", "no questions in it"),
        ("fever", {**CLAIM, "label": "TRUE"}, ".jsonl", r"file.jsonl:1: .*label: expected one of"),
        ("fever", {**CLAIM, "evidence": [[1]]}, ".jsonl", r"evidence: expected groups of four"),
        ("adv_hotpotqa", [{**ADVERSARIAL, "paragraphs": [{}]}], ".json", r"is_supp: this field is"),
        ("fetaqa", {**TABLE, "table_array": [["a"], ["b", "c"]]}, ".jsonl", r"row 1 has 2 cells"),
        ("fetaqa", {**TABLE, "table_array": [["a"]]}, ".jsonl", r"expected headings and rows"),
        (
            "qald",
            {"questions": [{**QALD, "answers": [{}]}]},
            ".json",
            r"question 1: answers.results",
        ),
        ("qald", [QALD], ".json", r"expected an object with a list of questions"),
        ("questions", {"id": "1"}, ".jsonl", r"file.jsonl:1: .*text"),
    ],
)
def test_rows_that_are_wrong_are_named(
    tmp_path: Path, name: str, value: object, suffix: str, message: str
):
    with pytest.raises(InputError, match=message):
        read(tmp_path, name, value, suffix)


def test_names_that_are_not_known_are_said(tmp_path: Path):
    with pytest.raises(InputError, match="unknown data set 'hotpot'; did you mean 'hotpotqa'"):
        read_questions("hotpot", tmp_path)
    with pytest.raises(InputError, match="no such file"):
        read_questions("fever", tmp_path / "none.jsonl")
    assert len(dataset_names()) == 10
