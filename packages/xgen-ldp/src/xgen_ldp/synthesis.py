"""From harvested lines and their English to examples that a model is tuned on.

pairs.jsonl      each pair that was taken: the natural line, and the English that a model wrote
rejected.jsonl   each line that was not, with the reason
examples.jsonl   `Example`s of both directions, which `xgen train sft` reads
counts.json      how many, and what became of the others
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Literal

from xgen_core import Example, InputError, Message
from xgen_core.concurrency import Failure
from xgen_core.files import write_json, write_jsonl
from xgen_core.records import Record
from xgen_core.report import Section, Table
from xgen_ldp.exemplars import Side
from xgen_ldp.finding import REASONS, Finding
from xgen_ldp.harvest import KEPT, Harvest
from xgen_ldp.languages import ENGLISH, Language
from xgen_ldp.line import Line
from xgen_ldp.methods.zero_shot import INSTRUCTION
from xgen_ldp.outcome import Outcome
from xgen_ldp.prompts import Layout
from xgen_ldp.translation import Translation

__all__ = ["WAYS", "Pair", "Synthesis", "Way", "check_template", "pairs_section", "synthesize"]

_FIELDS = ("source", "target", "text")
Way = Literal["into", "from"]
"""The language into English; English into the language."""

WAYS: tuple[Way, ...] = ("into", "from")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair(Record):
    """A natural line and a synthetic one.

    Attributes:
        id: of the line.
        language: of the line.
        text: by people.
        english: by the model.
        model: who wrote that.
        method: by which it was asked.
        prompt_sha256: of the prompt that was answered with it.
        ratio: characters of the English for each of the line.
    """

    id: str
    language: Language
    text: str
    english: str
    model: str
    method: str
    prompt_sha256: str
    ratio: float

    def example(self, way: Way, template: str = "") -> Example:
        """The pair as one to learn from; the loss falls on what would be the translation.

        Args:
            way: of the translation.
            template: what the user says, with `{source}`, `{target}` and `{text}`; empty: what the
                method `zero-shot` would ask, so that it may ask the tuned model.
        """
        sides = ((self.language, self.text), (ENGLISH, self.english))
        (source, asked), (target, answer) = sides if way == "into" else sides[::-1]
        direction = f"{source.code}-{target.code}"
        if template:
            told = template.format(source=source.name, target=target.name, text=asked)
        else:
            instruction = INSTRUCTION.format(source=source.name, target=target.name)
            given = Side(language=source, text=asked)
            told = Layout(instruction=instruction).render([], [given], [target])
        return Example(
            id=f"{self.id}:{way}",
            messages=(
                Message(role="user", content=told),
                Message(role="assistant", content=answer, trained=True),
            ),
            task=direction,
            metadata={
                "ldp.origin": "synthetic",
                "ldp.synthetic_side": ENGLISH.code,
                "ldp.direction": direction,
                "ldp.line": self.id,
                "ldp.model": self.model,
                "ldp.method": self.method,
                "ldp.prompt_sha256": self.prompt_sha256,
                "ldp.length_ratio": self.ratio,
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthesis:
    """What came of the lines.

    Attributes:
        pairs: that were taken, in the lines' order.
        rejected: by line id, the reasons that it was not, or the failure.
        counts: how many of each.
    """

    pairs: tuple[Pair, ...]
    rejected: Mapping[str, tuple[Finding, ...] | Failure]
    counts: Mapping[str, int] = field(default_factory=dict[str, int])

    def examples(self, ways: Collection[Way], template: str = "") -> Iterator[Example]:
        """Each pair in each way, side by side."""
        for pair in self.pairs:
            for way in WAYS:
                if way in ways:
                    yield pair.example(way, template)

    def write(
        self, directory: Path, ways: Collection[Way], template: str = ""
    ) -> Mapping[str, int]:
        """Write the four files; returns the counts.

        Raises:
            InputError: no pair was taken.
        """
        if not self.pairs:
            why = ", ".join(f"{count} {reason}" for reason, count in self.counts.items())
            raise InputError(f"no pair was taken: {why or 'there are no lines'}")
        write_jsonl(directory / "pairs.jsonl", (pair.to_json() for pair in self.pairs))
        write_jsonl(
            directory / "rejected.jsonl",
            ({"id": line, **_why(found)} for line, found in self.rejected.items()),
        )
        examples = write_jsonl(
            directory / "examples.jsonl",
            (example.to_json() for example in self.examples(ways, template)),
        )
        counts = {**self.counts, "examples": examples}
        write_json(directory / "counts.json", counts)
        return counts


def synthesize(outcome: Outcome, *, model: str, read: Harvest | None = None) -> Synthesis:
    """Take the pairs in which nothing is wrong, and of those with the same English the first.

    Args:
        outcome: lines of a language, translated into English.
        model: identity of the one that translated.
        read: where the lines come from, for the counts.
    """
    pairs: list[Pair] = []
    rejected: dict[str, tuple[Finding, ...] | Failure] = {}
    seen: dict[str, str] = {}
    for line, made in outcome.rows:
        if isinstance(made, Failure):
            rejected[line.id] = made
            continue
        findings = made.last.findings
        key = made.text.casefold()
        if not findings and key in seen:
            detail = f"as of {seen[key]}"
            findings = (Finding(reason="duplicate", language=ENGLISH.code, detail=detail),)
        if findings:
            rejected[line.id] = findings
            continue
        seen[key] = line.id
        pairs.append(_pair(line, made, outcome, model))
    return Synthesis(pairs=tuple(pairs), rejected=rejected, counts=_counts(pairs, rejected, read))


def pairs_section(made: Synthesis, read: Harvest) -> Section:
    """What was left out of the file, what was rejected, and how many pairs there are."""
    rows = tuple(made.counts.items())
    return Section(
        title="Pairs",
        summary=f"{len(made.pairs):,} pairs of the {made.counts['lines']:,} lines that were "
        f"translated; {read.read:,} lines were read.",
        blocks=(read.table(), Table(columns=("what", "count"), rows=rows)),
    )


def check_template(template: str) -> str:
    """The template, if it is one.

    Raises:
        InputError: it does not hold `{text}`, or braces around anything but `{source}`, `{target}`
            and `{text}`.
    """
    try:
        names = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise InputError(f"--template {template!r}: {error}") from error
    if "text" not in names or set(names) - set(_FIELDS):
        raise InputError(
            f"--template {template!r}: expected {{text}} in it, and {{source}} and {{target}} "
            "if you like; other braces are doubled"
        )
    return template


def _pair(line: Line, made: Translation, outcome: Outcome, model: str) -> Pair:
    prompt = made.calls[-1].prompt if made.calls else ""
    return Pair(
        id=line.id,
        language=outcome.direction.source,
        text=line.text,
        english=made.text,
        model=model,
        method=outcome.system,
        prompt_sha256=hashlib.sha256(prompt.encode("utf-8", errors="replace")).hexdigest(),
        ratio=round(len(made.text) / len(line.text), 4),
    )


def _counts(
    pairs: Sequence[Pair],
    rejected: Mapping[str, tuple[Finding, ...] | Failure],
    read: Harvest | None,
) -> dict[str, int]:
    left_out: dict[str, int] = {}
    if read is not None:
        left_out = {f"left out: {fate}": n for fate, n in read.counts.items() if fate not in KEPT}
        left_out = {"read": read.read, **left_out}
    reasons = Counter(
        f"failed: {found.kind}" if isinstance(found, Failure) else f"rejected: {found[0].reason}"
        for found in rejected.values()
    )
    ordered = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    lines = len(pairs) + len(rejected)
    return {**left_out, "lines": lines, **dict(ordered), "pairs": len(pairs)}


def _why(found: tuple[Finding, ...] | Failure) -> dict[str, object]:
    if isinstance(found, Failure):
        return {"failed": f"{found.kind}: {found.reason}"}
    return {"rejected": [{**one.to_json(), "words": REASONS[one.reason]} for one in found]}
