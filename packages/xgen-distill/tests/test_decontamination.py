"""Benchmark tasks in training data: what is evidence, what is none, and which tasks are clean."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from xgen_core import InputError
from xgen_distill import Task, UnitTest
from xgen_distill.decontamination import (
    Contamination,
    Evidence,
    TrainingItem,
    find_contamination,
    training_items,
)
from xgen_distill.decontamination.probe import probe_inputs
from xgen_distill.decontamination.wording import close_wordings, shared_ngrams
from xgen_distill.sets import Row
from xgen_eval.metrics import rouge


def make_task(name: str, instruction: str, body: str, tests: Sequence[str]) -> Task:
    """A benchmark's task with one parameter."""
    header = f"def {name}(value):\n"
    return Task(
        id=name,
        instruction=instruction,
        entry_point=name,
        header=header,
        hidden=tuple(UnitTest.of(f"assert {test}") for test in tests),
        complete=True,
        gold=header + body,
        trusted=True,
    )


EVERY_SECOND = make_task(
    "even_places",
    "Write a function that drops the letters at odd places of a text.",
    "    kept = ''\n    for place in range(len(value)):\n        if place % 2 == 0:\n"
    "            kept = kept + value[place]\n    return kept\n",
    ["even_places('abcdef') == 'ace'", "even_places('') == ''"],
)
IS_ODD = make_task(
    "is_odd",
    "Write a function to check whether the given number is odd.",
    "    return value % 2 == 1\n",
    ["is_odd(7) == True", "is_odd(12) == False", "is_odd(10) == False"],
)
LONG_PRIME = make_task(
    "long_prime",
    "Write a function that takes a text and returns True if its length is a prime number and "
    "False otherwise.",
    "    size = len(value)\n    return size > 1 and all(size % n for n in range(2, size))\n",
    ["long_prime('abc') == True", "long_prime('abcd') == False"],
)
BENCHMARK = {"odd jobs": (EVERY_SECOND, IS_ODD, LONG_PRIME)}


def item(name: str, instruction: str, *programs: str) -> TrainingItem:
    return TrainingItem(id=name, instruction=instruction, entry_point=name, programs=programs)


def find(*items: TrainingItem) -> dict[tuple[str, str], Evidence]:
    found = asyncio.run(find_contamination(items, BENCHMARK, allow_weak=True))
    return {(pair.task, pair.item): pair for pair in found.pairs}


def test_a_reworded_task_leaks_by_what_its_solution_does() -> None:
    slices = "def thin(text):\n    return text[::2]\n"
    pairs = find(item("thin", "Write a function to drop the letters at odd places.", slices))
    found = pairs["even_places", "thin"]
    assert found.passes
    assert found.agrees
    assert not found.same_tree
    assert found.verdict == "leak"


def test_a_solution_with_other_names_leaks_by_its_tree_though_nothing_else_is_alike() -> None:
    program = EVERY_SECOND.gold.replace("even_places(value)", "g(s: str) -> str")
    program = program.replace("value", "s").replace("kept", "out").replace("place", "i")
    found = find(item("g", "Halve it!", program))["even_places", "g"]
    assert (found.rouge_l, found.ngram, found.same_tree, found.verdict) == (0.0, 0, True, "leak")


def test_passing_weak_tests_is_no_leak_where_solutions_part_beyond_them() -> None:
    prime = "def is_prime(n):\n    return n > 1 and all(n % d for d in range(2, n))\n"
    pairs = find(item("is_prime", "Write a function to check whether the number is prime.", prime))
    found = pairs["is_odd", "is_prime"]
    assert (found.passes, found.agrees, found.verdict) == (True, False, "similar")


def test_close_words_alone_are_unrelated() -> None:
    vowel = "def is_vowel(char):\n    return char in 'aeiou'\n"
    words = (
        "Write a function that takes a letter and returns True if it is a vowel or False otherwise."
    )
    found = find(item("is_vowel", words, vowel))["long_prime", "is_vowel"]
    assert found.rouge_l > 0.7
    assert (found.passes, found.verdict) == (False, "unrelated")


def test_thirteen_words_leak_without_a_solution() -> None:
    words = "Write a function that takes a text and returns True if its length is a multiple of 3."
    found = find(item("f", words))["long_prime", "f"]
    assert found.ngram == 13
    assert found.words.split()[0] == "write"
    assert (found.passes, found.verdict) == (None, "leak")
    assert found.outcome == "no training solution defines the function"


def test_what_every_task_of_a_benchmark_says_identifies_none() -> None:
    tasks = [f"write a function to return the largest of the given numbers {n}" for n in range(4)]
    texts = ["Write a function to return the largest of the given strings."]
    assert not shared_ngrams(texts, tasks, [0] * 4, sizes=(8,), common=3)
    assert len(shared_ngrams(texts, tasks, [0] * 4, sizes=(8,), common=4)) == 4


def test_close_wordings_are_those_of_comparing_all() -> None:
    words = [
        "the",
        "a",
        "list",
        "of",
        "numbers",
        "sort",
        "find",
        "prime",
        "text",
        "return",
        "given",
        "two",
        "sum",
    ]
    texts = [" ".join(words[(i * j + i) % 12] for j in range(3 + i % 9)) for i in range(60)]
    items, tasks = texts[:30], texts[30:]
    every = {
        (i, j): rouge(a, b)["rougeL"] for i, a in enumerate(items) for j, b in enumerate(tasks)
    }
    expected = {pair: score for pair, score in every.items() if score > 0.4}
    assert 0 < len(expected) < len(every)
    assert dict(close_wordings(items, tasks, above=0.4)) == expected


def test_near_inputs_are_new_and_change_one_argument() -> None:
    task = replace(
        IS_ODD,
        hidden=(UnitTest.of("assert is_odd(7) == True"), UnitTest.of("assert is_odd([7], 1)")),
        header="def is_odd(value, n=0):\n",
    )
    inputs = probe_inputs(task)
    assert "(8,)" in inputs
    assert "(7,)" not in inputs
    assert "([8], 1)" in inputs
    assert "([7], 2)" in inputs
    assert "([8], 2)" not in inputs


def test_all_programs_of_the_rows_are_learnt_from_once() -> None:
    repaired = IS_ODD.header + "    return value & 1 == 1\n"
    rows = [
        Row(
            id=f"{n}",
            task="is_odd",
            source="repair",
            asks="attempt",
            prompt=IS_ODD.header,
            completion="    return value & 1 == 1\n",
            program=repaired,
        )
        for n in range(2)
    ]
    (learnt,) = training_items([IS_ODD], rows)
    assert learnt.programs == (IS_ODD.gold, repaired)
    with pytest.raises(InputError, match="which is not among the tasks"):
        training_items([LONG_PRIME], rows)


def test_clean_tasks_and_evidence_are_written_and_read_back(tmp_path: Path) -> None:
    items = [
        item(
            "thin", "Drop the letters at odd places of a text.", "def thin(t):\n    return t[::2]"
        ),
        item(
            "long_prime", "Say whether a number is prime.", "def long_prime(n):\n    return n > 1"
        ),
    ]
    found = asyncio.run(find_contamination(items, BENCHMARK, allow_weak=True))
    found.write(tmp_path)
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    again = asyncio.run(find_contamination(items, BENCHMARK, allow_weak=True))
    again.write(tmp_path)
    assert first == {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert Contamination.read(tmp_path) == found
    assert found.clean == ("is_odd", "long_prime")
    assert found.leaked_items == ("thin",)
    counts = found.counts()["odd jobs"]
    assert (counts["tasks"], counts["leak"], counts["same name"], counts["passes"]) == (3, 1, 1, 1)
    assert found.nearest()["even_places"].item == "thin"


def test_nothing_to_compare_is_said() -> None:
    with pytest.raises(InputError, match="nothing to compare"):
        asyncio.run(find_contamination([], BENCHMARK))
    with pytest.raises(InputError, match="have one id"):
        asyncio.run(find_contamination([item("f", "x")], {"a": [IS_ODD], "b": [IS_ODD]}))
