"""XLT, cross-lingual-thought prompting (Huang et al. 2023): one request that thinks in English.

Its template has six parts in a fixed order; the order is theirs, the words are ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from xgen_core import InputError
from xgen_core.lm.asker import Asker
from xgen_ldp.checking import Checker
from xgen_ldp.exemplars import Side
from xgen_ldp.finding import Finding
from xgen_ldp.languages import ENGLISH, Language
from xgen_ldp.line import Direction, Line
from xgen_ldp.methods.material import Material
from xgen_ldp.methods.method import Preparation
from xgen_ldp.prompts import Tags
from xgen_ldp.prompts.reading import after_tag, unquoted
from xgen_ldp.translation import Attempt, Translation

__all__ = ["Xlt", "xlt_prompt"]

_ENGLISH = "English"
_TRANSLATION = "Translation"
_MARK = re.compile(r"\s*(?:[>#-]+|\d+[.)])\s+")


def xlt_prompt(direction: Direction, text: str, tags: Tags = "name") -> str:
    """The prompt for one line.

    Args:
        direction: from which language into which.
        text: of the line.
        tags: what stands before it: the language's name, else `Source`; the template has no form
            without a tag.
    """
    source, target = direction.source.name, direction.target.name
    return "\n".join(
        (
            f"You are a professional translator and an expert in {source} and {target}.",  # role
            f"{source if tags == 'name' else 'Source'}: {text}",  # the input, with its tag
            f'First, restate this text in English, on a line that begins with "{_ENGLISH}:".',
            f"Your goal is to translate it into {target}.",
            "Solve the task step by step.",
            f"Last, give the {target} translation and nothing else, on one line that begins with "
            f'"{_TRANSLATION}:".',  # type of the output, and its prefix
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Xlt:
    """Between two languages other than English.

    Attributes:
        max_tokens: of an answer, which holds the English line and the steps too.
    """

    name: ClassVar[str] = "xlt"

    max_tokens: int = 1024

    async def prepare(self, asker: Asker, material: Material) -> XltTranslator:
        """Nothing is asked.

        Raises:
            InputError: one of the languages is English.
        """
        if material.direction.kind != "between":
            raise InputError(
                f"{material.direction.name}: xlt restates a text in English on the way between two "
                "other languages; with English on one side use zero-shot"
            )
        return XltTranslator(
            direction=material.direction,
            tags=material.tags,
            checker=material.checker,
            max_tokens=self.max_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class XltTranslator:
    """XLT, ready for one direction.

    Attributes:
        direction: from which language into which.
        tags: of the prompts.
        checker: that looks at both lines.
        max_tokens: of an answer.
    """

    direction: Direction
    tags: Tags
    checker: Checker
    max_tokens: int

    @property
    def preparation(self) -> Preparation:
        """Empty."""
        return Preparation()

    async def translate(self, asker: Asker, line: Line) -> Translation:
        """Ask greedily, and take the last line that begins as it was told to.

        An answer without one is `unparsed`. One without English is taken, with a note.

        Raises:
            ModelError: the model failed.
        """
        [completion] = await asker.ask(
            "xlt",
            xlt_prompt(self.direction, line.text, self.tags),
            max_tokens=self.max_tokens,
        )
        truncated = completion.finish_reason == "length"
        given = Side(language=self.direction.source, text=line.text)
        bare = unquoted if unquoted(line.text) == line.text else str  # its own quotes stay
        found = [_after(prefix, completion.text) for prefix in (_ENGLISH, _TRANSLATION)]
        english, text = (one and bare(one) for one in found)
        findings: list[Finding] = []
        notes: list[str] = []
        if english:
            checked = self.checker.check(given, english, ENGLISH)
            findings += checked.findings
            notes += checked.notes
        else:
            notes.append("no English on the way")
        if text is None:
            findings += _unparsed(self.direction.target, truncated)
        else:
            checked = self.checker.check(given, text, self.direction.target, truncated=truncated)
            findings += checked.findings
            notes += checked.notes
        attempt = Attempt(
            text=text or "", english=english or "", findings=tuple(findings), notes=tuple(notes)
        )
        return Translation(id=line.id, attempts=(attempt,), calls=asker.calls)


def _unparsed(target: Language, truncated: bool) -> list[Finding]:
    cut = [Finding(reason="truncated", language=target.code)] if truncated else []
    detail = f"no line begins with {_TRANSLATION + ':'!r}"
    return [*cut, Finding(reason="unparsed", language=target.code, detail=detail)]


def _after(prefix: str, answer: str) -> str | None:
    """What follows the last line that begins with a prefix, on that line or else on the next.

    None where no line begins with it.
    """
    lines = [line for line in map(_unlisted, answer.splitlines()) if line]
    for place in range(len(lines) - 1, -1, -1):
        rest = after_tag(prefix, lines[place])
        if rest is not None:
            return rest or "".join(lines[place + 1 : place + 2])
    return None


def _unlisted(line: str) -> str:
    """A line without the mark of a list or a quotation before it."""
    return _MARK.sub("", line).strip()
