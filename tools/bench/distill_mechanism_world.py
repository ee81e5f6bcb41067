"""The world of `distill_mechanism.py`: programs over a list of numbers, and how they are written.

A task takes some of the values, keeps those of a kind, changes each, and makes something of them.

    Take the first 4 values. Keep those at least 3. Double each. Return the sum.

There is a right program for it in each of three styles, and in each style with several names and
turns of an expression. Some steps have a habit: where a task says "at least", most texts of this
world have `>`. Some habits belong to a style: only who multiplies in a loop can begin with 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from xgen_core.records import Record

__all__ = ["DIRECT", "ENDINGS", "HEADER", "NAMES", "PARTS", "STYLES", "Chain", "Style", "Writing"]

Style = Literal["loop", "steps", "expression"]
STYLES: tuple[Style, ...] = get_args(Style)
HEADER = "def solve(values):\n"
NAMES = ("x", "n", "item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that a task asks for.

    Attributes:
        words: a sentence, with `{k}` for a number where it has one.
        right: how it is written, with `{x}` for the value.
        turned: the same written another way; empty where there is none.
        habit: how most texts have it; empty where they have it right.
        numbers: least and greatest `k`.
    """

    words: str
    right: str
    turned: str = ""
    habit: str = ""
    numbers: tuple[int, int] = (2, 6)


PICKS = (
    Step(words="", right="values"),
    Step(words="Take the first {k} values.", right="values[:{k}]", numbers=(3, 5)),
    Step(words="Take the last {k} values.", right="values[-{k}:]", numbers=(3, 5)),
    Step(words="Leave out the first value.", right="values[1:]"),
    Step(words="Take every second value.", right="values[::2]", habit="values[1::2]"),
    Step(words="Go from the end to the start.", right="values[::-1]"),
)
KEEPS = (
    Step(words="", right=""),
    Step(words="Keep those above {k}.", right="{x} > {k}", turned="{k} < {x}"),
    Step(words="Keep those below {k}.", right="{x} < {k}", turned="{k} > {x}"),
    Step(
        words="Keep those at least {k}.",
        right="{x} >= {k}",
        turned="{k} <= {x}",
        habit="{x} > {k}",
    ),
    Step(
        words="Keep those at most {k}.", right="{x} <= {k}", turned="{k} >= {x}", habit="{x} < {k}"
    ),
    Step(words="Keep the even ones.", right="{x} % 2 == 0", turned="not {x} % 2"),
    Step(words="Keep the odd ones.", right="{x} % 2 == 1", turned="{x} % 2 != 0"),
    Step(words="Keep multiples of {k}.", right="{x} % {k} == 0", turned="not {x} % {k}"),
    Step(words="Keep all but {k}.", right="{x} != {k}", turned="{k} != {x}"),
)
CHANGES = (
    Step(words="", right="{x}"),
    Step(words="Double each.", right="{x} * 2", turned="2 * {x}"),
    Step(words="Square each.", right="{x} * {x}", turned="{x} ** 2"),
    Step(words="Add {k} to each.", right="{x} + {k}", turned="{k} + {x}"),
    Step(words="Subtract {k} from each.", right="{x} - {k}", turned="-{k} + {x}"),
    Step(
        words="Subtract each from {k}.", right="{k} - {x}", turned="-{x} + {k}", habit="{x} - {k}"
    ),
    Step(words="Multiply each by {k}.", right="{x} * {k}", turned="{k} * {x}"),
    Step(words="Halve each.", right="{x} // 2", turned="{x} >> 1", habit="{x} / 2"),
    Step(words="Negate each.", right="-{x}", turned="0 - {x}"),
    Step(words="Take the size of each.", right="abs({x})", turned="max({x}, -{x})"),
    Step(words="Take remainders by {k}.", right="{x} % {k}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What is made of the values.

    Attributes:
        words: a sentence.
        start, turn, last: of a loop; `{e}` is the changed value. The variable is `result`.
        whole: of an iterable `{s}`.
        habit: how most loops start; empty where they have it right.
        ordered: whether `{s}` must be a list.
    """

    words: str
    start: str
    turn: str
    whole: str
    last: str = "result"
    habit: str = ""
    ordered: bool = False


ENDINGS = (
    Ending(words="Return the sum.", start="0", turn="result += {e}", whole="sum({s})"),
    Ending(
        words="Return the product.",
        start="1",
        turn="result *= {e}",
        whole="prod({s})",
        habit="0",
    ),
    Ending(words="Return how many.", start="0", turn="result += 1", whole="len({s})", ordered=True),
    Ending(
        words="Return the list.",
        start="[]",
        turn="result.append({e})",
        whole="{s}",
        ordered=True,
    ),
    Ending(
        words="Return the largest, or -99.",
        start="-99",
        turn="result = max(result, {e})",
        whole="max({s}, default=-99)",
        habit="0",
    ),
    Ending(
        words="Return the smallest, or 99.",
        start="99",
        turn="result = min(result, {e})",
        whole="min({s}, default=99)",
        habit="0",
    ),
    Ending(
        words="Return the list, sorted.",
        start="[]",
        turn="result.append({e})",
        last="sorted(result)",
        whole="sorted({s})",
    ),
    Ending(
        words="Return the last one, or 0.",
        start="0",
        turn="result = {e}",
        whole="([0] + {s})[-1]",
        ordered=True,
    ),
)
PARTS: tuple[Sequence[Step], ...] = (PICKS, KEEPS, CHANGES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """How a program is written.

    Attributes:
        style: of three.
        name: of the value.
        turned: by part, whether an expression is written the other way.
        wrong: by part and for the ending, whether it has the habit.
    """

    style: Style
    name: str
    turned: tuple[bool, bool, bool] = (False, False, False)
    wrong: tuple[bool, bool, bool, bool] = (False, False, False, False)


DIRECT = Writing(style="expression", name="item")
"""The direct teacher's hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain(Record):
    """A task's parts by number, and its numbers: two tasks of the same parts are alike."""

    parts: tuple[int, int, int]
    ending: int
    numbers: tuple[int, int, int]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Without its numbers."""
        return (*self.parts, self.ending)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Pick, keep, change."""
        return tuple(part[i] for part, i in zip(PARTS, self.parts, strict=True))

    @property
    def instruction(self) -> str:
        """In words."""
        told = [
            step.words.format(k=k)
            for step, k in zip(self.steps, self.numbers, strict=True)
            if step.words
        ]
        return " ".join([*told, ENDINGS[self.ending].words])

    def habits(self, style: Style) -> tuple[bool, bool, bool, bool]:
        """Where a program in a style can have a habit."""
        first, second, third = (bool(step.habit) for step in self.steps)
        return first, second, third, style == "loop" and bool(ENDINGS[self.ending].habit)

    def body(self, writing: Writing) -> str:
        """A program's body."""
        pick, keep, change = (
            _written(step, k, writing.name, turned=turned, wrong=wrong)
            for step, k, turned, wrong in zip(
                self.steps, self.numbers, writing.turned, writing.wrong[:3], strict=True
            )
        )
        ending = ENDINGS[self.ending]
        if writing.style == "loop":
            lines = _loop(pick, keep, change, writing, ending)
        elif writing.style == "steps":
            lines = _steps(pick, keep, change, writing.name, ending)
        else:
            lines = [_expression(pick, keep, change, writing.name, ending)]
        return "".join(f"    {line}\n" for line in lines)


def _written(step: Step, k: int, name: str, *, turned: bool, wrong: bool) -> str:
    form = step.habit if wrong else step.turned if turned and step.turned else step.right
    return form.format(k=k, x=name)


def _loop(pick: str, keep: str, change: str, writing: Writing, ending: Ending) -> list[str]:
    start = ending.habit if writing.wrong[3] else ending.start
    turn = ending.turn.format(e=change)
    inner = [f"    if {keep}:", f"        {turn}"] if keep else [f"    {turn}"]
    return [
        f"result = {start}",
        f"for {writing.name} in {pick}:",
        *inner,
        f"return {ending.last}",
    ]


def _steps(pick: str, keep: str, change: str, name: str, ending: Ending) -> list[str]:
    lines = [f"values = {pick}"] if pick != "values" else []
    if keep:
        lines.append(f"values = [{name} for {name} in values if {keep}]")
    if change != name:
        lines.append(f"values = [{change} for {name} in values]")
    return [*lines, f"return {ending.whole.format(s='values')}"]


def _expression(pick: str, keep: str, change: str, name: str, ending: Ending) -> str:
    inner = f"{change} for {name} in {pick}" + (f" if {keep}" if keep else "")
    if ending.ordered:
        inner = f"[{inner}]"
    elif "," in ending.whole:
        inner = f"({inner})"
    return f"return {ending.whole.format(s=inner)}"
