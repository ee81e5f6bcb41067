"""What came of one line."""

from __future__ import annotations

from dataclasses import dataclass

from xgen_core.lm.asker import Call
from xgen_core.records import Record
from xgen_ldp.finding import Finding

__all__ = ["Attempt", "Translation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Record):
    """One answer that was read and looked at.

    Attributes:
        text: in the target language; empty where the answer has none.
        english: on the way, for methods that go through English.
        findings: what is wrong with them; none: accepted.
        notes: verdicts that refuse nothing, such as a language that no identifier knows.
    """

    text: str
    english: str = ""
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation(Record):
    """A line's outcome: the last attempt counts, accepted or not.

    Attributes:
        id: the line's.
        attempts: one or more, in order.
        calls: all requests, in order.
    """

    id: str
    attempts: tuple[Attempt, ...]
    calls: tuple[Call, ...] = ()

    def __post_init__(self) -> None:
        if not self.attempts:
            raise ValueError(f"translation of {self.id!r} without an attempt")

    @property
    def last(self) -> Attempt:
        """The attempt that counts."""
        return self.attempts[-1]

    @property
    def text(self) -> str:
        """The translation, which may have been rejected; empty where there is none."""
        return self.last.text

    @property
    def accepted(self) -> bool:
        """Whether the last attempt was accepted."""
        return self.last.accepted
