"""ReAct (Yao et al. 2023): thoughts, actions and observations in turn.

The model may search, look a word up in what it found, and finish. It chooses words, never sources:
every source of text that the run has is asked, in their order, until one finds something.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from xgen_core import InputError
from xgen_reason.answers import normal_form
from xgen_reason.chain import Chain
from xgen_reason.evidence import Evidence, Found
from xgen_reason.methods.asking import ask, question_fields
from xgen_reason.methods.lookup import held_back, one_line
from xgen_reason.question import Question
from xgen_reason.result import Edit, Result
from xgen_reason.tools import Tools

__all__ = ["ReAct"]

_ACTION = re.compile(r"\s*(\w+)\s*\[(.*?)\]?\s*$", re.DOTALL)
_STEPS, _LABEL_STEPS = 7, 5
"""HotpotQA and FEVER in the paper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReAct:
    """Search[…], Lookup[…] and Finish[…] over the sources of text, greedily.

    `edits` of its results hold what each search found, beside the thought that led to it; no step
    is edited. A chain that does not finish in time answers nothing.

    Attributes:
        max_steps: thoughts at most; None is 7, and 5 for questions that are answered by a label.
        shown: pieces of evidence that a search shows, as many as the paper shows sentences.
        kept: pieces that Lookup goes through.
    """

    max_steps: int | None = None
    shown: int = 5
    kept: int = 20

    name: ClassVar[str] = "react"
    needs_sources: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.max_steps is not None and self.max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, got {self.max_steps}")
        if not 1 <= self.shown <= self.kept:
            raise ValueError(f"shown lies between 1 and kept = {self.kept}, got {self.shown}")

    async def solve(self, question: Question, tools: Tools) -> Result:
        """Answer; see `Method.solve`."""
        names = [name for name, source in tools.sources.items() if source.language == "text"]
        if not names:
            raise InputError("react searches text: give it a source of text")
        limit = self.max_steps or (_LABEL_STEPS if question.kind == "label" else _STEPS)
        episode = _Episode(shown=self.shown)
        answer, bad_calls = "", 0
        for number in range(1, limit + 1):
            thought, action, bad = await self._think(question, tools, episode.trace, number)
            bad_calls += bad
            episode.thoughts.append(thought)
            kind, argument = _parse(action)
            if kind == "finish":
                answer = normal_form(argument, question)
                if not answer:
                    episode.note(f"{argument!r:.60} is no answer to this question")
                break
            if kind == "search":
                seen = episode.search(argument, await self._find(question, tools, argument, names))
            elif kind == "lookup":
                seen = episode.look_up(argument)
            else:
                seen = "Invalid action. Search[…], Lookup[…] and Finish[…] are known."
            episode.observe(action, seen)
        else:
            episode.notes.append(f"not finished after {limit} steps")
        return Result(
            id=question.id,
            method=self.name,
            answer=answer,
            first=answer,
            route="direct" if answer else "abstained",
            chain=Chain(steps=tuple(episode.thoughts), answer=answer, text=episode.trace),
            edits=tuple(episode.edits),
            calls=tools.asker.calls,
            notes=tuple(episode.notes),
            details={"steps": len(episode.thoughts), "bad_calls": bad_calls},
        )

    async def _think(
        self, question: Question, tools: Tools, trace: str, number: int
    ) -> tuple[str, str, bool]:
        """Thought, action, and whether the action had to be asked for by itself."""
        fields = question_fields(question)
        more = f"{trace}Thought {number}:"
        stop = (f"\nObservation {number}:",)
        made = await ask(tools, "react", fields, more=more, step=number, stop=stop)
        thought, found, action = made[0].text.strip().partition(f"\nAction {number}:")
        thought = " ".join(thought.split())
        if found and action.strip():
            return thought, action.strip().split("\n")[0], False
        thought = made[0].text.strip().split("\n")[0].strip()
        more = f"{more} {thought}\nAction {number}:"
        made = await ask(
            tools, "react", fields, called="action", more=more, step=number, stop=("\n",)
        )
        return thought, made[0].text.strip().split("\n")[0], True

    async def _find(
        self, question: Question, tools: Tools, text: str, names: list[str]
    ) -> tuple[Found, ...]:
        """What sources found, up to the first that found something."""
        found: list[Found] = []
        for name in names if text.strip() else ():
            found.append(await tools.search(question, text, name, limit=self.kept))
            if any(not piece.suspicious for piece in found[-1].evidence):
                break
        return tuple(found)


class _Episode:
    """What was thought, done and observed so far.

    Attributes:
        trace: as the prompt goes on with it.
        thoughts: one for each step.
        edits: one for each search.
        notes: for the reader of the result.
    """

    def __init__(self, *, shown: int) -> None:
        self.trace = ""
        self.thoughts: list[str] = []
        self.edits: list[Edit] = []
        self.notes: list[str] = []
        self._shown = shown
        self._pieces: list[Evidence] = []  # of the last search, with how far Lookup has come
        self._keyword, self._place = "", 0

    def note(self, text: str) -> None:
        """Say something of the last step."""
        self.notes.append(f"step {len(self.thoughts)}: {text}")

    def observe(self, action: str, seen: str) -> None:
        """Write the last step into the trace."""
        number = len(self.thoughts)
        self.trace += (
            f"Thought {number}: {self.thoughts[-1]}\n"
            f"Action {number}: {action}\n"
            f"Observation {number}: {seen}\n"
        )

    def search(self, text: str, found: tuple[Found, ...]) -> str:
        """Keep what was found; what is shown of it."""
        number, thought = len(self.thoughts), self.thoughts[-1]
        places = [
            (i, j)
            for i, source in enumerate(found)
            for j, piece in enumerate(source.evidence)
            if not piece.suspicious
        ]
        self.notes += [
            held_back(number, piece)
            for source in found
            for piece in source.evidence
            if piece.suspicious
        ]
        self.edits.append(
            Edit(
                step=number,
                before=thought,
                after=thought,
                question=text,
                found=found,
                used=tuple(places[: self._shown]),
                reason="searched, not edited",
            )
        )
        self._pieces, self._keyword = [found[i].evidence[j] for i, j in places], ""
        if not self._pieces:
            failed = [f" ({source.source}: {source.failure})" for source in found if source.failure]
            return f"Could not find {text}.{''.join(failed)}"
        return " ".join(map(one_line, self._pieces[: self._shown]))

    def look_up(self, keyword: str) -> str:
        """The next piece that has the word."""
        if keyword.lower() != self._keyword:
            self._keyword, self._place = keyword.lower(), 0
        hits = [piece for piece in self._pieces if self._keyword in piece.text.lower()]
        if not self._keyword or self._place >= len(hits):
            return "No more results."
        self._place += 1
        return f"(Result {self._place} / {len(hits)}) {one_line(hits[self._place - 1])}"


def _parse(action: str) -> tuple[str, str]:
    match = _ACTION.match(action)
    return (match[1].lower(), " ".join(match[2].split())) if match else ("", "")
