r"""`scripted:RULES.jsonl`: answers by rule, for tests, demonstrations and dry runs.

Each line is `{"pattern": REGEX, "replies": [TEXT, …]}`, tried in order against the prompt (the
contents of a conversation joined by newlines); sample `i` of a request gets reply
`(seed + i) % len(replies)`, with `\1` or `\g<name>` filled from the match.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from xgen_core.errors import InputError, ModelError
from xgen_core.files import read_jsonl, sha256_file
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.records import Completion, GenerationRequest, ModelInfo, Record

__all__ = ["Rule", "ScriptedModel", "open_scripted", "prompt_text", "truncate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Record):
    """When `pattern` (a regular expression; dot matches newline) is found, answer `replies`."""

    pattern: str
    replies: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.replies:
            raise ValueError(f"rule {self.pattern!r} has no replies")
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(
                f"rule {self.pattern!r} is not a regular expression: {error}"
            ) from None


def prompt_text(request: GenerationRequest) -> str:
    """What a rule is matched against."""
    if request.prompt is not None:
        return request.prompt
    return "\n".join(m.content for m in request.messages)


def truncate(text: str, stop: tuple[str, ...]) -> tuple[str, bool]:
    """Cut text before the first stop string; also says whether there was one."""
    ends = [text.index(s) for s in stop if s in text]
    return (text[: min(ends)], True) if ends else (text, False)


class ScriptedModel(AlwaysOpen):
    """A model that answers by rule; it needs no network and no weights."""

    def __init__(self, rules: list[Rule], identity: str = "scripted") -> None:
        self._rules = [(re.compile(r.pattern, re.DOTALL), r) for r in rules]
        self._info = ModelInfo(identity=identity)

    @property
    def info(self) -> ModelInfo:
        """Identity is the checksum of the rules."""
        return self._info

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        """Replies of the first rule that matches.

        Raises:
            ModelError: no rule matches; the message shows the prompt's end.
        """
        text = prompt_text(request)
        for pattern, rule in self._rules:
            match = pattern.search(text)
            if match is not None:
                return [self._answer(match, rule, request, i) for i in range(request.n)]
        raise ModelError(f"no rule matches the prompt that ends in {text[-80:]!r}")

    @staticmethod
    def _answer(
        match: re.Match[str], rule: Rule, request: GenerationRequest, index: int
    ) -> Completion:
        reply = rule.replies[(request.seed + index) % len(rule.replies)]
        text, _ = truncate(match.expand(reply) if "\\" in reply else reply, request.stop)
        words = text.split(" ")
        cut = len(words) > request.max_tokens
        return Completion(
            text=" ".join(words[: request.max_tokens]),
            finish_reason="length" if cut else "stop",
            completion_tokens=min(len(words), request.max_tokens),
        )


def open_scripted(path: str) -> ScriptedModel:
    """Open a rules file.

    Raises:
        InputError: no such file, or a line that is not a rule; names the line.
    """
    if not Path(path).is_file():
        raise InputError(f"scripted:{path}: no such file (it takes a JSONL file of rules)")
    rules = list(read_jsonl(path, Rule.from_json))
    if not rules:
        raise InputError(f"{path}: no rules in it")
    return ScriptedModel(rules, identity=f"scripted:{sha256_file(path)[:16]}")
