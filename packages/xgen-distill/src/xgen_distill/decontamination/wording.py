"""Instructions that say nearly the same: shared runs of words, and ROUGE-L."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from xgen_core.progress import track
from xgen_data.overlap.ngrams import NgramIndex
from xgen_data.overlap.words import split_words
from xgen_distill.task import Task
from xgen_eval.metrics import rouge

__all__ = ["close_wordings", "shared_ngrams", "words_of"]

_WORDS = re.compile(r"[a-z0-9]+")
"""What ROUGE takes for words."""

_EXAMPLES = re.compile(r"^\s*(?:for )?examples?\b|>>>", re.MULTILINE | re.IGNORECASE)


def words_of(task: Task) -> str:
    """A task's instruction up to its first example, where there are words before that."""
    text = task.instruction
    called = text.find(f"{task.entry_point}(")
    heading = _EXAMPLES.search(text)
    ends = [place for place in (called, heading.start() if heading else -1) if place >= 0]
    return text[: min(ends)] if ends and text[: min(ends)].strip() else text


def shared_ngrams(
    items: Sequence[str],
    tasks: Sequence[str],
    groups: Sequence[int],
    *,
    sizes: Sequence[int],
    common: int,
) -> Mapping[tuple[int, int], tuple[int, str]]:
    """The longest of some lengths of words in a row that an item and a task share.

    Args:
        items: instructions of the training data.
        tasks: of the benchmarks.
        groups: number of each task's benchmark; equal ones side by side.
        sizes: lengths in words, ascending. Case and punctuation do not count, numbers do.
        common: words that stand in more tasks of a benchmark than this identify none of them.

    Returns:
        Length and words by numbers of item and task.
    """
    found: dict[tuple[int, int], tuple[int, str]] = {}
    for size in sizes:
        index = NgramIndex([[task] for task in tasks], groups, n=size, minimum=size, common=common)
        matches = index.find(items)
        places: list[tuple[int, int, int]] = list(
            zip(
                matches.documents.tolist(),
                matches.positions.tolist(),
                matches.ngrams.tolist(),
                strict=True,
            )
        )
        for item, position, ngram in places:
            words = split_words(items[item], numbers=False)[position : position + size]
            for task in index.items(ngram).tolist():
                if found.get((item, task), (0, ""))[0] < size:  # the first of a length
                    found[item, task] = (size, " ".join(words))
    return found


def close_wordings(
    items: Sequence[str], tasks: Sequence[str], *, above: float
) -> Mapping[tuple[int, int], float]:
    """All pairs whose ROUGE-L F-measure is above a value, by numbers of item and task.

    A subsequence has no more words than both texts have in common in any order, so pairs that have
    too few of those are passed over; the result is that of comparing all.
    """
    numbers: dict[str, int] = {}
    bags = [Counter(_WORDS.findall(task.lower())) for task in tasks]
    for bag in bags:
        for word in bag:
            numbers.setdefault(word, len(numbers))
    counts = np.zeros((len(tasks), len(numbers)), np.int32)
    for row, bag in enumerate(bags):
        for word, count in bag.items():
            counts[row, numbers[word]] = count
    lengths = np.asarray([bag.total() for bag in bags], np.int32)
    found: dict[tuple[int, int], float] = {}
    for i, item in enumerate(track(items, "wording", len(items), unit="tasks")):
        bag = Counter(_WORDS.findall(item.lower()))
        known = [word for word in bag if word in numbers]
        if not known:
            continue
        columns = counts[:, [numbers[word] for word in known]]
        common = np.minimum(columns, np.asarray([bag[word] for word in known])).sum(axis=1)
        for j in np.flatnonzero(2 * common > above * (lengths + bag.total())).tolist():
            score = rouge(item, tasks[j])["rougeL"]
            if score > above:
                found[i, j] = score
    return found
