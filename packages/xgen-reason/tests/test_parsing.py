"""Texts of models as chains: steps, answers, labels, letters, log-probabilities."""

import pytest

from xgen_core import Completion
from xgen_core.records import TokenLogprob
from xgen_reason import Question, load_prompts
from xgen_reason.answers import normal_form
from xgen_reason.chain import write_steps
from xgen_reason.parsing import (
    read_answer,
    read_chain,
    read_continuation,
    read_sentence,
    read_steps,
)
from xgen_reason.prompts.prompt_set import prompt_sets

SHORT = Question(id="q", text="Where?")
CLAIM = Question(
    id="c", text="So it is.", kind="label", labels=("SUPPORTS", "REFUTES", "NOT ENOUGH INFO")
)
CHOICE = Question(
    id="m",
    text="Which organ?",
    kind="choice",
    options={"A": "a heart", "B": "the spleen", "C": "C-reactive liver", "D": "an eye"},
)
SENTENCE = Question(id="s", text="Who won?", kind="sentence")


def chain(text, question=SHORT):
    return read_chain(Completion(text=text, finish_reason="stop"), question)


def answer(text, question=SHORT):
    return read_answer(Completion(text=text, finish_reason="stop"), question).answer


@pytest.mark.parametrize(
    ("text", "steps", "stated"),
    [
        ("First, a is b. Second, b is c. The answer is Paris.", ("a is b.", "b is c."), "Paris"),
        ("First, a. Second, b. Third, the answer is Paris", ("a.", "b."), "Paris"),
        ("First, a. Second, b. Therefore, the answer is: 'Paris'.", ("a.", "b."), "Paris"),
        ("First, a. So the final answer is Paris.\n", ("a.",), "Paris"),
        ("First, a. Second, b, so the answer is Paris.", ("a.", "b"), "Paris"),
        (
            "First, a\nSecond, b\nMoreover, c\nFinally, d\nTHE ANSWER IS Paris",
            tuple("abcd"),
            "Paris",
        ),
        ("1. a\n2. b\n3) c\nThe answer is **Paris**.", tuple("abc"), "Paris"),
        ("Sure! Here we go:\n- a\n- b\n\n**Answer:** Paris", ("a", "b"), "Paris"),
        ("Let's think. First, a. The answer is Paris.", ("a.",), "Paris"),
        ("Step 1: a\nStep 2: b\nFinal answer: Paris", ("a", "b"), "Paris"),
        ("a is b. The answer is Paris. Note that Lyon is no capital.", ("a is b.",), "Paris"),
        ("First, a. The answer is J. K. Rowling.", ("a.",), "J. K. Rowling"),
        ("First, a. The answer is St. Louis, Mo. Indeed.", ("a.",), "St. Louis, Mo"),
        ("First, a. The answer is 3.5 million.", ("a.",), "3.5 million"),
        ("First, a. The answer is Paris.\n\nQ: Next?\nA: The answer is Rome.", ("a.",), "Paris"),
        (
            "First, the answer is hard. Second, b. The answer is Rome.",
            ("the answer is hard.", "b."),
            "Rome",
        ),
        ("First, a. Second, b.", ("a.", "b."), ""),
        ("First, a. The answer is", ("a.",), ""),
        ("The answer is Paris.", (), "Paris"),
        ("", (), ""),
    ],
)
def test_markers(text, steps, stated):
    read = chain(text)
    assert (read.steps, read.answer) == (steps, stated)
    assert read.states == bool(stated)
    assert read.text == text


def test_ordinals_never_leak_as_steps():  # VE defect 5
    words = "First Second Third Fourth Fifth Sixth Seventh Eighth Ninth Tenth Moreover Finally"
    text = " ".join(f"{word}, step {word.lower()}." for word in words.split())
    steps = chain(f"{text} Third, the answer is x.").steps
    assert steps == tuple(f"step {word.lower()}." for word in words.split())
    assert read_steps("Third, Fourth, a. Second,") == ("a.",)


def test_a_sample_without_a_second_step_is_read():  # CoK defect 12
    assert chain("First, only one. The answer is x.").steps == ("only one.",)
    assert chain("nothing of the form").steps == ("nothing of the form",)


@pytest.mark.parametrize(
    "text",
    [
        '{"steps": ["First, a is b.", "b is c."], "answer": "Paris"}',
        'Here:\n```json\n{"steps": ["a is b.", "2. b is c."], "answer": "Paris"}\n```\nDone.',
        '{"draft": 1} {"answer": "Paris", "steps": "First, a is b. Second, b is c."} end',
    ],
)
def test_structured_replies(text):
    assert chain(text).steps == ("a is b.", "b is c.")
    assert chain(text).answer == "Paris"
    assert answer(text) == "Paris"


def test_only_what_begins_a_structured_step_is_taken_off():
    text = '{"steps": ["Second, she left Oslo. Then, she came back."], "answer": "x"}'
    assert chain(text).steps == ("she left Oslo. Then, she came back.",)


def test_structured_answers_of_other_types():
    assert chain('{"steps": [], "answer": 42}').answer == "42"
    assert chain('{"steps": [], "answer": true}').answer == "yes"
    assert chain('{"steps": [], "answer": ["a", "b"]}').answer == "a, b"
    assert chain('{"steps": ["a"], "answer": null}').states is False
    assert chain('{"steps": ["a"], "answer": "\\u00c9vry"}').answer == "Évry"
    assert chain('{"steps": ["a"], The answer is Paris.').answer == "Paris"  # no JSON after all
    assert chain("{" * 5000).states is False


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("supports", "SUPPORTS"),
        ("SUPPORTED.", "SUPPORTS"),
        ("Refuted", "REFUTES"),
        ('"REFUTES", not SUPPORTS', "REFUTES"),
        ("not enough information", "NOT ENOUGH INFO"),
        ("Not Enough Info.", "NOT ENOUGH INFO"),
        ("there is not enough info", "NOT ENOUGH INFO"),
        ("that it supports the claim", "SUPPORTS"),
        ("that it does not support the claim", ""),
        ("unclear", ""),
        ("either SUPPORTS or REFUTES", ""),
    ],
)
def test_labels(text, label):
    assert normal_form(text, CLAIM) == label
    assert chain(f"First, a. The answer is {text}", CLAIM).answer == label


def test_short_labels_are_whole_words():
    yes_no = Question(id="y", text="?", kind="label", labels=("yes", "no"))
    assert normal_form("None of them", yes_no) == ""
    assert normal_form("No, never", yes_no) == "no"


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("(b)", "B"),
        ("B.", "B"),
        ("**B**: spleen", "B"),
        ("option D", "D"),
        ("B: the spleen", "B"),
        ("B the spleen", "B"),
        ("B because of it", "B"),
        ("the spleen", "B"),
        ("Spleen, since it filters", "B"),
        ("A heart", "A"),
        ("A (a heart)", "A"),
        ("C-reactive liver", "C"),
        ("A kidney", ""),
        ("E", ""),
        ("none of them", ""),
    ],
)
def test_letters(text, letter):
    assert normal_form(text, CHOICE) == letter


def test_sentences_keep_their_full_stop():
    text = "First, a. The answer is J. Smith won in 1982. He led by 5,074 votes."
    assert chain(text, SENTENCE).answer == "J. Smith won in 1982. He led by 5,074 votes."


def test_an_answer_that_was_asked_for_alone_needs_no_marker():
    assert answer(" Paris.\n\nQ: …") == "Paris"
    assert answer("So, the answer is Paris.") == "Paris"
    assert answer(" ") == ""
    assert answer("maybe", CLAIM) == ""


def test_continuations():
    assert read_continuation(" b is c. Third, c is d. The answer is x.", 1) == (
        "b is c.",
        "c is d.",
    )
    assert read_continuation("First, a. Second, b. The answer is x.", 1) == ("b.",)
    assert read_continuation("Second, b. The answer is x.", 1) == ("b.",)
    assert read_continuation(" The answer is x.", 2) == ()
    assert read_continuation('{"steps": ["a", "b"], "answer": "x"}', 1) == ("b",)


def test_sentences_that_were_asked_for():
    assert read_sentence(' "Where was\nshe born?"\n\nAnother.') == "Where was she born?"
    assert read_sentence("Second, she was born in Rome. The answer is Rome.") == (
        "she was born in Rome."
    )
    assert read_sentence("**Verifying question:** Where was she born?") == "Where was she born?"
    assert read_sentence("Answer: 1902") == "1902"
    assert read_sentence("The answer is 1902.") == "The answer is 1902."
    assert read_sentence("  \n") == ""


@pytest.mark.parametrize("name", prompt_sets())
def test_our_own_examples_are_read_as_they_are_meant(name):
    prompts = load_prompts(name)
    for shot in prompts.prompt("thought").shots:
        made = chain(f" {shot['rationale']} The answer is {shot['answer']}.", _asked(name))
        assert write_steps(made.steps) == shot["rationale"]
        assert made.answer.rstrip(".") == shot["answer"].rstrip(".")
    for shot in prompts.prompt("thought_json").shots:
        assert chain(shot["reply"], SHORT).states
        assert len(chain(shot["reply"], SHORT).steps) >= 2


def _asked(name):
    return CLAIM if name == "fever" else SENTENCE if name == "fetaqa" else SHORT


def tokens(*pairs):
    return tuple(TokenLogprob(id=-1, text=text, logprob=value) for text, value in pairs)


def test_log_probabilities():
    made = Completion(
        text="First, a. The answer is New York.",
        finish_reason="stop",
        logprobs=tokens(
            ("First, a. The answer is", -0.5),
            (" New", -0.1),
            (" York", -0.2),
            (".", -4),
            ("</s>", -1),
        ),
    )
    read = read_chain(made, SHORT)
    assert read.logprob == pytest.approx(-5.8 / 5)
    assert read.answer_logprob == pytest.approx(-0.3)
    assert read_chain(Completion(text="x", finish_reason="stop"), SHORT).logprob is None


def test_log_probabilities_of_tokens_that_are_no_whole_characters():
    made = Completion(
        text="The answer is Évry",
        finish_reason="stop",
        logprobs=tokens(
            (" The answer is ", -1), ("bytes:\\xc3", -0.25), ("bytes:\\x89", -0.5), ("vry", -1)
        ),
    )
    assert read_chain(made, SHORT).answer_logprob == pytest.approx(-1.75)
    other = Completion(text="The answer is x", finish_reason="stop", logprobs=tokens(("?", -1)))
    assert read_chain(other, SHORT).answer_logprob is None
