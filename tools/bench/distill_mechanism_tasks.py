"""What `distill_mechanism.py` makes of its world: texts, tasks with tests, and two teachers.

The direct teacher answers a task always in one hand. The repairing teacher sees a program and
returns the right one that is nearest to it, of all that the world has: it keeps style, names and
turns, and changes what is wrong.
"""

from __future__ import annotations

import functools
import itertools
import random
import re
from collections.abc import Iterator, Mapping, Sequence

from distill_mechanism_world import (
    DIRECT,
    ENDINGS,
    HEADER,
    NAMES,
    PARTS,
    STYLES,
    Chain,
    Style,
    Writing,
)

from xgen_core import Completion, Example, GenerationRequest, Message, ModelInfo
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.scripted import prompt_text
from xgen_distill import Task, Template, UnitTest
from xgen_distill.similarity import similarity

__all__ = ["Repairer", "draw_chains", "habitual_bodies", "make_task", "text_example"]

PRELUDE = "from math import prod"
BOTH = (False, True)


def draw_chains(count: int, chance: random.Random) -> list[Chain]:
    """Different ones."""
    found: dict[Chain, None] = {}
    while len(found) < count:
        first, second, third = (chance.randrange(len(part)) for part in PARTS)
        parts = (first, second, third)
        pick, keep, change = (
            chance.randint(*step.numbers) if "{k}" in step.words else 0
            for step in (part[i] for part, i in zip(PARTS, parts, strict=True))
        )
        ending = chance.randrange(len(ENDINGS))
        found.setdefault(Chain(parts=parts, ending=ending, numbers=(pick, keep, change)))
    return list(found)


def text_example(
    chain: Chain, id: str, chance: random.Random, shares: Mapping[Style, float], habit: float
) -> Example:
    """A task and a program for it, right or not, as a student reads them.

    Args:
        chain: the task.
        id: of the example.
        chance: draws style, names, turns and habits.
        shares: of the styles.
        habit: how likely each habit is.
    """
    (style,) = chance.choices(STYLES, [shares[style] for style in STYLES])
    turned = (chance.random() < 0.3, chance.random() < 0.3, chance.random() < 0.3)
    first, second, third, last = (
        possible and chance.random() < habit for possible in chain.habits(style)
    )
    writing = Writing(
        style=style, name=chance.choice(NAMES), turned=turned, wrong=(first, second, third, last)
    )
    task = Task(id=id, instruction=chain.instruction, entry_point="solve", header=HEADER)
    told = Message(role="user", content=Template().attempt(task))
    answer = Message(role="assistant", content=chain.body(writing), trained=True)
    return Example(id=id, messages=(told, answer))


def make_task(chain: Chain, id: str, chance: random.Random) -> Task:
    """The task, with tests that each habit fails by itself; its gold is the direct teacher's.

    Two tests are shown. Habits that do no harm, as `/` on even numbers, fail no test.
    """
    gold = HEADER + chain.body(DIRECT)
    rivals = [
        HEADER + chain.body(Writing(style=style, name="x", wrong=wrong))
        for style in STYLES
        for wrong in _single(chain.habits(style))
    ]
    edges = [k for k in chain.numbers if k]
    tests: list[list[int]] = []
    wanted: list[str] = []
    for _ in range(50):
        tests = [_values(edges, chance) for _ in range(5)] + [[]]
        wanted = [_value(gold, values) for values in tests]
        if all([_value(rival, values) for values in tests] != wanted for rival in rivals):
            break
    made = [
        UnitTest.of_call(f"solve({values})", expected)
        for values, expected in zip(tests, wanted, strict=True)
    ]
    return Task(
        id=id,
        instruction=chain.instruction,
        entry_point="solve",
        header=HEADER,
        shown=tuple(made[:2]),
        hidden=tuple(made[2:]),
        gold=gold,
        prelude=PRELUDE,
        trusted=True,
        origin="mechanism",
    )


def _values(edges: Sequence[int], chance: random.Random) -> list[int]:
    return [
        chance.choice(edges) if edges and chance.random() < 0.3 else chance.randint(-6, 9)
        for _ in range(chance.randint(3, 8))
    ]


def _single(habits: Sequence[bool]) -> Iterator[tuple[bool, bool, bool, bool]]:
    for i, possible in enumerate(habits):
        if possible:
            first, second, third, last = (j == i for j in range(4))
            yield first, second, third, last


def _value(program: str, values: Sequence[int]) -> str:
    """What a program of this world, and so a harmless one, makes of a list; as source."""
    space: dict[str, object] = {}
    exec(f"{PRELUDE}\n{program}", space)
    solve = space["solve"]
    assert callable(solve)
    return repr(solve(list(values)))


@functools.cache
def right_bodies(chain: Chain) -> tuple[str, ...]:
    """Every right program that the world has for a task."""
    writings = itertools.product(STYLES, NAMES, itertools.product(BOTH, repeat=3))
    return tuple(
        dict.fromkeys(
            chain.body(Writing(style=style, name=name, turned=(a, b, c)))
            for style, name, (a, b, c) in writings
        )
    )


def habitual_bodies(chain: Chain) -> set[str]:
    """Every program that the world has for a task with one habit or more."""
    found: set[str] = set()
    for style, name, (a, b, c) in itertools.product(
        STYLES, NAMES, itertools.product(BOTH, repeat=3)
    ):
        choices = (BOTH if possible else (False,) for possible in chain.habits(style))
        for first, second, third, last in itertools.product(*choices):
            wrong = (first, second, third, last)
            if any(wrong):
                found.add(
                    chain.body(Writing(style=style, name=name, turned=(a, b, c), wrong=wrong))
                )
    return found


class Repairer(AlwaysOpen):
    """The teacher that repairs.

    Args:
        chains: of the tasks that it can be asked.
    """

    _asked = re.compile(r"TASK:\n(.*?)\n.*INCORRECT PROGRAM:\n```python\n(.*?)\n```", re.DOTALL)

    def __init__(self, chains: Sequence[Chain]) -> None:
        self._chains = {chain.instruction: chain for chain in chains}

    @property
    def info(self) -> ModelInfo:
        """Which teacher it is."""
        return ModelInfo(identity="distill-mechanism-repairer")

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        """The right program nearest to the wrong one by its tokens; of equals the first."""
        match = self._asked.search(prompt_text(request))
        if match is None:
            raise ValueError("expected the prompt of a repair")
        instruction, program = match.groups()
        bodies = right_bodies(self._chains[instruction])
        body = max(bodies, key=lambda one: similarity(program, HEADER + one)["tokens"])
        reply = f"```python\n{HEADER}{body}```\n"
        return [Completion(text=reply, finish_reason="stop")] * request.n
