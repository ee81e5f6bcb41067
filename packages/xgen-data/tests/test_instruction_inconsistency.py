import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgen_core import Example, Message
from xgen_data.instruction import (
    NearPair,
    answer_similarity,
    example_labels,
    find_conflicts,
    find_label_noise,
    near_pairs,
    suspects,
)
from xgen_data.instruction.classifier import fit, predict, text_features
from xgen_data.instruction.noise import judge_labels
from xgen_data.instruction.parts import words


def example(identity, question, answer, task="t", **metadata):
    messages = (
        Message(role="user", content=question),
        Message(role="assistant", content=answer, trained=True),
    )
    return Example(id=identity, messages=messages, task=task, metadata=metadata)


def shingles(text):
    found = words(text)
    return {tuple(found[i : i + 3]) for i in range(max(1, len(found) - 2))} if found else set()


def jaccard(a, b):
    a, b = shingles(a), shingles(b)
    return len(a & b) / len(a | b) if a and b else 0.0


@pytest.mark.parametrize("threshold", [0.5, 0.8, 1.0])
def test_near_pairs_are_those_that_comparing_all_finds(threshold):
    source = random.Random(3)
    base = [
        source.choices([f"w{i}" for i in range(300)], k=source.randint(1, 60)) for _ in range(80)
    ]
    texts = [" ".join(t) for t in base]
    for text in base:
        changed = list(text)
        for _ in range(source.randint(0, 3)):
            changed[source.randrange(len(changed))] = "other"
        texts.append(" ".join(changed))
    exact = {
        (i, j)
        for j in range(len(texts))
        for i in range(j)
        if jaccard(texts[i], texts[j]) >= threshold
    }
    found = near_pairs(texts, threshold=threshold)
    assert found == sorted(found)
    assert {(p.left, p.right) for p in found} <= exact
    assert len(found) >= 0.97 * len(exact)
    assert len(exact) >= 10
    assert all(p.similarity == pytest.approx(jaccard(texts[p.left], texts[p.right])) for p in found)


def test_near_pairs_of_a_crowd_all_hang_together():
    crowd = ["the same long boilerplate question every time"] * 200
    found = near_pairs(["", "!", *crowd], threshold=0.9)
    assert {p.right for p in found} == set(range(3, 202))  # 2 is the first; no text, no pair
    assert len(found) < 400 * 2
    assert near_pairs([], threshold=0.5) == []
    with pytest.raises(ValueError, match="threshold"):
        near_pairs(["a"], threshold=0)


def test_exact_conflicts_have_votes_and_evidence():
    found = find_conflicts(
        [
            example("a", "Is it safe?", "yes"),
            example("b", "is it  SAFE", "No."),
            example("c", "Is it safe?", "Yes!"),
            example("d", "Is it safe?", "no", task="other"),
            example("e", "Is it far?", "no"),
        ],
    )
    (conflict,) = found
    assert (conflict.left, conflict.right, conflict.kind) == ("a", "b", "exact")
    assert (conflict.left_votes, conflict.right_votes) == (2, 1)
    assert (conflict.score, conflict.answers, conflict.left_answer) == (1.0, "label", "yes")


LONG = "You are given a passage about rivers and mountains of a far away country. "


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        (
            "Please name the longest river there.",
            "Name the longest river there, please.",
            "rewording",
        ),
        ("Name the longest rivers in it.", "Please name the longest river in it.", "near"),
        ("Which mountain is highest?", "Which mountian is highest?", "rewording"),
        ("Is the river navigable?", "Is the river not navigable?", "near"),
        ("Has it more than 20 bridges?", "Has it more than 30 bridges?", "near"),
        ("Who is the president there?", "Who was the president there?", "near"),
        ("Is Alpha above Beta?", "Is Beta above Alpha?", "near"),
    ],
)
def test_near_inputs_are_told_from_rewordings(left, right, kind):
    found = find_conflicts(
        [example("a", LONG * 3 + left, "yes"), example("b", LONG * 3 + right, "no")],
        threshold=0.5,
    )
    assert [c.kind for c in found] == [kind]
    assert find_conflicts([example("a", left, "x"), example("b", right, "x")], threshold=0.2) == []


def test_changed_words_are_shown():
    pair = [
        example("a", LONG + "capital of France", "Paris"),
        example("b", LONG + "capital of Peru", "Lima"),
    ]
    (conflict,) = find_conflicts(pair, threshold=0.5)
    assert conflict.kind == "near"
    assert conflict.changed == ("france", "peru")
    assert find_conflicts(pair, threshold=None) == []
    assert find_conflicts(pair, threshold=0.5, blocking=lambda texts, threshold: []) == []
    swapped = find_conflicts(
        pair, threshold=0.99, blocking=lambda texts, threshold: [NearPair(0, 1, 0.99)]
    )
    assert [c.similarity for c in swapped] == [0.99]


def test_open_answers_may_differ_and_come_last():
    poem = " ".join(f"line{i}" for i in range(40))
    other = " ".join(f"verse{i}" for i in range(40))
    found = find_conflicts(
        [
            example("a", "Write a poem", poem),
            example("b", "Write a poem", other),
            example("c", "Yes or no?", "yes"),
            example("d", "Yes or no?", "no"),
        ]
    )
    assert [(c.answers, c.left) for c in found] == [("label", "c"), ("open", "a")]


def test_answer_similarity():
    assert answer_similarity("The answer is Yes.", "the answer is yes") == 1
    assert answer_similarity("a to b", "b to a") == 0  # short answers: order is meaning
    long = "one two three four five six"
    assert answer_similarity(long, " ".join(reversed(long.split()))) == 1
    assert answer_similarity(long, "one two three seven eight nine") == 0.5
    assert answer_similarity("?", "!") == 0
    assert answer_similarity("…", "…") == 1


@settings(max_examples=40)
@given(st.text(max_size=40), st.text(max_size=40))
def test_answer_similarity_is_symmetric_and_bounded(left, right):
    similarity = answer_similarity(left, right)
    assert similarity == answer_similarity(right, left)
    assert 0 <= similarity <= 1
    assert answer_similarity(left, left) == 1


def planted(noise, seed=1, count=900):
    """Reviews whose words tell their label nearly always; `noise` of the labels are changed."""
    source = random.Random(seed)
    common = [f"w{i}" for i in range(300)]
    telling = {n: [f"{n}{i}" for i in range(30)] for n in ("good", "bad", "dull")}
    names = list(telling)
    examples, wrong = [], set()
    for i in range(count):
        name = source.choice(("good", "good", "bad", "dull"))  # not balanced
        text = source.choices(common, k=20) + source.choices(telling[name], k=3)
        text += source.choices(telling[source.choice(names)], k=1)
        source.shuffle(text)
        label = name
        if source.random() < noise:
            label = source.choice([n for n in names if n != name])
            wrong.add(str(i))
        examples.append(example(str(i), " ".join(text), label))
    return examples, wrong


def test_planted_label_noise_is_found():
    examples, wrong = planted(0.1)
    (found,) = find_label_noise(examples)
    listed = {issue.id for issue in found.issues}
    assert len(listed & wrong) / len(listed) >= 0.85  # precision; 0.89 when this was written
    assert len(listed & wrong) / len(wrong) >= 0.6  # recall; 0.68
    best = [issue.id for issue in found.issues[: len(wrong) // 2]]
    assert sum(identity in wrong for identity in best) >= 0.95 * len(best)
    assert found.noise == pytest.approx(len(wrong) / len(examples), abs=0.05)
    assert found.is_telling
    assert found.recall > 0.5
    margins = [issue.margin for issue in found.issues]
    assert margins == sorted(margins, reverse=True)


def test_the_same_is_found_in_any_order():
    examples, _ = planted(0.1, count=150)
    (found,) = find_label_noise(examples)
    assert found.issues
    assert find_label_noise(examples) == [found]
    (turned,) = find_label_noise(examples[::-1])
    assert [i.id for i in turned.issues] == [i.id for i in found.issues]


def test_clean_labels_are_left_alone():
    examples, _ = planted(0.0, count=600)
    (found,) = find_label_noise(examples)
    assert len(found.issues) <= 0.05 * len(examples)
    assert found.lift > 5


def test_labels_that_nothing_tells_are_not_accused():
    source = random.Random(0)
    vocabulary = [f"w{i}" for i in range(200)]
    examples = [
        example(str(i), " ".join(source.choices(vocabulary, k=15)), source.choice(["yes", "no"]))
        for i in range(300)
    ]
    (found,) = find_label_noise(examples)
    assert found.skill < 0.2
    assert not found.is_telling
    assert suspects(examples, [], [found]) == {}


def test_a_copy_does_not_confirm_a_wrong_label():
    examples, _ = planted(0.0, count=500)
    text = " ".join(f"bad{i}" for i in range(15))
    victim = example("victim", text, "bad")
    copies = [example(f"copy{i}", text, "good") for i in range(5)]
    (found,) = find_label_noise([*examples, victim, *copies])
    assert victim.id not in {issue.id for issue in found.issues}
    assert {c.id for c in copies} <= {issue.id for issue in found.issues}


def test_what_counts_as_a_label():
    examples, _ = planted(0.0, count=60)
    essays = [example(f"e{i}", f"q{i}", f"answer number {i}", task="essay") for i in range(60)]
    labels = example_labels([*examples, *essays])
    assert set(labels) == {e.id for e in examples}
    marked = [example("m", "q", "because …", verdict=True), example("n", "q", "x")]
    assert example_labels(marked, key="verdict") == {"m": "True"}
    rare = example("rare", "w1 w2", "once")
    (found,) = find_label_noise([*examples, rare])
    assert (found.examples, found.left_out) == (60, 1)
    assert find_label_noise(essays) == []
    with pytest.raises(ValueError, match="2 folds"):
        find_label_noise(examples, folds=1)


def test_rule_of_confident_learning():
    # by hand: class 0 is known well (threshold 0.8), class 1 badly (0.4)
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.8, 0.2], [0.5, 0.5], [0.7, 0.3]])
    given_labels = np.array([0, 0, 0, 1, 1])
    thresholds, confident = judge_labels(probabilities, given_labels)
    assert thresholds.tolist() == pytest.approx([0.8, 0.4])
    assert confident.tolist() == [0, -1, 0, 1, -1]
    _, confident = judge_labels(
        np.vstack([probabilities, [[0.95, 0.05]]]), np.append(given_labels, 1)
    )
    assert confident[-1] == 0


def test_classifier_reaches_the_optimum():
    examples, _ = planted(0.1, count=200)
    features = text_features([e.messages[0].content for e in examples])
    labels = np.array([len(e.messages[1].content) % 2 for e in examples])
    weights = fit(features, labels, 2)
    probabilities = predict(features, weights)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(200))
    dense = np.zeros((200, features.width))
    row = np.repeat(np.arange(200), np.diff(features.offsets))
    dense[row, features.columns] = features.values
    lengths = np.linalg.norm(dense[:, :-1], axis=1)
    assert lengths == pytest.approx(np.ones(200))
    penalty = np.full((features.width, 1), 0.1 / 200)
    penalty[-1] = 1e-6 / 200
    gradient = dense.T @ (probabilities - np.eye(2)[labels]) / 200 + penalty * weights
    assert np.abs(gradient).max() < 5e-4
    assert (probabilities.argmax(axis=1) == labels).mean() > 0.95
    part = features.rows(np.array([5, 3]))
    assert predict(part, weights) == pytest.approx(probabilities[[5, 3]])


def test_texts_without_shared_words():
    features = text_features(["", "a b", "c"])
    assert features.width == 1
    assert predict(features, np.array([[0.0, 1.0]])).shape == (3, 2)


def test_suspects_leave_the_majority():
    examples = [
        example("a", "Is it safe?", "yes"),
        example("b", "Is it safe?", "yes!"),
        example("c", "Is it safe?", "no"),
        example("c2", "is it safe", "no."),
        example("c3", "Is it safe!", "No"),
        example("x", "Is it far?", "near"),
        example("y", "Is it far?", "far"),
        example("p", LONG + "capital of France", "Paris"),
        example("q", LONG + "capital of Peru", "Lima"),
    ]
    conflicts = find_conflicts(examples, threshold=0.5)
    assert suspects(examples, conflicts, []) == {
        "a": "contradicted by more examples",
        "b": "contradicted by more examples",
        "x": "contradicted by as many examples",
        "y": "contradicted by as many examples",
    }
