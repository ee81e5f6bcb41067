"""PERsD's student attempts: programs with the error that executing them once gave.

Chen et al. 2023 (Personalised Distillation) release each as one prompt: a request, the task between
triple quotes, the program, and `ERROR:` with what its tests found, on Python 3.7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from xgen_core import CodecError
from xgen_core.records import Record
from xgen_eval.execution.formats.fields import text
from xgen_eval.execution.formats.source import Source
from xgen_eval.execution.problem import Problem

__all__ = ["PRELUDE", "Attempt", "persd_attempt", "persd_problem"]

PRELUDE = """\
import sys, time, itertools, collections, math, fractions, random, heapq
from collections import *
from functools import lru_cache
from itertools import *
from math import *
from typing import List, Tuple
import numpy as np
"""
"""What PERsD imports before every program."""

_JUDGE = '''
import ast, math, re

def agree(got, expected):
    """PERsD's comparison of two texts of values, numbers approximately."""
    got = "" if got is None else str(got)  # a weak verdict gets the value itself
    got, expected = (re.sub("0x[0-9a-f]+", "0x", text.strip()) for text in (got, expected))
    if got == expected:
        return True
    try:
        got, expected = ast.literal_eval(got), ast.literal_eval(expected)
        if type(expected) is float:
            return math.isclose(got, expected, rel_tol=1e-6, abs_tol=1e-12)
        return got == expected
    except (ValueError, SyntaxError, TypeError, OverflowError, MemoryError, RecursionError):
        return False
'''
_PROMPT = re.compile(
    r'.*?TASK: ?\n"""\n(?P<task>.*?)\n"""\n(?P<code>.*)\n\nERROR: \n(?P<error>.*)', re.DOTALL
)
_VALUES = re.compile(
    r"AssertionError\nINPUT: (?P<input>.*?)\nOUTPUT: (?P<output>.*?)\nEXPECTED: (?P<expected>.*)",
    re.DOTALL,
)
_LONGEST = 50
"""Words of INPUT, OUTPUT and EXPECTED that are recorded; one that has so many may be cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Record):
    """A program with its recorded error.

    Attributes:
        id: of the task.
        task: what was asked for.
        code: the program, without the prelude.
        entry_point: the function that its tests called; empty where the program defines none.
        error: name of the exception, `"AssertionError"` where a test was not met, `"Exit code"`
            where the process had to be ended.
        message: of the exception.
        input, output, expected: of the test that was not met, each cut to 50 words.
    """

    id: str
    task: str
    code: str
    entry_point: str
    error: str
    message: str = ""
    input: str = ""
    output: str = ""
    expected: str = ""

    @property
    def whole(self) -> bool:
        """Whether input and output are recorded in full."""
        longest = max(len(value.split(" ")) for value in (self.input, self.output))
        return bool(self.input) and longest < _LONGEST


def persd_attempt(row: Mapping[str, object]) -> Attempt:
    """The attempt of one row of a refinement file.

    Raises:
        CodecError: a field is missing, or the prompt is not of the released form.
    """
    prompt, number = text(row, "finetuning_prompt"), row.get("task_id")
    parts = _PROMPT.fullmatch(prompt)
    if parts is None:
        raise CodecError("finetuning_prompt: expected a task between triple quotes and ERROR:")
    error, _, _ = parts["error"].rpartition(f'\n\n"""\n{parts["task"]}\n"""\n')
    values = _VALUES.fullmatch(error)
    kind, _, message = error.partition(":")
    entry = re.search(r"^(?:async )?def (\w+)", parts["code"], re.MULTILINE)
    return Attempt(
        id=str(number),
        task=parts["task"],
        code=parts["code"],
        entry_point=entry[1] if entry else "",
        error="AssertionError" if values else kind.strip().rpartition(".")[2],
        message="" if values else message.strip().removesuffix(":").strip(),
        **(values.groupdict() if values else {}),
    )


def persd_problem(attempt: Attempt) -> Problem:
    """The problem whose test says that the recorded input gives the recorded output.

    Raises:
        ValueError: the attempt records none in full.
    """
    if not attempt.whole or not attempt.entry_point:
        raise ValueError(f"attempt {attempt.id} records no whole input and output")
    call = f"{attempt.entry_point}{attempt.input}"
    source = Source.of(attempt.code, call)
    return Problem(
        id=attempt.id,
        prompt=attempt.task,
        entry_points=(attempt.entry_point,),
        prelude=PRELUDE,
        setup="\n".join([PRELUDE, *source.imports, _JUDGE]),
        tests=(f"assert agree({call}, {attempt.output!r})",),
        modules=("numpy",),
        as_text=True,
        weak=source.weak,
    )
