"""Labels that the rest of the data speak against.

Each example is judged by a classifier that has not seen it: the data are dealt into folds, and the
probabilities of a fold come from a classifier trained on the others. An example counts as
mislabelled by the rule of confident learning (Northcutt, Jiang and Chuang, JAIR 2021): a label is a
candidate where its probability reaches the mean probability that it has among the examples that
carry it; the likeliest candidate, where it is not the given label, is suggested. So a label that
the classifier is never sure of needs less evidence than one that it always knows.

Such a rule lists the classifier's own mistakes as well. How far it can be trusted on the data at
hand is therefore measured on them: a tenth of the labels is changed at random, everything is done
again, and what is found of the changed labels is compared with what is said of the others. Nothing
is listed where the classifier learnt nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xgen_core import Example
from xgen_core.records import Record
from xgen_data.instruction.classifier import Floats, Ints, fit, predict, text_features
from xgen_data.instruction.parts import answer_text, input_text, normalise, stable_fraction

__all__ = ["LabelIssue", "LabelNoise", "example_labels", "find_label_noise", "judge_labels"]

_MAX_LABELS = 50
_MAX_LABEL_WORDS = 5
_PLANTED = 0.1
_MIN_LIFT = 3.0
MIN_SKILL = 0.1
"""Least skill at which suspicions are worth listing; guessing has 0, perfection 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelIssue(Record):
    """One label that is likely wrong.

    Attributes:
        id: of the example.
        given, suggested: labels.
        p_given, p_suggested: their out-of-fold probabilities.
        margin: `p_suggested - p_given`; issues are ranked by it.
    """

    id: str
    given: str
    suggested: str
    p_given: float
    p_suggested: float
    margin: float
    input: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelNoise(Record):
    """What was found in one task.

    Attributes:
        task: its name.
        examples: how many were judged.
        left_out: how many were not, because their label is rarer than there are folds.
        labels: in alphabetical order.
        thresholds: by label, the mean probability that it has where it is given.
        joint: `joint[i][j]`: examples with the given label `i` and confidently of label `j`.
        accuracy: share of the examples whose likeliest label, out of fold, is the given one.
        skill: `(accuracy - majority) / (1 - majority)`, `majority` being the largest label's share.
        noise: estimated share of wrong labels: `joint`, scaled row by row to the number of examples
            of each label, off the diagonal. An upper estimate, as the classifier's mistakes count.
        recall: share found of the labels that were changed on purpose.
        lift: `recall` over the share that is listed of the other labels; 1 is guessing. Real noise
            among these others can only lower it.
        issues: the worst first. These and the three figures before are empty or 0 where `skill` is
            below `MIN_SKILL`.
    """

    task: str
    examples: int
    left_out: int
    labels: tuple[str, ...]
    thresholds: tuple[float, ...]
    joint: tuple[tuple[int, ...], ...]
    accuracy: float
    skill: float
    noise: float
    recall: float
    lift: float
    issues: tuple[LabelIssue, ...]

    @property
    def is_telling(self) -> bool:
        """Whether a listed label is wrong often enough to act without looking: `lift` of 3."""
        return self.lift >= _MIN_LIFT


def example_labels(
    examples: Sequence[Example], *, key: str | None = None, max_labels: int = _MAX_LABELS
) -> dict[str, str]:
    """Labels by example id, of the examples that have one.

    Args:
        examples: of any tasks.
        key: the metadata key that holds the label. By default the answer is the label, in tasks
            whose answers are of at most 5 words, and at least five times as many as there are
            distinct ones.
        max_labels: the most distinct answers of such a task.
    """
    if key is not None:
        return {e.id: str(e.metadata[key]) for e in examples if e.metadata.get(key) is not None}
    tasks: dict[str, dict[str, str]] = {}
    for example in examples:
        tasks.setdefault(example.task, {})[example.id] = normalise(answer_text(example))
    labels: dict[str, str] = {}
    for answers in tasks.values():
        distinct = set(answers.values())
        short = all(len(answer.split()) <= _MAX_LABEL_WORDS for answer in distinct)
        if short and 2 <= len(distinct) <= min(max_labels, len(answers) // 5):
            labels |= answers
    return labels


def find_label_noise(
    examples: Sequence[Example],
    *,
    labels: Mapping[str, str] | None = None,
    folds: int = 5,
    seed: int = 0,
) -> list[LabelNoise]:
    """Judge the labels of every task that has some; one result a task, in order of their names.

    Examples of equal input are in one fold, so that none is confirmed by its own copy.

    Args:
        examples: of any tasks; ids are distinct.
        labels: by example id; `example_labels(examples)` by default.
        folds: at least 2.
        seed: changes which examples are in which fold.

    Raises:
        ValueError: fewer than two folds.
    """
    if folds < 2:
        raise ValueError(f"at least 2 folds are needed, got {folds}")
    if labels is None:
        labels = example_labels(examples)
    tasks: dict[str, list[Example]] = {}
    for example in examples:
        if example.id in labels:
            tasks.setdefault(example.task, []).append(example)
    results: list[LabelNoise] = []
    for task, members in sorted(tasks.items()):
        given = [labels[example.id] for example in members]
        enough = {label for label, count in Counter(given).items() if count >= folds}
        if len(enough) < 2:
            continue
        kept = [index for index, label in enumerate(given) if label in enough]
        found = _judge_task(task, [members[i] for i in kept], [given[i] for i in kept], folds, seed)
        results.append(replace(found, left_out=len(members) - len(kept)))
    return results


def judge_labels(probabilities: Floats, given: Ints) -> tuple[Floats, Ints]:
    """The rule of confident learning.

    Args:
        probabilities: `[n, classes]`, out of sample.
        given: `[n]` labels; each occurs.

    Returns:
        `[classes]` thresholds, and `[n]` the label that each example confidently has, -1 for none.
    """
    classes = probabilities.shape[1]
    thresholds = np.array([probabilities[given == c, c].mean() for c in range(classes)])
    candidates = np.where(probabilities >= thresholds - 1e-9, probabilities, -1.0)
    confident = candidates.argmax(axis=1)
    confident[candidates.max(axis=1) < 0] = -1
    return thresholds, confident


def _judge_task(
    task: str, examples: Sequence[Example], labels: Sequence[str], folds: int, seed: int
) -> LabelNoise:
    names = tuple(sorted(set(labels)))
    number = {name: index for index, name in enumerate(names)}
    given = np.array([number[label] for label in labels])
    texts = [input_text(example) for example in examples]
    probabilities = _out_of_fold(texts, given, len(names), folds, seed)
    thresholds, confident = judge_labels(probabilities, given)
    joint = np.zeros((len(names), len(names)), np.int64)
    np.add.at(joint, (given[confident >= 0], confident[confident >= 0]), 1)
    counts = np.bincount(given)
    accuracy = float((probabilities.argmax(axis=1) == given).mean())
    majority = counts.max() / counts.sum()
    skill = float((accuracy - majority) / (1 - majority))
    issues: list[LabelIssue] = []
    noise = recall = lift = 0.0
    if skill >= MIN_SKILL:
        recall, lift = _self_test(examples, texts, given, len(names), folds, seed)
        total = np.maximum(joint.sum(axis=1), 1)
        noise = float(((1 - joint.diagonal() / total) * counts)[joint.sum(axis=1) > 0].sum())
        noise /= float(counts.sum())
        for index in np.flatnonzero((confident >= 0) & (confident != given)).tolist():
            p, q = probabilities[index, given[index]], probabilities[index, confident[index]]
            issues.append(
                LabelIssue(
                    id=examples[index].id,
                    given=labels[index],
                    suggested=names[confident[index]],
                    p_given=round(float(p), 4),
                    p_suggested=round(float(q), 4),
                    margin=round(float(q - p), 4),
                    input=texts[index],
                )
            )
        issues.sort(key=lambda issue: (-issue.margin, issue.id))
    return LabelNoise(
        task=task,
        examples=len(examples),
        left_out=0,
        labels=names,
        thresholds=tuple(round(float(t), 4) for t in thresholds),
        joint=tuple(tuple(int(v) for v in row) for row in joint),
        accuracy=round(accuracy, 4),
        skill=round(skill, 4),
        noise=round(noise, 4),
        recall=round(recall, 4),
        lift=round(lift, 4),
        issues=tuple(issues),
    )


def _self_test(
    examples: Sequence[Example],
    texts: Sequence[str],
    given: Ints,
    classes: int,
    folds: int,
    seed: int,
) -> tuple[float, float]:
    """Recall and lift on labels that were changed on purpose."""
    drawn = np.array([stable_fraction(e.id, f"{seed}:planted:") for e in examples])
    planted = drawn < _PLANTED
    if not planted.any() or planted.all():
        return 0.0, 0.0
    other = 1 + (drawn / _PLANTED * (classes - 1)).astype(np.int64)
    changed = np.where(planted, (given + other) % classes, given)
    if np.bincount(changed, minlength=classes).min() < folds:
        return 0.0, 0.0  # too few examples of a label to spare any
    _, confident = judge_labels(_out_of_fold(texts, changed, classes, folds, seed), changed)
    listed = (confident >= 0) & (confident != changed)
    recall = float(listed[planted].mean())
    return recall, recall / max(float(listed[~planted].mean()), 1 / len(given))


def _out_of_fold(texts: Sequence[str], given: Ints, classes: int, folds: int, seed: int) -> Floats:
    """`[n, classes]` probabilities, each by a classifier that saw no example of equal input."""
    features = text_features(texts)
    fold = _folds([normalise(text) for text in texts], given, folds, seed)
    probabilities = np.empty((len(texts), classes))
    for number in range(folds):
        held, others = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        if held.size:
            weights = fit(features.rows(others), given[others], classes)
            probabilities[held] = predict(features.rows(held), weights)
    return probabilities


def _folds(inputs: Sequence[str], given: Ints, folds: int, seed: int) -> Ints:
    """A fold for each example: every label is spread evenly, and equal inputs go together."""
    leaders: dict[str, int] = {}
    for index, text in enumerate(inputs):
        leaders.setdefault(text, index)
    fold = np.zeros(len(inputs), np.int64)
    ordered = sorted(leaders.items(), key=lambda item: stable_fraction(item[0], f"{seed}:"))
    dealt: Counter[int] = Counter()
    for _, index in ordered:
        label = int(given[index])
        fold[index] = (dealt[label] + label) % folds
        dealt[label] += 1
    for index, text in enumerate(inputs):
        fold[index] = fold[leaders[text]]
    return fold
