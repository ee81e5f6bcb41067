"""Any prompts with answers, one a line of JSONL; and preferences between two answers.

    {"id"?, "prompt": TEXT or [messages], "answer": TEXT}                       one answer
    {"id"?, "prompt": TEXT or [messages], "answer_a": TEXT, "answer_b": TEXT}   two

`instruction` and `output` are read for `prompt` and `answer`; other fields are passed over.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from xgen_core import CodecError, InputError, Message, Preference
from xgen_core.codec import decode
from xgen_core.files import read_jsonl
from xgen_core.records import Record, Scalar
from xgen_eval.judges.rubrics import conversation_text

__all__ = ["Preferences", "Prompted", "preferences", "prompt_details", "read_prompted"]

_NAMES = ((), (("answer", "output"),), (("answer_a",), ("answer_b",)))
"""Fields of the answers, by how many a line must have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompted(Record):
    """A prompt with the answers that its line has: none, one, or two."""

    id: str
    prompt: tuple[Message, ...]
    answers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.prompt or self.prompt[-1].role == "assistant":
            raise ValueError(f"prompt {self.id!r} does not end with a question")


class Preferences(NamedTuple):
    """Preferences that a judge gave, and how many pairs gave none, by the reason."""

    kept: list[Preference]
    left_out: dict[str, int]


def read_prompted(path: Path, answers: int) -> list[Prompted]:
    """The lines of a file.

    Args:
        path: of the file.
        answers: how many each line must have; more are passed over.

    Raises:
        InputError: no such file, a line that is none, no lines, or one id twice.
    """
    found = [
        row if row.id else Prompted(id=f"{i}", prompt=row.prompt, answers=row.answers)
        for i, row in enumerate(read_jsonl(path, lambda value: _parse(value, answers)), 1)
    ]
    if not found:
        raise InputError(f"{path}: no prompts in it")
    twice = [name for name, count in Counter(row.id for row in found).items() if count > 1]
    if twice:
        raise InputError(f"{path}: two lines have the id {twice[0]!r}")
    return found


def prompt_details(prompt: Sequence[Message]) -> dict[str, str]:
    """A prompt for the row of an item: as text, and where that loses roles, as JSON too."""
    details = {"prompt": conversation_text(prompt)}
    if [m.role for m in prompt] != ["user"]:
        messages = [{"role": m.role, "content": m.content} for m in prompt]
        details["messages"] = json.dumps(messages, ensure_ascii=False)
    return details


def preferences(rows: Iterable[Mapping[str, Scalar]]) -> Preferences:
    """From the rows of a `rubric_pairs` run to pairs for DPO (`xgen train dpo`).

    Left out are ties, pairs without a verdict, and pairs with an empty answer. `judge.share` in the
    metadata is how much of the rounds the chosen answer won, above 0.5 and up to 1.
    """
    kept: list[Preference] = []
    left_out: Counter[str] = Counter()
    for row in rows:
        verdict = row.get("verdict")
        if verdict not in ("win", "loss"):
            reason = "failed" if row.get("error") else "tie" if verdict == "tie" else "unparsed"
            left_out[reason] += 1
            continue
        a, b = f"{row['answer_a']}", f"{row['answer_b']}"
        if not a.strip() or not b.strip():
            left_out["empty answer"] += 1
            continue
        chosen, rejected = (a, b) if verdict == "win" else (b, a)
        share = row["win_rate_adjusted"]
        assert isinstance(share, float)
        kept.append(
            Preference(
                id=f"{row['id']}",
                prompt=_messages(row),
                chosen=chosen,
                rejected=rejected,
                metadata={
                    "judge.model": row.get("judge"),
                    "judge.rubric": row.get("rubric"),
                    "judge.share": share if verdict == "win" else 1 - share,
                },
            )
        )
    return Preferences(kept, dict(sorted(left_out.items())))


def _messages(row: Mapping[str, Scalar]) -> tuple[Message, ...]:
    if "messages" in row:
        return decode(tuple[Message, ...], json.loads(f"{row['messages']}"))
    return (Message(role="user", content=f"{row['prompt']}"),)


def _parse(value: object, answers: int) -> Prompted:
    fields = decode(dict[str, object], value)
    prompt = _first(fields, "prompt", "instruction")
    messages = (
        (Message(role="user", content=prompt),)
        if isinstance(prompt, str)
        else decode(tuple[Message, ...], prompt, "prompt")
    )
    names = _NAMES[answers]
    texts = tuple(decode(str, _first(fields, *n), n[0]) for n in names)
    try:
        return Prompted(id=f"{fields.get('id', '')}", prompt=messages, answers=texts)
    except ValueError as error:
        raise CodecError(f"{error}") from error


def _first(fields: Mapping[str, object], *names: str) -> object:
    for name in names:
        if name in fields:
            return fields[name]
    there = ", ".join(fields)
    raise CodecError(f"{' or '.join(names)}: this field is missing (there are: {there})")
