"""Standard, chain of thought, self-consistency and its calibration."""

import math

import pytest

from xgen_core import CapabilityError, InputError, RecipeError
from xgen_reason import Chain, Paragraph, Question, Result, Table
from xgen_reason.methods.calibrated import CalibratedSelfConsistency
from xgen_reason.methods.calibration import fit_logistic, validness
from xgen_reason.methods.chain_of_thought import ChainOfThought
from xgen_reason.methods.method import Method
from xgen_reason.methods.registry import load_method, method_names
from xgen_reason.methods.sampling import Sampling
from xgen_reason.methods.self_consistency import SelfConsistency
from xgen_reason.methods.standard import Standard


def says(answer):
    return f"First, a is b. Second, b is c. The answer is {answer}."


def drawn(*answers):
    """Rules for samples; an empty answer is a chain that states none."""
    return [(r"^\[thought\]", tuple(says(a) if a else "First, who knows." for a in answers))]


def test_every_method_has_its_name_and_the_papers_settings():
    assert method_names() == [
        "standard",
        "cot",
        "cot-sc",
        "cot-sc-calibrated",
        "react",
        "cot-sc-react",
        "react-cot-sc",
        "verify-edit",
        "chain-of-knowledge",
    ]
    for name in method_names():
        method = load_method(name)
        assert isinstance(method, Method)
        assert method.name == name
    verify = load_method("verify-edit")
    assert (verify.sampling.n, verify.sampling.temperature, verify.sampling.gate) == (
        5,
        0.7,
        "votes",
    )
    assert (verify.evidence_k, verify.edit, verify.max_steps) == (3, "answer", 8)
    assert load_method("cot-sc-react").first.sampling.n == 21


def test_settings_are_read_and_refused_in_one_line():
    method = load_method("cot-sc", ["sampling.n=3", "sampling.gate=probability"])
    assert (method.sampling.n, method.sampling.gate) == (3, "probability")
    assert load_method("react-cot-sc", ["first.max_steps=2"]).first.max_steps == 2
    with pytest.raises(RecipeError, match="unknown method 'verify-edits'; did you mean"):
        load_method("verify-edits")
    with pytest.raises(RecipeError, match="unknown field of Sampling 'm'"):
        load_method("cot-sc", ["sampling.m=3"])
    with pytest.raises(RecipeError, match=r"a share of votes lies in \(0, 1\], got 3.5"):
        load_method("verify-edit", ["sampling.threshold=3.5"])


def test_standard(solve, question, stages):
    result = solve(Standard(), question, [(r"^\[standard\] Where", " Oslo.\nQ: next")])
    assert (result.answer, result.route, result.confidence) == ("Oslo", "direct", None)
    assert stages(result) == ["standard"]
    rules = [(r"^\[standard\]", "Oslo")]
    result = solve(Standard(logprobs=True), question, rules, logprobs=[-0.5])
    assert result.confidence == pytest.approx(math.exp(-0.5))
    result = solve(Standard(), question, [(r"^\[standard\]", " ")])
    assert (result.answer, result.route) == ("", "abstained")
    assert result.notes == ("the reply states no answer",)


def test_prompts_show_options_and_tables(solve):
    choice = Question(id="1", text="Which?", kind="choice", options={"A": "one", "B": "two"})
    rules = [(r"^\[standard\] Which\? A: one B: two =$", "(b)")]
    assert solve(Standard(), choice, rules).answer == "B"
    rows = tuple((str(i), "x") for i in range(20))
    table = Question(
        id="2", text="How many?", table=Table(columns=("n", "v"), rows=rows, title="T")
    )
    assert solve(Standard(), table, [(r"\[standard\] How", "20")]).answer == "20"


def test_chain_of_thought(solve, question):
    result = solve(ChainOfThought(logprobs=True), question, drawn("Oslo"), logprobs=[-0.5])
    assert (result.answer, result.route, result.confidence) == ("Oslo", "direct", -0.5)
    assert result.chain.steps == ("a is b.", "b is c.")
    assert solve(ChainOfThought(), question, drawn("")).route == "abstained"
    rules = [(r"^\[json\]", '{"steps": ["a"], "answer": "Oslo"}')]
    assert solve(ChainOfThought(prompt="thought_json"), question, rules).answer == "Oslo"


def test_self_consistency(solve, question, stages):
    result = solve(SelfConsistency(), question, drawn("x", "Oslo", "oslo.", "y", "The Oslo"))
    assert (result.answer, result.route, result.confidence) == ("Oslo", "direct", 0.6)
    assert stages(result) == ["sample×5"]
    assert result.votes[0].members == (1, 2, 4)
    assert result.details == {"drawn": 5, "kept": 5, "certain": True}
    raw = SelfConsistency(sampling=Sampling(normalise=False))
    assert solve(raw, question, drawn("x", "Oslo", "oslo.", "y", "The Oslo")).votes[0].count == 1


def test_the_chain_is_the_likeliest_of_the_winners(solve, question):
    rules = drawn("x", "y", "y", "x", "y")
    method = SelfConsistency(sampling=Sampling(logprobs=True))
    result = solve(method, question, rules, logprobs=[-9.0, -3.0, -1.0, -9.0, -2.0])
    assert result.chain == result.samples[2]
    assert result.confidence == -1.0


def test_it_draws_until_enough_state_an_answer(solve, question, stages, model):
    answers = ["", "Oslo", "", "Oslo", "Rome", "", "Rome", "Oslo", "Oslo", "Oslo"]
    asked = model(drawn(*answers))
    result = solve(SelfConsistency(), question, asked, seed=0)
    assert stages(result) == ["sample×5", "sample×2", "sample"]  # 3, then 1, then 1 more
    assert [request.seed for request in asked.requests] == [0, 5, 7]  # no sample twice
    assert result.notes == ("3 of 8 samples state no answer",)
    assert result.votes[0].members == (1, 3, 7)  # CoK defect 3
    assert all(result.samples[i].answer == "Oslo" for i in result.votes[0].members)
    assert result.details["kept"] == 5


def test_it_stops_drawing_at_twice_as_many(solve, question, stages):
    result = solve(SelfConsistency(), question, drawn(""))
    assert stages(result) == ["sample×5", "sample×5"]
    assert (result.answer, result.route, result.confidence) == ("", "abstained", None)
    assert result.notes == ("10 of 10 samples state no answer",)
    assert len(result.samples) == 10
    result = solve(SelfConsistency(sampling=Sampling(n=2, most=3)), question, drawn(""))
    assert stages(result) == ["sample×2", "sample"]


def test_a_gate_that_needs_log_probabilities_asks_for_them(solve, question, model):
    method = SelfConsistency(sampling=Sampling(gate="probability"))
    asked = model(drawn("x"), logprobs=[-0.1])
    assert solve(method, question, asked).votes[0].weight == pytest.approx(5 * math.exp(-0.1))
    assert asked.requests[0].logprobs == 0
    asked = model(drawn("x"))
    with pytest.raises(CapabilityError, match="the model gives none"):
        solve(method, question, asked)
    plain = model(drawn("x"))
    solve(SelfConsistency(), question, plain)
    assert plain.requests[0].logprobs is None


def test_wrong_settings_of_sampling():
    for bad in ({"n": 0}, {"n": 5, "most": 4}, {"threshold": 2.0}):
        with pytest.raises(ValueError):
            Sampling(**bad)


def test_a_logistic_regression_of_one_binary_feature_is_its_log_odds():
    x = [[0.0]] * 8 + [[1.0]] * 8
    y = [True] * 2 + [False] * 6 + [True] * 6 + [False] * 2
    intercept, weight = fit_logistic(x, y, c=1e9)
    assert intercept == pytest.approx(math.log(2 / 6))
    assert weight == pytest.approx(math.log(6 / 2) - math.log(2 / 6))


def test_a_feature_that_says_nothing_has_no_weight():
    intercept, weight = fit_logistic([[0.0], [1.0]] * 4, [True, True, False, False] * 2)
    assert (intercept, weight) == pytest.approx((0, 0))


def test_a_penalised_regression_is_that_of_scikit_learn():
    x = [[0.9, 0.5], [0.8, 0.2], [0.3, 0.9], [0.1, 0.1], [0.6, 0.6], [0.2, 0.3]]
    found = fit_logistic(x, [True, True, False, False, True, False])  # separable
    assert found == pytest.approx((-1.77005068, 3.88519402, -0.19864976), abs=1e-6)
    found = fit_logistic(x, [True, False, True, False, True, False])
    assert found == pytest.approx((-2.23716693, 1.41716452, 3.52337099), abs=1e-6)
    with pytest.raises(ValueError, match="right and items that are wrong"):
        fit_logistic(x, [True] * 6)


def labelled(i, golds=("Oslo",)):
    paragraph = Paragraph(title="Acme", text="Lea founded Acme. Lea was born in Oslo.")
    return Question(id=f"{i}", text="Where was she born?", golds=golds, paragraphs=(paragraph,))


def test_validness_is_the_support_of_the_worst_step():
    one = labelled(1)
    assert validness(Chain(steps=("Lea founded Acme.", "Lea was born in Oslo.")), one) == 1
    assert validness(Chain(steps=("Lea founded Acme.", "Lea was born in Rome.")), one) == 2 / 3
    assert validness(Chain(steps=("Oslo born Lea",)), one) == 1 / 3  # in order
    assert validness(Chain(), one) == 1


def test_validness_does_not_know_the_gold_answer():  # VE defect 9
    chain = Chain(steps=("It is Rome.",), answer="Rome")
    values = {validness(chain, labelled(1, golds=golds)) for golds in (("Rome",), ("Oslo",), ())}
    assert values == {0.0}


def fitted():
    questions = {f"{i}": labelled(i) for i in range(4)}
    outcomes = [("Oslo", -0.1), ("Oslo", -0.3), ("Rome", -1.0), ("Rome", -0.2)]
    results = [
        Result(
            id=f"{i}",
            method="cot-sc",
            answer=answer,
            route="direct",
            chain=Chain(
                steps=(f"Lea was born in {answer}.",),
                answer=answer,
                logprob=value,
                answer_logprob=value,
            ),
        )
        for i, (answer, value) in enumerate(outcomes)
    ]
    return CalibratedSelfConsistency().fit(results, questions), results, questions


def test_calibration_changes_confidence_and_no_answer(solve):
    method, _, _ = fitted()
    rules = [(r"^\[thought\]", ("First, Lea was born in Oslo. The answer is Oslo.",))]
    right = solve(method, labelled(9), rules, logprobs=[-0.1])
    rules = [(r"^\[thought\]", ("First, Lea was born in Rome. The answer is Rome.",))]
    wrong = solve(method, labelled(9), rules, logprobs=[-0.1])
    assert (right.answer, wrong.answer) == ("Oslo", "Rome")
    assert 0 < wrong.confidence < 0.5 < right.confidence < 1
    assert (right.details["validness"], wrong.details["validness"]) == (1, 2 / 3)


def test_calibration_says_what_it_lacks(solve, question):
    _, results, questions = fitted()
    with pytest.raises(CapabilityError, match="not fitted"):
        solve(CalibratedSelfConsistency(), question, drawn("x"))
    with pytest.raises(InputError, match="2 of 2 are right"):
        CalibratedSelfConsistency().fit(results[:2], questions)
    silent = [Result(id="0", method="m", answer="x", route="direct", chain=Chain(answer="x"))]
    with pytest.raises(CapabilityError, match="log-probabilities"):
        CalibratedSelfConsistency().fit(silent, questions)
    with pytest.raises(RecipeError, match="needs log-probabilities"):
        load_method("cot-sc-calibrated", ["sampling.logprobs=false"])
    unknown = Chain(answer="x", logprob=-1.0)  # tokens that do not spell the text
    lost = [Result(id="0", method="m", answer="x", route="direct", chain=unknown)]
    assert CalibratedSelfConsistency().fit([*results, *lost], questions) == fitted()[0]
    loaded = load_method("cot-sc-calibrated", ["weights=-1,2,3"])
    assert loaded.weights == (-1, 2, 3)
    rules = [(r"^\[thought\]", ("no form",))]
    assert solve(loaded, question, rules, logprobs=[-1.0]).route == "abstained"
