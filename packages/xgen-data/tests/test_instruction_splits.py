import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgen_core import Example, InputError, Message
from xgen_data.instruction import check_split, near_pairs, split_examples
from xgen_data.instruction.near import groups


def example(identity, question, task="t", kind="k", answer="a", **metadata):
    messages = (
        Message(role="user", content=question),
        Message(role="assistant", content=answer, trained=True),
    )
    metadata = {"task.type": kind, **metadata} if kind else metadata
    return Example(id=identity, messages=messages, task=task, metadata=metadata)


def many(count, seed=0):
    source = random.Random(seed)
    return [
        example(str(i), " ".join(source.choices([f"w{n}" for n in range(500)], k=12)))
        for i in range(count)
    ]


def held(examples, **options):
    split = split_examples(examples, **options)
    check_split(examples, split)
    return {e.id for e, side in zip(examples, split.sides, strict=True) if side == "validation"}


def test_fraction_and_stability_under_additions_and_order():
    examples = many(2000)
    before = held(examples[:1500], fraction=0.1)
    after = held(examples, fraction=0.1)
    assert 0.07 < len(after) / 2000 < 0.13
    assert after & {e.id for e in examples[:1500]} == before
    assert held(examples[::-1], fraction=0.1) == after
    assert held(examples, fraction=0.05) < after  # a smaller share is part of a larger one
    assert held(examples, fraction=0.1, salt="x") != after
    assert held(examples, fraction=0.0) == set()


def test_near_inputs_stay_together_and_nothing_held_out_comes_back():
    examples = many(300)
    copies = [
        replace(e, id=f"copy{e.id}", messages=(replace(e.messages[0], content=text), e.messages[1]))
        for e in examples
        for text in [e.messages[0].content + " indeed"]
    ]
    before = held(examples, fraction=0.2)
    after = held([*examples, *copies], fraction=0.2)
    assert before <= after
    for e in examples:
        assert (e.id in after) == (f"copy{e.id}" in after)
    split = split_examples([*examples, *copies], fraction=0.2)
    assert (split.groups, split.largest_group) == (300, 2)
    apart = held([*examples, *copies], fraction=0.2, threshold=None)
    assert any((e.id in apart) != (f"copy{e.id}" in apart) for e in examples)


def test_equal_inputs_and_named_groups_stay_together():
    base = [example(str(i), f"question number {i}", answer=str(i)) for i in range(60)]
    copies = [example(f"c{i}", f"Question  number {i}!") for i in range(60)]
    after = held([*base, *copies], fraction=0.3, threshold=None)
    assert 0 < len(after) < 120
    assert all((str(i) in after) == (f"c{i}" in after) for i in range(60))
    grouped = [example(str(i), f"q {i}", **{"split.group": i % 10}) for i in range(60)]
    after = held(grouped, fraction=0.1, threshold=None)
    assert all((str(i) in after) == (str(i % 10) in after) for i in range(60))
    assert 0 < len(after) < 60


def tasks():
    return [
        example(f"{task}{i}", f"{task} question {i} of many", task, kind)
        for task, kind in [("a", "x"), ("b", "x"), ("c", "y"), ("d", "z")]
        for i in range(3)
    ]


def test_tasks_are_held_out_whole():
    split = split_examples(tasks(), level="task", names=["a"], threshold=None)
    check_split(tasks(), split)
    assert split.held_out == ("a",)
    assert [(c.task, c.train, c.validation) for c in split.counts] == [
        ("a", 0, 3),
        ("b", 3, 0),
        ("c", 3, 0),
        ("d", 3, 0),
    ]
    assert (split.size("train"), split.size("validation"), split.size("dropped")) == (9, 3, 0)


def test_types_are_held_out_with_all_their_tasks():
    split = split_examples(tasks(), level="task_type", names=["x"], threshold=None)
    check_split(tasks(), split)
    assert [c.task for c in split.counts if c.validation] == ["a", "b"]
    many_types = [example(str(i), f"q{i}", f"t{i}", f"k{i % 40}") for i in range(200)]
    split = split_examples(many_types, level="task_type", fraction=0.2)
    check_split(many_types, split)
    assert 2 <= len(split.held_out) <= 16
    added = [*many_types, *(example(f"n{i}", f"n{i}", f"n{i}", f"new{i}") for i in range(20))]
    again = split_examples(added, level="task_type", fraction=0.2)
    assert [k for k in again.held_out if k.startswith("k")] == list(split.held_out)


def test_inputs_near_a_held_out_task_are_dropped():
    examples = [*tasks(), example("leak", "A question 1, of many!", "b", "x")]
    split = split_examples(examples, level="task", names=["a"], threshold=None)
    check_split(examples, split)
    assert split.sides[-1] == "dropped"
    with pytest.raises(ValueError, match="input 'a question 1 of many'"):
        check_split(examples, replace(split, sides=(*split.sides[:-1], "train")))


def test_leaks_are_found():
    examples = tasks()
    split = split_examples(examples, level="task", names=["a"], threshold=None)
    with pytest.raises(ValueError, match="task 'a'"):
        check_split(examples, replace(split, sides=("train", *split.sides[1:])))
    kinds = replace(split, level="task_type")
    with pytest.raises(ValueError, match="task type 'x'"):
        check_split(examples, kinds)


def test_what_cannot_be_split():
    with pytest.raises(InputError, match=r"no task type, first 'bare'.*`task.type`"):
        split_examples([*tasks(), example("bare", "q", kind="")], level="task_type")
    with pytest.raises(InputError, match="no example is of the task 'zz'; there are a, b, c, d"):
        split_examples(tasks(), level="task", names=["zz"])
    with pytest.raises(InputError, match="nothing is left for training"):
        split_examples(tasks(), level="task", names=list("abcd"))
    with pytest.raises(ValueError, match="level='task'"):
        split_examples(tasks(), names=["a"])
    with pytest.raises(ValueError, match="fraction"):
        split_examples(tasks(), fraction=1.0)
    assert split_examples([]).sides == ()


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.text("xyz ", max_size=8)), max_size=30),
    st.sampled_from(["instance", "task"]),
)
def test_no_split_ever_leaks(items, level):
    examples = [example(str(i), f"q {text}", task) for i, (task, text) in enumerate(items)]
    try:
        split = split_examples(examples, level=level, fraction=0.4)
    except InputError:
        return
    check_split(examples, split)
    texts = [e.messages[0].content for e in examples]
    for pair in near_pairs(texts, threshold=0.8):
        assert {split.sides[pair.left], split.sides[pair.right]} != {"train", "validation"}


def test_groups():
    assert groups(6, [(4, 5), (1, 2), (2, 4)]) == [0, 1, 1, 3, 1, 1]
