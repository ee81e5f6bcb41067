"""A result for people at a terminal: every stage in order, citations by number."""

from __future__ import annotations

from xgen_core.report.visible import visible
from xgen_reason.citations import cite, mark, place_of, set_aside
from xgen_reason.result import Edit, Result
from xgen_reason.trace import route_text

__all__ = ["write_transcript"]


def write_transcript(result: Result) -> str:
    """The answer, the votes, each step before (`-`) and after (`+`) its edit, and the sources."""
    cited = cite(result)
    lines = [result.answer or "no answer", "", route_text(result)]
    if result.samples:
        stated = " · ".join(f"{vote.count} × {vote.answer}" for vote in result.votes)
        silent = sum(not chain.answer for chain in result.samples)
        lines.append(
            f"{len(result.samples)} samples: {stated}" + (f" · {silent} × none" if silent else "")
        )
    edits = {edit.step: edit for edit in result.edits}
    steps = max(len(result.chain.steps), *edits, 0)
    if steps:
        lines.append("")
    for number in range(1, steps + 1):
        if number in edits:
            lines += _edit_lines(edits[number], mark(cited, number))
        else:
            lines.append(f"{number:>3}.   {result.chain.steps[number - 1]}")
    if cited:
        lines += ["", "Sources"]
    for citation in cited:
        piece = citation.evidence
        lines.append(f"{f'[{citation.number}]':>5} {place_of(piece)}")
        if piece.retrieved:
            lines.append(f"      retrieved {piece.retrieved}")
        lines.append(f"      {_one_line(piece.text)}")
    aside = set_aside(result)
    if aside:
        lines += ["", "Not shown to the model, since it reads like an order"]
    for item in aside:
        place = place_of(item.evidence)
        lines.append(f"    ⚠ step {item.step}: {place}: {item.evidence.suspicious}")
        lines.append(f"      {_one_line(item.evidence.text)}")
    if result.notes:
        lines += ["", *(f"note: {note}" for note in result.notes)]
    read = sum(call.prompt_tokens for call in result.calls)
    written = sum(call.completion_tokens for call in result.calls)
    asked = sum(len(call.texts) for call in result.calls)
    lines += ["", f"{asked} calls, {read:,} tokens read, {written:,} written"]
    return visible("\n".join(lines))  # it comes from models and from the web: no control characters


def _edit_lines(edit: Edit, marks: str) -> list[str]:
    lines = [f"{edit.step:>3}. {'-' if edit.changed else ' '} {edit.before}"]
    if edit.question:
        lines.append(f"     ? {_one_line(edit.question)}")
    for found in edit.found:
        attempts = [(a.text, a.outcome) for a in found.attempts]
        if not attempts or found.failure:
            outcome = found.failure or ("found" if found.evidence else "empty")
            attempts.append((found.query.text, outcome))
        lines += [f"     > {found.source}: {_one_line(t)} ({o})" for t, o in attempts]
    if edit.changed:
        lines.append(f"     + {edit.after} {marks}".rstrip())
    elif marks:
        lines.append(f"     = confirmed by {marks}")
    if edit.reason:
        lines.append(f"     ! {edit.reason}")
    return lines


def _one_line(text: str) -> str:
    return " ".join(text.split())
