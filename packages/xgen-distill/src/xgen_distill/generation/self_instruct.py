"""Self-Instruct for code: seeds are shown, a list of new tasks with solutions is asked for.

The mechanics are CodeAlpaca's: three seeds a prompt, drawn from the seeds alone and never from what
was made, twenty tasks a list, temperature 1. The words of the prompt are ours.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from xgen_core import Completion
from xgen_distill.generation.candidate import Candidate
from xgen_distill.generation.filters import Filters
from xgen_distill.generation.solution import read_solution
from xgen_distill.task import Task

__all__ = ["Item", "draw_seeds", "list_prompt", "read_candidates", "read_items"]

_NO_INPUT = "<noinput>"
_FIELD = re.compile(
    r"^(?:#{1,4}[ \t]*)?(?P<number>[ \t]*\d+[.)][ \t]*)?\*{0,2}"
    r"(?P<name>Instruction|Input|Output)\*{0,2}[ \t]*:\*{0,2}[ \t]*",
    re.MULTILINE | re.IGNORECASE,
)
_SEPARATOR = re.compile(r"\n[ \t]*#{3,}[ \t]*(?:\d+[.)]?)?[ \t]*\Z")

_ASKED = """\
Make up a list of {asked} programming tasks. Each is solved by one function in Python.

- The tasks differ from each other: in what is asked, in the verbs, in the data that they are about.
- Some are easy, some are hard. None needs anything but the standard library.
- The function returns its result. It reads nothing from a user, a disk or a network, and gives \
the same result for the same arguments every time.
- The instruction says in one to three English sentences what the function does with its arguments.
- The input is {no_input}, or one line with what is needed beside the instruction.
- The output is the whole function, imports that it needs before it, with no examples and no tests.

The first {shown} are there. Go on with number {next} in the same form, up to number {asked}.

{seeds}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry of a list.

    Attributes:
        instruction, input, output: its fields; empty where it has none.
        reason: why it is no task; empty where it may be one.
    """

    instruction: str = ""
    input: str = ""
    output: str = ""
    reason: str = ""

    @property
    def asked(self) -> str:
        """Instruction and input together."""
        text = " ".join(self.instruction.split())
        given = self.input.strip()
        without = not given or re.sub(r"[^a-z]", "", given.lower()) in ("noinput", "none", "na")
        return text if without else f"{text}\n{given}"


def draw_seeds(seeds: Sequence[Task], count: int, *, seed: int, call: int) -> list[Task]:
    """The seeds of one prompt; another call has others.

    Args:
        seeds: all, each with a direct solution.
        count: how many.
        seed: of the run.
        call: its number.
    """
    return random.Random(f"{seed}/{call}").sample(list(seeds), min(count, len(seeds)))


def list_prompt(seeds: Sequence[Task], asked: int) -> str:
    """What a teacher is asked: a list that begins with seeds.

    Args:
        seeds: the ones to show.
        asked: tasks in the list, the seeds included.
    """
    items = [
        f"###\n{number}. Instruction: {' '.join(seed.instruction.split())}\n"
        f"{number}. Input: {_NO_INPUT}\n{number}. Output:\n```python\n{seed.gold.strip()}\n```"
        for number, seed in enumerate(seeds, 1)
    ]
    return _ASKED.format(
        asked=asked,
        no_input=_NO_INPUT,
        shown=len(seeds),
        next=len(seeds) + 1,
        seeds="\n".join(items),
    )


def read_items(reply: str, *, cut: bool = False) -> list[Item]:
    """The entries of a list, as tolerantly as can be; what stands before the first is passed over.

    Only the field that is due is looked for, so that code which prints `Output:` ends nothing.

    Args:
        reply: of the teacher.
        cut: whether it ran into its limit; the last entry is then no task.
    """
    found: list[dict[str, str]] = []
    field, begin = "", 0
    for match in _FIELD.finditer(reply):
        name = match["name"].lower()
        due = name == "instruction" or (
            bool(found)
            and name not in found[-1]
            and (match["number"] is not None or field != "output")
        )
        if not due or (
            name == "instruction" and field == "output" and _in_fence(reply, begin, match)
        ):
            continue
        if found:
            found[-1][field] = _field(reply[begin : match.start()])
        if name == "instruction":
            found.append({})
        found[-1][name] = ""
        field, begin = name, match.end()
    if found:
        found[-1][field] = _field(reply[begin:])
    items = [_item(fields) for fields in found]
    if cut and items:
        items[-1] = Item(instruction=items[-1].instruction, reason="cut off")
    return items


def _in_fence(reply: str, begin: int, match: re.Match[str]) -> bool:
    """Whether a place lies in a fenced block that began after another."""
    return reply.count("```", begin, match.start()) % 2 == 1 and match["number"] is None


def _field(text: str) -> str:
    return _SEPARATOR.sub("", f"{text.rstrip()}").strip("\n")


def _item(fields: dict[str, str]) -> Item:
    instruction = fields.get("instruction", "").strip()
    output = fields.get("output", "")
    reason = "no output" if not output.strip() else ""
    return Item(
        instruction=instruction,
        input=fields.get("input", ""),
        output=output,
        reason="no instruction" if not instruction else reason,
    )


def read_candidates(completion: Completion, call: int, filters: Filters) -> list[Candidate]:
    """The tasks of one reply, each with the reason why it is none, where it is none.

    Args:
        completion: of `list_prompt`.
        call: its number.
        filters: of instructions.
    """
    items = read_items(completion.text, cut=completion.finish_reason == "length")
    if not items:
        items = [Item(reason="no list")]
    return [
        _candidate(item, f"self-instruct/{call}-{number}", filters)
        for number, item in enumerate(items, 1)
    ]


def _candidate(item: Item, id: str, filters: Filters) -> Candidate:
    reason = item.reason or filters.reason(item.asked)
    candidate = Candidate(id=id, method="self-instruct", instruction=item.asked, reason=reason)
    if reason:
        return candidate
    solution = read_solution(item.output)
    return Candidate(
        id=id,
        method="self-instruct",
        instruction=item.asked,
        entry_point=solution.entry_point,
        header=solution.header,
        prelude=solution.prelude,
        gold=solution.program,
        reason=solution.reason,
    )
