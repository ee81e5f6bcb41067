"""The defects of PERsD's release, planted into clean solutions: each is repaired or refused."""

from __future__ import annotations

import ast
import asyncio
import dataclasses
import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from xgen_distill import Task, Template, UnitTest
from xgen_distill.sets import Row, Sets, build_sets
from xgen_eval.execution import Checker

SOLUTIONS = Path(__file__).with_name("solutions.txt").read_text("utf-8").split("\n\n")
"""Instruction, function and tests, with hints and defaults; of our own."""


def planted() -> Iterator[tuple[str, Task]]:
    """Every solution, clean and with each defect: what the defect is called, and the task."""
    for number, block in enumerate(SOLUTIONS):
        instruction, line, *lines, tests = block.strip().split("\n")
        header, body = line + "\n", "\n".join(lines) + "\n"
        code = header + body
        restating = f'    """\n    {instruction.replace("Return", "Returns")}\n    """\n'
        cut = code.partition(":")[2]  # what the release took for the body
        for defect, head, program in [
            ("clean", header, code),
            ("cut at a hint's colon", header, header + cut),
            ("cut at a hint's colon, bare", header, cut),
            ("other parameters", renamed(header), code),
            ("other parameters, body only", renamed(header), renamed(header) + body),
            ("restated", header, header + restating + body),
            ("no header", header, body),
            ("no header, set out", header, textwrap.dedent(body)),
        ]:
            yield (
                defect,
                Task(
                    id=f"{number}/{defect}",
                    instruction=instruction,
                    entry_point=header.partition("(")[0].removeprefix("def "),
                    header=head,
                    hidden=tuple(UnitTest.of(f"assert {test}") for test in tests.split("; ")),
                    gold=program,
                ),
            )


def renamed(header: str) -> str:
    """The header with other names for what is passed by position."""
    function = ast.parse(header + "    pass").body[0]
    assert isinstance(function, ast.FunctionDef)
    arguments = [*function.args.args, *filter(None, [function.args.vararg])]
    for argument in arguments:
        header = re.sub(rf"\b{argument.arg}(?=:)", f"given_{argument.arg}", header, count=1)
    return header


def build(tasks: list[Task]) -> Sets:
    async def work() -> Sets:
        problems = [task.problem(task.tests) for task in tasks[:1]]
        async with Checker(problems, workers=4, allow_weak=True) as checker:
            return await build_sets(tasks, [], [], Template(), checker)

    return asyncio.run(work())


def test_every_planted_defect_is_repaired_or_refused_and_every_clean_row_taken() -> None:
    items = list(planted())
    sets = build([task for _, task in items])
    rows = {row.task: row for row in sets.rows["stand"]}
    refused = {rejection.task: rejection.reason for rejection in sets.rejections}
    clean: dict[str, Row] = {}
    found: Counter[tuple[str, str]] = Counter()
    for defect, task in items:
        number = task.id.partition("/")[0]
        row = rows.get(task.id)
        if defect == "clean":
            assert row is not None, refused[task.id]
            assert (row.program, row.repaired) == (task.gold, ())
            clean[number] = row
        elif row is not None and "other parameters" not in defect:
            assert row.completion == clean[number].completion, task.id
        kinds = {change.partition(":")[0] for change in row.repaired} if row else set[str]()
        found[defect, ", ".join(sorted(kinds)) if row else refused[task.id]] += 1
    count = len(SOLUTIONS)
    assert count >= 40
    assert found == {
        ("clean", ""): count,
        ("cut at a hint's colon", "does not compile"): count,
        ("cut at a hint's colon, bare", "does not compile"): count,
        ("other parameters", "parameters renamed"): count,
        ("other parameters, body only", "undefined name"): count - 1,
        ("other parameters, body only", "fails as trained"): 1,  # its names are assigned later on
        ("restated", "docstring left out"): count,
        ("no header", "header re-attached"): count,
        ("no header, set out", "header re-attached"): count,
    }


def test_a_row_that_fails_as_it_would_be_trained_is_refused() -> None:
    task = next(task for _, task in planted())
    wrong = dataclasses.replace(task, gold=task.header + "    return a\n")
    sets = build([wrong])
    assert sets.rows["stand"] == ()
    assert [(r.reason, r.source) for r in sets.rejections] == [("fails as trained", "direct")]
    assert "larger" in sets.rejections[0].detail
