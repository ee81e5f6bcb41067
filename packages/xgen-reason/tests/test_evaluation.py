"""Scores, coverage, accounts and summaries, against vectors worked out apart from this code."""

import math
from dataclasses import replace

import pytest

from xgen_core.lm import Prices
from xgen_core.lm.asker import Call
from xgen_reason import Edit, Evidence, Found, Paragraph, Query, Question, Result, Vote
from xgen_reason.chain import Chain
from xgen_reason.evaluation import score, summarise
from xgen_reason.evaluation.accounts import EditAccount
from xgen_reason.evaluation.confidence import (
    auroc,
    calibration_error,
    coverage_auc,
    risk_coverage,
)
from xgen_reason.evaluation.metrics import score_answer
from xgen_reason.evidence import Attempt
from xgen_reason.result import Route

ELECTION = "thompson prevailed in the 1982 illinois gubernatorial election by a 5,074 vote margin."


def short(*golds: str, name: str = "1") -> Question:
    return Question(id=name, text="?", golds=golds)


@pytest.mark.parametrize(
    ("answer", "golds", "em", "f1"),
    [
        ("The Eiffel Tower.", ("eiffel tower",), 1, 1),
        ("Eiffel", ("the Eiffel Tower",), 0, 2 / 3),
        ("yes", ("no",), 0, 0),
        ("no", ("no way",), 0, 0),  # yes and no are right or wrong as a whole
        ("noanswer", ("no answer",), 0, 0),
        ("", ("x",), 0, 0),
        ("Sochi, Russia", ("Sochi", "In Sochi, Russia"), 0, 0.8),  # the gold with the best F1
        ("In Sochi", ("Sochi, Russia", "In Sochi"), 1, 1),
        ("Rocky Mountain", ("Mountain Rocky", "Rocky Mountain"), 1, 1),
    ],
)
def test_short_answers(answer: str, golds: tuple[str, ...], em: float, f1: float):
    assert score_answer(answer, short(*golds)) == {"em": em, "f1": pytest.approx(f1)}


@pytest.mark.parametrize(
    ("answer", "bleu"),
    [
        (ELECTION, 100.0),
        (
            "james r. thompson won the 1982 illinois gubernatorial election by 5,074 votes.",
            38.7202,
        ),
        ("thompson won.", 0.8862),
        ("THOMPSON WON.", 0.8862),
        ("", 0.0),
    ],
)
def test_sentences_are_scored_by_bleu(answer: str, bleu: float):
    question = Question(id="1", text="?", kind="sentence", golds=(ELECTION,))
    assert score_answer(answer, question) == {"bleu": pytest.approx(bleu, abs=1e-4)}


LABELS = ("SUPPORTS", "REFUTES", "NOT ENOUGH INFO")


@pytest.mark.parametrize(
    ("answer", "gold", "right"),
    [
        ("supports", "SUPPORTS", 1),
        ("Not enough information.", "NOT ENOUGH INFO", 1),
        ("REFUTES", "SUPPORTS", 0),
        # CoK took the first label that stood anywhere in the answer, a denied one too
        ("the evidence does not support it", "SUPPORTS", 0),
        ("", "NOT ENOUGH INFO", 0),
    ],
)
def test_labels(answer: str, gold: str, right: float):
    question = Question(id="1", text="?", kind="label", labels=LABELS, golds=(gold,))
    assert score_answer(answer, question) == {"accuracy": right}


@pytest.mark.parametrize(
    ("answer", "right"), [("B", 1), ("(b)", 1), ("B: tibia", 1), ("tibia", 1), ("A", 0), ("", 0)]
)
def test_options(answer: str, right: float):  # CoK defect 9
    options = {"A": "ulna", "B": "tibia"}
    question = Question(id="1", text="?", kind="choice", options=options, golds=("B",))
    assert score_answer(answer, question) == {"accuracy": right}


@pytest.mark.parametrize(
    ("answer", "golds", "precision", "recall"),
    [
        ("Q42, Q43", ("Q42", "Q43"), 1, 1),
        ("http://www.wikidata.org/entity/Q42 and Q7", ("Q42", "Q43"), 1 / 2, 1 / 2),
        ("wd:Q42", ("Q42", "Q43"), 1, 1 / 2),
        ("100", ("+100",), 1, 1),
        ("1,234 and 5", ("1234.0", "5"), 1, 1),
        ("yes", ("true",), 1, 1),
        ("Paris, Texas; Rome", ("Paris, Texas", "Rome"), 1, 1),
        ("Rome\nRome", ("Rome",), 1, 1),
        ("Milan", ("Rome",), 0, 0),
        ("1859-11-24", ("1859-11-24T00:00:00Z",), 1, 1),
        ("Douglas Adams; Q42", ("Q42\nDouglas Adams", "Q5\nhuman"), 1, 1 / 2),
        ("human and Ada", ("Q42\nDouglas Adams", "Q5\nhuman"), 1 / 2, 1 / 2),
        ("", ("Rome",), 0, 0),
    ],
)
def test_sets_of_values(answer: str, golds: tuple[str, ...], precision: float, recall: float):
    question = Question(id="1", text="?", kind="values", golds=golds)
    found = score_answer(answer, question)
    assert (found["precision"], found["recall"]) == (precision, recall)
    both = precision + recall
    assert found["f1"] == pytest.approx(2 * precision * recall / both if both else 0)


def test_questions_without_golds_cannot_be_scored():
    with pytest.raises(ValueError, match="has no golds"):
        score_answer("x", short())
    assert score(short(), Result(id="1", method="m", answer="x", route="direct")) == {}


def test_the_area_under_accuracy_and_coverage():
    assert coverage_auc([0.9, 0.8, 0.3, 0.1], [1, 0, 1, 0]) == pytest.approx(66.6667, abs=1e-4)
    assert coverage_auc([0.9, 0.8, 0.7, 0.6, 0.5], [1, 1, 0, 0, 0]) == pytest.approx(
        76.6667, abs=1e-4
    )
    assert coverage_auc([0.5, 0.6, 0.7, 0.8, 0.9], [1, 1, 0, 0, 0]) == pytest.approx(10.0)
    assert (coverage_auc([0.5], [1]), coverage_auc([0.5], [0])) == (100, 0)
    many = coverage_auc([-float(i) for i in range(3001)], [1.0] * 1500 + [0.0] * 1501)
    sizes = [3001 * k // 1000 for k in range(1, 1001)]
    assert many == pytest.approx(100 * sum(min(1, 1500 / n) for n in sizes) / 1000)
    with pytest.raises(ValueError, match="as many confidences"):
        coverage_auc([], [])


def test_ranking_and_calibration():
    assert auroc([0.9, 0.8, 0.3, 0.1], [1, 0, 1, 0]) == 0.75
    assert auroc([0.5, 0.5], [1, 0]) == 0.5
    assert auroc([0.5, 0.5], [1, 1]) is None
    assert risk_coverage([0.9, 0.5, 0.5, 0.1], [1, 0, 1, 0]) == [
        (0.25, 0.0),
        (0.75, pytest.approx(1 / 3)),
        (1.0, 0.5),
    ]
    assert calibration_error([0.95, 0.95, 0.15], [1, 0, 0]) == pytest.approx((0.9 + 0.15) / 3)
    assert calibration_error([1.0, 0.0], [1, 0]) == 0
    with pytest.raises(ValueError, match=r"confidences in \[0, 1\]"):
        calibration_error([-0.1], [1])


GOLD = Paragraph(title="Games", text="The games were in Sochi.")
QUESTIONS = [
    replace(
        short("Sochi", name=name),
        paragraphs=(GOLD, Paragraph(title="x", text="In Rome.")),
        support=("Games",),
    )
    for name in "abcdef"
]


def result(
    name: str,
    answer: str,
    first: str = "",
    route: Route = "certain",
    *,
    edits: tuple[Edit, ...] = (),
    confidence: float | None = None,
) -> Result:
    chains = (Chain(answer=first), Chain())
    votes = (Vote(answer=first, count=1, share=1.0, weight=1.0, members=(0,)),) if first else ()
    return Result(
        id=name,
        method="m",
        answer=answer,
        first=first,
        route=route,
        edits=edits,
        samples=chains,
        votes=votes,
        confidence=confidence,
        domains=("factual",) if edits else (),
        calls=(Call(stage="sample", prompt="p", texts=("t", "t"), prompt_tokens=10),),
    )


def edit(text: str, *, used: bool = True, reason: str = "", failure: str = "") -> Edit:
    pieces = (
        Evidence(text="In Rome.", source="text", locator="x"),
        Evidence(text=text, source="text", locator="y"),
    )
    found = Found(
        source="text",
        query=Query(text="q"),
        evidence=() if failure else pieces,
        attempts=(Attempt(text="q", outcome="no such column: x" if failure else "found"),),
        failure=failure,
    )
    places = ((0, 1),) if used else ()
    return Edit(
        step=1, before="b", after="a" if used else "b", found=(found,), used=places, reason=reason
    )


RESULTS = [
    result("a", "Sochi", "Sochi", confidence=-0.1),
    result("b", "Sochi", "Rome", "edited", edits=(edit("The games were in Sochi."),)),
    result("c", "Rome", "Sochi", "edited", edits=(edit("in   Sochi"),), confidence=-2.0),
    result("d", "Rome", "Milan", "fallback", confidence=-3.0),
    result(
        "e",
        "",
        "",
        "abstained",
        edits=(edit("", used=False, reason="no evidence: x", failure="f"),),
    ),
]


def test_what_editing_did_is_accounted_for():
    summary = summarise(QUESTIONS, RESULTS, prices=Prices(prompt=1.0, completion=2.0))
    assert summary.edits == EditAccount(
        questions=5, flagged=4, wrong_to_right=1, right_to_wrong=1, unchanged=2, steps=3, changed=2
    )
    assert summary.edits_by["source/text"].flagged == 2
    assert summary.edits_by["domain/factual"].questions == 3
    assert summary.routes == {"abstained": 1, "certain": 1, "edited": 2, "fallback": 1}
    assert summary.missing == ("f",)
    assert summary.problems == {
        "samples without an answer": 6,
        "no answer in the end": 1,
        "step kept: no evidence": 1,
        "text gave no answer: f": 1,
        "text: queries that failed": 1,
    }
    assert (summary.calls, summary.prompt_tokens) == (10, 50)
    assert summary.cost == pytest.approx(50 / 1e6)


def test_means_have_their_errors_and_abstentions_count():
    metrics = summarise(QUESTIONS, RESULTS).metrics
    em = metrics["em"]
    assert (em.value, em.n) == (0.4, 5)
    assert em.stderr == pytest.approx(math.sqrt(0.4 * 0.6 / 4))
    assert em.interval is not None
    assert metrics["em/first"].value == 0.4
    assert metrics["f1"].interval is not None
    # a question without a confidence is the least sure: 1, then c and d wrong, then b and e
    assert metrics["auc"].value == pytest.approx(coverage_auc([5, 4, 3, 2, 1], [1, 0, 0, 1, 0]))
    assert metrics["auc"].n == 5
    assert metrics["ece"].n == 3
    assert metrics["auc/votes"].n == 5
    assert metrics["inclusion/found"].value == pytest.approx(2 / 3)
    assert metrics["inclusion/shown"].value == pytest.approx(2 / 3)


def test_inclusion_tells_what_ranking_lost():
    lost = replace(edit("The games were in Sochi."), used=((0, 0),))
    metrics = summarise(QUESTIONS, [result("a", "Rome", "Rome", "edited", edits=(lost,))]).metrics
    assert (metrics["inclusion/found"].value, metrics["inclusion/shown"].value) == (1, 0)


def test_results_belong_to_questions():
    with pytest.raises(ValueError, match="at most one result for each question"):
        summarise(QUESTIONS, [RESULTS[0], RESULTS[0]])
    with pytest.raises(ValueError, match="none for others"):
        summarise(QUESTIONS[1:], RESULTS)
    assert summarise([short(name="a")], [RESULTS[0]]).unscored == 1
    assert summarise(QUESTIONS, []).metrics == {}
