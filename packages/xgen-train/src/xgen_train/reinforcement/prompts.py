"""From `Example` lines to the ids that the policy answers."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from xgen_core import ChatTemplate, Example, InputError, Tokenizer
from xgen_core.codec import CodecError
from xgen_core.files import read_jsonl
from xgen_core.progress import track
from xgen_data import encode

__all__ = ["Prompt", "Prompts", "encode_prompts", "read_prompts"]


class Prompt(NamedTuple):
    """A question: the example that it comes from, and its ids up to where the answer begins."""

    example: Example
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """All prompts of a run.

    Attributes:
        kept: in the order of the file.
        dropped: how many are not among them, by reason.
    """

    kept: Sequence[Prompt]
    dropped: Mapping[str, int]

    @property
    def longest(self) -> int:
        """Ids of the longest prompt."""
        return max(len(prompt.ids) for prompt in self.kept)

    @property
    def fingerprint(self) -> str:
        """Hex sha256 over ids and examples, which the reward sees."""
        rows = [[prompt.ids, prompt.example.to_json()] for prompt in self.kept]
        return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def read_prompts(path: Path | str) -> list[Example]:
    """The examples of a JSONL file.

    Raises:
        InputError: no such file, no examples in it, or a line that asks nothing; names file and
            line.
    """
    found = list(read_jsonl(path, _parse))
    if not found:
        raise InputError(f"{path}: there are no prompts in it")
    return found


def _parse(value: object) -> Example:
    example = Example.from_json(value)
    if not _asked(example):
        raise CodecError(f"example {example.id!r} asks nothing: all its messages are answers")
    return example


def _asked(example: Example) -> Example | None:
    """The example without the answers at its end."""
    messages = example.messages
    while messages and messages[-1].role == "assistant":
        messages = messages[:-1]
    asked = tuple(dataclasses.replace(message, trained=False) for message in messages)
    return dataclasses.replace(example, messages=asked) if asked else None


def encode_prompts(
    examples: Iterable[Example], template: ChatTemplate, tokenizer: Tokenizer, *, max_tokens: int
) -> Prompts:
    """Render and encode what each example asks, up to where the answer begins.

    Args:
        examples: each with a message that is no answer.
        template: how conversations become text.
        tokenizer: for the ids.
        max_tokens: the most ids of a prompt; longer ones are dropped.

    Raises:
        InputError: the template has no form for a role, or nothing is left.
    """
    kept: list[Prompt] = []
    dropped: Counter[str] = Counter()
    for example in track(examples, "encoding prompts", unit="prompts"):
        asked = _asked(example)
        if asked is None:
            raise ValueError(f"example {example.id!r} asks nothing")
        try:
            segments = template.render(asked.messages, generate=True)
        except ValueError as error:
            raise InputError(f"example {example.id!r}: {error}") from error
        ids = encode(segments, tokenizer).ids.tolist()
        if tokenizer.bos_id is not None and ids[:1] != [tokenizer.bos_id]:
            ids = [tokenizer.bos_id, *ids]
        if len(ids) > max_tokens:
            dropped[f"longer than {max_tokens} tokens"] += 1
        else:
            kept.append(Prompt(example, tuple(ids or [tokenizer.eos_id])))
    if not kept:
        why = "; ".join(f"{count} dropped: {name}" for name, count in dropped.items())
        raise InputError(f"no prompt is left to answer ({why or 'there were none'})")
    return Prompts(kept=tuple(kept), dropped=dict(dropped))
