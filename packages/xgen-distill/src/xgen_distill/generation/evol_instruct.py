"""Evol-Instruct: a task is rewritten into a harder one, or into another of its kind.

WizardLM's operations (five in depth, one in breadth) and its rules of elimination, with prompts in
our words. The teacher is asked up to three times: to rewrite, whether anything was added (in depth
only), and for a solution.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from xgen_core import Completion, Model
from xgen_core.lm.asker import Asker
from xgen_distill.configuration import Sampling
from xgen_distill.generation.asking import ask
from xgen_distill.generation.candidate import Candidate
from xgen_distill.generation.filters import Filters
from xgen_distill.generation.solution import read_solution

__all__ = [
    "OPERATIONS",
    "Evolver",
    "Operation",
    "compare_prompt",
    "draw_operation",
    "rewrite_prompt",
    "solve_prompt",
]

Operation = Literal["constrain", "deepen", "concretise", "reason", "complicate", "mutate"]
"""Add constraints; ask for more of the same matter; put special concepts in the place of general
ones; ask for more steps of reasoning; complicate the arguments; or, in breadth, another task of the
same field."""

OPERATIONS: tuple[Operation, ...] = get_args(Operation)

_CHANGES: Mapping[Operation, str] = {
    "constrain": "Add one more constraint or requirement to what the function must do.",
    "deepen": "Ask for more depth and breadth in what the task is about.",
    "concretise": "Put a more special concept in the place of a general one.",
    "reason": "If the task is solved in one or two steps of thought, change it so that it takes "
    "several.",
    "complicate": "Make the data that the function is given more complicated: nested, of several "
    "types, or with cases that need care.",
}

_DEPTH = """\
Rewrite the programming task below so that it is somewhat harder, and a skilled programmer can \
still solve it. Do it in this way: {change}

Add 10 to 20 words and no more. It stays a task for one function in Python that returns its \
result and needs nothing but the standard library. It must be complete by itself: do not speak of \
the task below. Answer with the rewritten task alone, without code.

THE TASK:
{instruction}"""

_BREADTH = """\
The programming task below is to give you an idea. Make up another one of the same field, about \
something rarer, as long and as hard as this.

It is a task for one function in Python that returns its result and needs nothing but the standard \
library. It must be complete by itself: do not speak of the task below. Answer with the new task \
alone, without code.

THE TASK:
{instruction}"""

_EQUAL = """\
Do these two programming tasks ask for the same? They do if they have the same constraints and \
requirements, and are as deep and as broad as each other.

FIRST:
{first}

SECOND:
{second}

Answer with one word: EQUAL or DIFFERENT."""

_SOLVE = """\
Solve this programming task with one function in Python. It returns its result, and needs nothing \
but the standard library. Write the function once, in one block fenced by ```python and ```, with \
imports before it, with no examples and no tests.

TASK:
{instruction}"""

_COPIED = re.compile(
    r"the task below|rewritten task|rewritten prompt|given prompt|given task:|created prompt|"
    r"new prompt|#(?:rewritten|given|created) ",
    re.IGNORECASE,
)
"""Words of the prompt that asks for a rewriting, ours or WizardLM's."""

_LABEL = re.compile(r"\A\W*(?:the |rewritten |new |harder )*task\W*:\W*", re.IGNORECASE)
_SORRY_WORDS = 80
"""A reply with "sorry" in it that is shorter than this refuses; WizardLM's figure."""
_STOP_WORD = re.compile(
    "a|an|and|are|as|at|be|but|by|can|do|for|from|have|how|i|if|in|is|it|its|me|my|no|not|of|"
    "on|or|so|that|the|their|there|these|they|this|those|to|was|we|what|when|which|who|will|"
    "with|you|your"
)


def draw_operation(parent: str, round: int, seed: int) -> Operation:
    """How a task is rewritten; all six are as likely.

    Args:
        parent: its id.
        round: of rewriting.
        seed: of the run.
    """
    return random.Random(f"{seed}/{parent}/{round}").choice(OPERATIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evolver:
    """Rewrites tasks.

    Attributes:
        model: the teacher, entered.
        writing: how it is sampled when it rewrites.
        answering: how it is when it judges and solves.
        filters: of instructions.
        seed: of its requests.
    """

    model: Model
    writing: Sampling
    answering: Sampling
    filters: Filters
    seed: int = 0

    async def evolve(self, parent: Candidate, round: int) -> Candidate:
        """A task made of another one; with the reason why it is none, where it is none.

        Args:
            parent: what is rewritten.
            round: of rewriting, from 1.

        Raises:
            ModelError: the model did not answer.
        """
        operation = draw_operation(parent.id, round, self.seed)
        asker = Asker(self.model, seed=self.seed + round)
        child = await self._evolved(asker, parent, operation)
        return replace(
            child,
            id=f"{parent.id}/{round}",
            round=round,
            parents=(*parent.parents, parent.id),
            calls=len(asker.calls),
            prompt_tokens=sum(call.prompt_tokens for call in asker.calls),
            completion_tokens=sum(call.completion_tokens for call in asker.calls),
        )

    async def _evolved(self, asker: Asker, parent: Candidate, operation: Operation) -> Candidate:
        asked = rewrite_prompt(parent.instruction, operation)
        written = await ask(asker, operation, asked, self.writing)
        instruction = _LABEL.sub("", written.text.strip()).strip().strip('"').strip()
        child = Candidate(id=parent.id, method=operation, instruction=instruction)
        reason = "cut off" if written.finish_reason == "length" else self._wrong_words(instruction)
        if not reason and operation in _CHANGES:
            asked = compare_prompt(parent.instruction, instruction)
            reason = _nothing_added(await ask(asker, "compare", asked, self.answering))
        if reason:
            return replace(child, reason=reason)
        solved = await ask(asker, "solve", solve_prompt(instruction), self.answering)
        if reason := _no_answer(solved):
            return replace(child, reason=reason)
        solution = read_solution(solved.text)
        cut = solution.reason and solved.finish_reason == "length"
        return replace(
            child,
            entry_point=solution.entry_point,
            header=solution.header,
            prelude=solution.prelude,
            gold=solution.program,
            reason="cut off" if cut else solution.reason,
        )

    def _wrong_words(self, instruction: str) -> str:
        if not _says_something(instruction):
            return "says nothing"
        if _COPIED.search(instruction):
            return "copies its prompt"
        return self.filters.reason(instruction)


def rewrite_prompt(instruction: str, operation: Operation) -> str:
    """What asks for a rewriting."""
    change = _CHANGES.get(operation)
    form = _BREADTH if change is None else _DEPTH
    return form.format(change=change, instruction=instruction)


def compare_prompt(first: str, second: str) -> str:
    """What asks whether two tasks are the same."""
    return _EQUAL.format(first=first, second=second)


def solve_prompt(instruction: str) -> str:
    """What asks for a solution."""
    return _SOLVE.format(instruction=instruction)


def _nothing_added(told: Completion) -> str:
    """Why a rewriting is left out after the comparison; empty where it is not."""
    words = re.findall(r"[a-z]+", told.text.lower())
    if "different" in words or ("not" in words and "equal" in words):
        return ""
    return "adds nothing" if "equal" in words else "no judgement"


def _no_answer(reply: Completion) -> str:
    """Why a reply to a task is none, by WizardLM's rules; empty where it is one."""
    if not _says_something(reply.text):
        return "says nothing"
    sorry = re.search(r"\bsorry\b", reply.text, re.IGNORECASE)
    if sorry and len(reply.text.split()) < _SORRY_WORDS and "def " not in reply.text:
        return "cannot be solved"
    return ""


def _says_something(text: str) -> bool:
    """Whether there is more in it than punctuation and stop words."""
    words = re.findall(r"\w+", text.lower())
    return any(not _STOP_WORD.fullmatch(word) for word in words)
