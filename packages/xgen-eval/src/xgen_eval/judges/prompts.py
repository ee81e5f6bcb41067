"""What an MT-Bench judge reads: eight prompts, ours or those of a file in FastChat's form.

A prompt is chosen by three questions: one answer or two? with reference answers (math, reasoning,
coding) or without? the first turn or the second? Ours have the structure of FastChat's and our own
words; scores that are to stand beside published ones need FastChat's `judge_prompts.jsonl`.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from xgen_core import InputError, Message
from xgen_core.codec import decode
from xgen_core.files import read_jsonl
from xgen_core.recipe import fingerprint
from xgen_core.records import Record

__all__ = ["JudgePrompt", "JudgePrompts", "read_prompts"]

_Kind = Literal["single", "pair"]
_NAMES: Mapping[tuple[_Kind, bool], str] = {
    ("single", False): "single-v1",
    ("single", True): "single-math-v1",
    ("pair", False): "pair-v2",
    ("pair", True): "pair-math-v1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgePrompt(Record):
    """A system message and a user message with places for question, answers and references."""

    name: str
    system_prompt: str
    prompt_template: str

    def places(self) -> set[str]:
        """Names of the places in the template.

        Raises:
            ValueError: it is not a template, or a place is more than a name.
        """
        parsed = list(string.Formatter().parse(self.prompt_template))
        names = {name for _, name, _, _ in parsed if name is not None}
        if any(spec or conversion for _, name, spec, conversion in parsed if name is not None):
            raise ValueError(f"prompt {self.name!r}: a place is written {{name}} and no more")
        return names

    def render(self, values: Mapping[str, str]) -> tuple[Message, ...]:
        """The messages to the judge, with the places filled."""
        return (
            Message(role="system", content=self.system_prompt),
            Message(role="user", content=self.prompt_template.format_map(values)),
        )


class JudgePrompts:
    """The eight prompts of an MT-Bench judge.

    Args:
        prompts: at least those eight; others are ignored.
        where: they come from, for messages.

    Raises:
        InputError: one is missing, or has no place for what it is to judge, or one for what nobody
            knows.
    """

    def __init__(self, prompts: Mapping[str, JudgePrompt], where: str) -> None:
        self._prompts: dict[str, JudgePrompt] = {}
        for kind, reference in _NAMES:
            for turn in (1, 2):
                name = _name(kind, reference, turn)
                if name not in prompts:
                    raise InputError(f"{where}: the prompt {name!r} is missing")
                _check(prompts[name], _places(kind, reference, turn), where)
                self._prompts[name] = prompts[name]
        self.fingerprint = fingerprint(tuple(self._prompts.values()))[:16]

    def choose(self, kind: _Kind, *, reference: bool, turn: int) -> JudgePrompt:
        """The prompt for one or two answers, with or without references, on turn 1 or 2."""
        return self._prompts[_name(kind, reference, turn)]


def read_prompts(path: Path | None) -> JudgePrompts:
    """The prompts of a file in FastChat's form (`judge_prompts.jsonl`), or our own.

    Raises:
        InputError: no such file, or not the prompts that are needed.
    """
    if path is None:
        return JudgePrompts({p.name: p for p in _own()}, "our own prompts")
    found = {p.name: p for p in read_jsonl(path, _parse)}
    return JudgePrompts(found, f"{path}")


def _parse(value: object) -> JudgePrompt:
    fields = decode(dict[str, object], value)
    known = ("name", "system_prompt", "prompt_template")
    return JudgePrompt.from_json({k: v for k, v in fields.items() if k in known})


def _name(kind: _Kind, reference: bool, turn: int) -> str:
    return _NAMES[kind, reference] + ("-multi-turn" if turn == 2 else "")


def _places(kind: _Kind, reference: bool, turn: int) -> set[str]:
    turns = ("",) if turn == 1 else ("_1", "_2")
    answers = ("answer",) if kind == "single" else ("answer_a", "answer_b")
    places = {f"{noun}{t}" for noun in ("question", *answers) for t in turns}
    return places | ({f"ref_answer_{t}" for t in range(1, turn + 1)} if reference else set())


def _check(prompt: JudgePrompt, expected: set[str], where: str) -> None:
    try:
        found = prompt.places()
    except ValueError as error:
        raise InputError(f"{where}: prompt {prompt.name!r} is not a template: {error}") from error
    if found != expected:
        raise InputError(
            f"{where}: prompt {prompt.name!r} has the places {', '.join(sorted(found)) or 'none'}; "
            f"expected {', '.join(sorted(expected))}"
        )


_GENERAL = (
    "Weigh how well it follows the instructions, and how helpful, relevant, accurate, thorough and "
    "original it is, at a level of detail that suits the question."
)
_REFERENCED = (
    "What counts is whether it is correct and helps. First compare it with the reference, and name "
    "every mistake."
)
_RATE = (
    "Explain your view in a few sentences, as objectively as you can. Then rate it with a number "
    'from 1 to 10, in exactly this form: "[[rating]]", for example: "Rating: [[5]]".'
)
_DECIDE = (
    "Explain your view in a few sentences, as objectively as you can. The order in which the "
    "answers are shown, their length, and the assistants' names must not matter. Then give your "
    'verdict in exactly this form: "[[A]]" if assistant A is better, "[[B]]" if assistant B is '
    'better, "[[C]]" for a tie.'
)
_SECOND = "Look at the second question above all. "


def _own() -> list[JudgePrompt]:
    return [_single(reference, turn) for reference in (False, True) for turn in (1, 2)] + [
        _pair(reference, turn) for reference in (False, True) for turn in (1, 2)
    ]


def _single(reference: bool, turn: int) -> JudgePrompt:
    what = "the answer of an AI assistant to the question of a user"
    task = (
        f"You are an impartial judge. Assess {what}, shown below. {_SECOND if turn == 2 else ''}"
        f"{_REFERENCED if reference else _GENERAL} {_RATE}"
    )
    shown = _references(turn) if reference else ""
    if turn == 1:
        # the instruction in the user's part, where FastChat has it for first turns
        user = f"[Instruction]\n{task}\n\n[Question]\n{{question}}\n\n{shown}" + _answer("", "")
        system = "You are a helpful assistant."
    else:
        user = shown + _conversation("A", "answer")
        system = task
    return JudgePrompt(
        name=_name("single", reference, turn), system_prompt=system, prompt_template=user
    )


def _pair(reference: bool, turn: int) -> JudgePrompt:
    system = (
        "You are an impartial judge. Decide which of two AI assistants, A and B, answers the user "
        f"better. {_SECOND if turn == 2 else ''}For each answer: "
        f"{_REFERENCED if reference else _GENERAL} {_DECIDE}"
    )
    shown = _references(turn) if reference else ""
    if turn == 1:
        user = (
            f"[User Question]\n{{question}}\n\n{shown}"
            f"{_answer(' A', '_a')}\n\n{_answer(' B', '_b')}"
        )
    else:
        user = f"{shown}{_conversation('A', 'answer_a')}\n\n\n{_conversation('B', 'answer_b')}"
    return JudgePrompt(
        name=_name("pair", reference, turn), system_prompt=system, prompt_template=user
    )


def _answer(name: str, suffix: str) -> str:
    return (
        f"[The Start of Assistant{name}'s Answer]\n{{answer{suffix}}}\n"
        f"[The End of Assistant{name}'s Answer]"
    )


def _references(turn: int) -> str:
    if turn == 1:
        return "[The Start of Reference Answer]\n{ref_answer_1}\n[The End of Reference Answer]\n\n"
    turns = _turns("Reference answer", "ref_answer")
    return f"<|The Start of Reference Answer|>\n\n{turns}\n\n<|The End of Reference Answer|>\n\n\n"


def _conversation(name: str, answer: str) -> str:
    turns = _turns(f"Assistant {name}", answer)
    return (
        f"<|The Start of Assistant {name}'s Conversation with User|>\n\n{turns}\n\n"
        f"<|The End of Assistant {name}'s Conversation with User|>"
    )


def _turns(speaker: str, answer: str) -> str:
    return "\n\n".join(
        f"### User:\n{{question_{t}}}\n\n### {speaker}:\n{{{answer}_{t}}}" for t in (1, 2)
    )
