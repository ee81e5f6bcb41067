"""What a model wrote, as a chain: its steps, and the answer that it states.

A structured reply, `{"steps": […], "answer": …}` anywhere in the text, is read as such. Otherwise
the text is read by its markers: ordinals or numbers begin a step, "the answer is" begins the
answer. A text without an answer is an abstention, never an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from xgen_core import Completion
from xgen_core.lm.wire.logprobs import token_bytes
from xgen_reason.answers import WRAPPING, normal_form
from xgen_reason.chain import Chain
from xgen_reason.knowledge.sentences import split_sentences
from xgen_reason.question import Question

__all__ = [
    "read_answer",
    "read_chain",
    "read_continuation",
    "read_sentence",
    "read_steps",
]

_NUMERALS = "First Second Third Fourth Fifth Sixth Seventh Eighth Ninth Tenth"
_ORDINAL = (
    rf"(?:(?:{'|'.join(_NUMERALS.split())})(?:ly)?"
    r"|Next|Then|Also|Moreover|Furthermore|Additionally|Finally|Lastly),"
)
_CONCLUSION = r"(?:Therefore|Thus|Hence|So|Consequently|In conclusion|In summary),?"
_MARKER = re.compile(
    r"\b(?:the|my)\s+(?:final\s+|correct\s+)?answer\s+is\b[ \t*]*:?"
    r"|^[ \t*_#>]*(?:final\s+)?answer(?=\**:)[ \t*]*:?",
    re.IGNORECASE | re.MULTILINE,
)
_BEFORE_MARKER = re.compile(
    rf"(?:\b(?:{_ORDINAL}|{_CONCLUSION})\s+)*(?:\b(?:and|so)\s+)?$", re.IGNORECASE
)
_NEAR = 60
"""Characters before a marker that may belong to it: "Finally, therefore, "."""
_STEP = re.compile(
    rf"(?:(?<=\s)|^){_ORDINAL}(?:\s+|\Z)"  # "First, …", also within a line
    r"|^[ \t]*(?:[Ss]tep\s+)?\d{1,2}[.):]\s+"  # "1. …", "Step 1: …"
    r"|^[ \t]*[-*•]\s+",
    re.MULTILINE,
)
_ONE = re.compile(r"\s*(?:first|(?:step\s+)?1[.):])", re.IGNORECASE)
_BULLET = re.compile(r"\s*[-*•]")
_RUNAWAY = re.compile(r"\n[ \t]*(?:Q|Question|Claim)[ \t]*\d*:")
_LABEL = re.compile(
    r"[*_]*(?:(?:verifying )?question|search|query|answer|(?:edited )?sentence)[*_]*:[*_]*\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stated:
    """An answer as it stands in the text: its words, and where they begin and end."""

    text: str
    begin: int
    end: int


def read_chain(completion: Completion, question: Question) -> Chain:
    """The chain of a completion; without an answer where it states none of the question's kind."""
    text = completion.text
    structured = _structured(text)
    if structured is not None:
        steps, stated = structured
    else:
        marker = _last_marker(text)
        steps = read_steps(text[: marker[0]] if marker else text)
        stated = _stated(text, marker[1], question) if marker else None
    return _chain(completion, question, steps, stated)


def read_answer(completion: Completion, question: Question) -> Chain:
    """The answer of a completion that was asked for nothing else; a marker may precede it."""
    text = completion.text
    structured = _structured(text)
    if structured is not None:
        return _chain(completion, question, (), structured[1])
    marker = _last_marker(text)
    stated = _stated(text, marker[1] if marker else 0, question)
    return _chain(completion, question, (), stated)


def read_steps(text: str) -> tuple[str, ...]:
    """The steps of a rationale, without ordinals, numbers and bullets.

    Where nothing marks a step, each line is one. What stands before the first step that is marked
    as such ("Let's think.") is none.
    """
    marks = list(_STEP.finditer(text))
    if not marks:
        parts = text.splitlines()
    else:
        parts = [text[: marks[0].start()]]
        if _ONE.match(marks[0][0]) or _BULLET.match(marks[0][0]):
            parts = []
        ends = [mark.start() for mark in marks[1:]] + [len(text)]
        parts += [text[mark.end() : end] for mark, end in zip(marks, ends, strict=True)]
    steps = (" ".join(part.split()).rstrip(" ,;") for part in parts)
    return tuple(step for step in steps if step.strip(".*_"))


def read_continuation(text: str, done: int) -> tuple[str, ...]:
    """The steps that follow those which a prompt already has.

    Args:
        text: what the model wrote after the ordinal of the next step; one that began anew with its
            first step is understood.
        done: how many steps the prompt has.
    """
    structured = _structured(text)
    if structured is not None:
        return structured[0][done:]
    marker = _last_marker(text)
    head = text[: marker[0]] if marker else text
    steps = read_steps(head)
    return steps[done:] if _ONE.match(head) else steps


def read_sentence(text: str) -> str:
    """What was asked for as one sentence: the first paragraph, without ordinal, bullet or quotes.

    A model may also write the label anew that the prompt ended with ("Verifying question:").
    """
    paragraph = " ".join(text.strip().split("\n\n", maxsplit=1)[0].split())
    if label := _LABEL.match(paragraph):
        paragraph = paragraph[label.end() :]
    if marker := _last_marker(paragraph):
        paragraph = paragraph[: marker[0]] or paragraph
    return _bare(paragraph).strip(WRAPPING)


def _last_marker(text: str) -> tuple[int, int] | None:
    """Where the last marker begins, with the words before it that lead to it, and where it ends.

    Markers after the text went on with a question of its own do not count.
    """
    found: re.Match[str] | None = None
    for marker in _MARKER.finditer(text):
        if found is not None and _RUNAWAY.search(text, found.end(), marker.start()):
            break
        found = marker
    if found is None:
        return None
    near = max(0, found.start() - _NEAR)
    before = _BEFORE_MARKER.search(text[near : found.start()])
    return near + before.start() if before else found.start(), found.end()


def _stated(text: str, begin: int, question: Question) -> _Stated | None:
    """The answer that begins there: to the end of its line, or of its sentence."""
    while begin < len(text) and text[begin] in WRAPPING + ":":
        begin += 1
    end = text.find("\n", begin)
    end = len(text) if end < 0 else end
    if question.kind != "sentence":
        sentences = split_sentences(text[begin:end])
        if sentences and text.startswith(sentences[0], begin):
            end = begin + len(sentences[0])
    around = WRAPPING if question.kind == "sentence" else WRAPPING + ".,;:"
    while end > begin and text[end - 1] in around:
        end -= 1
    return _Stated(text=text[begin:end], begin=begin, end=end) if begin < end else None


def _structured(text: str) -> tuple[tuple[str, ...], _Stated | None] | None:
    """Steps and answer of the last JSON object that has them."""
    found: tuple[tuple[str, ...], _Stated | None] | None = None
    for value, begin, end in _objects(text):
        if not ("answer" in value or "steps" in value):
            continue
        steps = value.get("steps") or ()
        if isinstance(steps, str):
            steps = read_steps(steps)
        if not isinstance(steps, (list, tuple)):
            continue
        written = [step for step in cast("list[object]", [*steps]) if isinstance(step, str)]
        bare = (_bare(" ".join(step.split())) for step in written)
        found = tuple(step for step in bare if step), _value(value, text, begin, end)
    return found


def _objects(text: str) -> Iterator[tuple[Mapping[str, object], int, int]]:
    """All JSON objects in the text, outermost ones, with where they begin and end."""
    decoder = json.JSONDecoder(strict=False)
    begin = text.find("{")
    while begin >= 0:
        try:
            value, end = decoder.raw_decode(text, begin)
        except (json.JSONDecodeError, RecursionError):
            end = begin + 1
        else:
            yield cast("Mapping[str, object]", value), begin, end
        begin = text.find("{", end)


def _value(value: Mapping[str, object], text: str, begin: int, end: int) -> _Stated | None:
    answer = value.get("answer")
    if isinstance(answer, list):
        answer = ", ".join(f"{part}" for part in cast("list[object]", answer))
    elif isinstance(answer, bool):
        answer = "yes" if answer else "no"
    elif isinstance(answer, (int, float)):
        answer = f"{answer}"
    if not isinstance(answer, str) or not answer.strip():
        return None
    key = text.find('"answer"', begin, end)
    place = text.find(answer, key + len('"answer"'), end)
    if place < 0:  # written with escapes: all that follows the key stands for it
        return _Stated(text=answer, begin=key + len('"answer"'), end=end)
    return _Stated(text=answer, begin=place, end=place + len(answer))


def _bare(step: str) -> str:
    """Without the ordinal, number or bullet that it begins with."""
    mark = _STEP.match(step)
    return step[mark.end() :] if mark else step


def _chain(
    completion: Completion, question: Question, steps: tuple[str, ...], stated: _Stated | None
) -> Chain:
    tokens = completion.logprobs
    return Chain(
        steps=steps,
        answer=normal_form(stated.text, question) if stated else "",
        text=completion.text,
        logprob=sum(token.logprob for token in tokens) / len(tokens) if tokens else None,
        answer_logprob=_sum_logprobs(completion, stated) if stated and tokens else None,
    )


def _sum_logprobs(completion: Completion, stated: _Stated) -> float | None:
    """Over the tokens that overlap the answer; None where tokens do not spell the text."""
    spelled = [token_bytes(token.text) for token in completion.logprobs]
    shift = b"".join(spelled).find(completion.text.encode())
    if shift < 0:
        return None
    begin = shift + len(completion.text[: stated.begin].encode())
    end = shift + len(completion.text[: stated.end].encode())
    total, place = 0.0, 0
    for token, raw in zip(completion.logprobs, spelled, strict=True):
        if place < end and place + len(raw) > begin:
            total += token.logprob
        place += len(raw)
    return total
