"""Rows of PERsD's release: how many are broken as released, and what the builder does with them.

The file has direct solutions as completions of refinement prompts. Its unit tests are not released,
so this is the static half: nothing runs.
"""

from __future__ import annotations

import importlib
import re
from collections import Counter
from pathlib import Path

from xgen_core.files import read_jsonl
from xgen_distill import Task, find_definition
from xgen_distill.program import parse_program
from xgen_distill.sets import Fitted, Unfit, fit
from xgen_distill.sets.names import defined_names, undefined_names
from xgen_distill.templates import solution
from xgen_eval.execution.formats.persd import PRELUDE, persd_attempt

Rows = list[tuple[Task, str]]


def prelude() -> str:
    """PERsD's, with `import *` spelt out, so that it is known what it defines."""

    def names(match: re.Match[str]) -> str:
        public = [name for name in dir(importlib.import_module(match[1])) if name[0] != "_"]
        return f"from {match[1]} import {', '.join(public)}"

    return re.sub(r"from (\w+) import \*", names, PRELUDE)


def released(data: Path) -> Rows:
    """Tasks with the header that the attempt begins with, and the released completions."""
    before = prelude()
    rows: Rows = []
    path = data / "distill" / "persdistill" / "student_attempts_first1200.jsonl"
    for row in read_jsonl(path):
        attempt = persd_attempt(row)
        found = find_definition(attempt.code, attempt.entry_point)
        line = re.search(r"^(?:async )?def .*$", attempt.code, re.MULTILINE)
        assert line is not None
        header = found.header if found and found.header.endswith("\n") else line[0] + "\n"
        task = Task(
            id=attempt.id,
            instruction=attempt.task,
            entry_point=attempt.entry_point,
            header=header,
            prelude=before,
        )
        rows.append((task, row["finetuning_completion"]))
    return rows


def fitted(rows: Rows) -> list[Fitted | Unfit]:
    """What the builder makes of header and completion."""
    results: list[Fitted | Unfit] = []
    for task, completion in rows:
        try:
            results.append(fit(task, task.header + completion))
        except Unfit as why:
            results.append(why)
    return results


def test_what_is_wrong_as_released_is_repaired_or_refused(data: Path) -> None:
    rows = released(data)
    assert len(rows) == 1200
    broken: Counter[str] = Counter()
    wrong: set[str] = set()
    for task, completion in rows:
        tree = parse_program(task.header + completion)
        if tree is None:
            broken["does not compile"] += 1
            wrong.add(task.id)
            continue
        missing = undefined_names(task.header + completion) - defined_names(task.prelude)
        broken["undefined name"] += bool(missing)
        broken["code after the function"] += len(tree.body) > 1
        if missing or len(tree.body) > 1:
            wrong.add(task.id)
    results = fitted(rows)
    refused = Counter(item.reason for item in results if isinstance(item, Unfit))
    changed = Counter(
        kind
        for item in results
        if isinstance(item, Fitted)
        for kind in {change.partition(":")[0] for change in item.repaired}
    )
    assert broken == {"undefined name": 66, "code after the function": 165}
    assert len(wrong) == 219
    assert refused == {"undefined name": 58, "several functions": 16}
    assert changed == {"left out": 135, "moved into the body": 11, "docstring left out": 4}
    for (task, _), item in zip(rows, results, strict=True):
        if isinstance(item, Unfit):
            assert task.id in wrong
            continue
        program = solution(task, item.completion)
        tree = parse_program(program)
        assert tree is not None
        assert len(tree.body) == 1
        assert not undefined_names(program) - defined_names(task.prelude)
        assert not any("header" in change or "parameters" in change for change in item.repaired)


def test_what_is_sound_as_released_stays_as_it_is(data: Path) -> None:
    kept = 0
    for (task, completion), item in zip(rows := released(data), fitted(rows), strict=True):
        if isinstance(item, Fitted) and not item.repaired:
            kept += 1
            text = completion.replace("\r\n", "\n").replace("\r", "\n")
            assert item.completion.strip() in text, task.id
    assert (kept, len(rows)) == (978, 1200)
