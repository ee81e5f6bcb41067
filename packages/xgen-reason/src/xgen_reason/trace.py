"""One question on the report page: samples and votes, each step and what it rests on, each call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xgen_core.lm import Prices
from xgen_core.lm.asker import CallTimes
from xgen_core.records import Scalar
from xgen_core.report import Diff, Item, Table, Text
from xgen_core.report.calls import calls_table, filled_table
from xgen_reason.citations import Citation, cite, mark
from xgen_reason.evidence import Evidence, Found
from xgen_reason.question import Question
from xgen_reason.result import Edit, Result, Vote

__all__ = ["before_and_after", "route_text", "trace_item"]

_ROUTES = {
    "direct": "asked once, without a gate",
    "certain": "certain: the samples agree, so nothing was looked up",
    "edited": "uncertain: its steps were verified and edited",
    "fallback": "the first method of the pair gave up, and the second answered",
    "abstained": "abstained: no sample states an answer",
}


def route_text(result: Result) -> str:
    """How the answer came about, in words, with the votes where there were any."""
    text = _ROUTES[result.route]
    if result.votes and result.samples:
        most = result.votes[0]
        agree = f"{most.count} of {len(result.samples)} samples say {most.answer!r}"
        return f"{text} ({agree})"
    return text


def before_and_after(result: Result) -> list[tuple[str, str]]:
    """The steps of the final chain, each as it was before its edit and as it is."""
    edits = {edit.step: edit for edit in result.edits}
    pairs = [
        (edits[number].before, edits[number].after) if number in edits else (step, step)
        for number, step in enumerate(result.chain.steps, 1)
    ]
    # a chain that lost steps (an edit emptied them) still shows what was looked at
    beyond = [edit for edit in result.edits if edit.step > len(result.chain.steps)]
    return [*pairs, *((edit.before, edit.after) for edit in beyond)]


def trace_item(
    question: Question,
    result: Result,
    *,
    title: str,
    times: CallTimes,
    prices: Prices | None = None,
) -> Item:
    """All that a reader needs to follow one question.

    Args:
        question: that was asked.
        result: what came of it.
        title: of the item.
        times: of the calls.
        prices: for the cost of each call; without them there is no column for it.
    """
    cited = cite(result)
    blocks: list[Text | Table | Diff] = []
    if result.samples:
        blocks.append(_samples(result))
    for edit in result.edits:
        blocks += _step(edit, cited)
    if result.edits and result.answer != result.first:
        blocks.append(Text(text="Answer"))
        blocks.append(Diff(before=result.first, after=result.answer or "none stated"))
    blocks.append(calls_table(result.calls, times=times, prices=prices))
    return Item(title=title, fields=_fields(question, result), blocks=tuple(blocks))


def _fields(question: Question, result: Result) -> Mapping[str, str]:
    fields = {"question": question.full, "answer": result.answer or "none stated"}
    if question.golds:
        fields["right answers"] = "\n".join(question.golds)
    fields["route"] = route_text(result)
    if result.confidence is not None:
        fields["route"] += f"; confidence {result.confidence:.4f}"
    if result.chain.steps:
        steps = [after for _, after in before_and_after(result)]
        fields["chain, as it is now"] = "\n".join(f"{n}. {step}" for n, step in enumerate(steps, 1))
    if result.domains:
        fields["domains"] = ", ".join(result.domains)
    if result.details:
        fields["details"] = ", ".join(f"{name} {value}" for name, value in result.details.items())
    if result.notes:
        fields["notes"] = "\n".join(result.notes)
    return fields


def _samples(result: Result) -> Table:
    votes: dict[int, Vote] = {place: v for v in result.votes for place in v.members}
    rows: list[tuple[Scalar, ...]] = []
    for place, chain in enumerate(result.samples):
        vote = votes.get(place)
        rows.append(
            (
                place + 1,
                chain.answer or "states none",
                vote.count if vote else None,
                chain.logprob,
                chain.text.strip(),
            )
        )
    return filled_table(
        ("sample", "answer", "votes", "mean log-prob.", "chain"),
        rows,
        "The samples, and how many of them agree with each.",
    )


def _step(edit: Edit, cited: tuple[Citation, ...]) -> Iterable[Text | Table | Diff]:
    marks = mark(cited, edit.step)
    became = "edited" if edit.changed else "kept"
    became += f", resting on {marks}" if marks else ""
    became += f": {edit.reason}" if edit.reason else ""
    yield Text(text=f"Step {edit.step}, {became}" + f"\n{edit.question}" * bool(edit.question))
    if edit.changed:
        yield Diff(before=edit.before, after=edit.after)
    attempts = [row for found in edit.found for row in _attempts(found)]
    if attempts:
        yield filled_table(("source", "language", "query", "outcome"), attempts, "What was asked.")
    pieces = [
        _piece(evidence, (source, place) in edit.used, cited)
        for source, found in enumerate(edit.found)
        for place, evidence in enumerate(found.evidence)
    ]
    if pieces:
        columns = ("", "source", "where", "score", "text", "retrieved", "mark")
        yield filled_table(
            columns, pieces, "What was found; numbered pieces were shown to the model."
        )


def _attempts(found: Found) -> list[tuple[Scalar, ...]]:
    language = found.query.language
    rows: list[tuple[Scalar, ...]] = [
        (found.source, language, attempt.text, attempt.outcome) for attempt in found.attempts
    ]
    if not rows:
        outcome = found.failure or ("found" if found.evidence else "empty")
        rows.append((found.source, language, found.query.text, outcome))
    elif found.failure:
        rows.append((found.source, language, "", found.failure))
    return rows


def _piece(evidence: Evidence, used: bool, cited: tuple[Citation, ...]) -> tuple[Scalar, ...]:
    key = (evidence.source, evidence.locator, evidence.text)
    numbers = [
        c.number for c in cited if key == (c.evidence.source, c.evidence.locator, c.evidence.text)
    ]
    return (
        f"[{numbers[0]}]" if used and numbers else "",
        evidence.source,
        "\n".join(dict.fromkeys(part for part in (evidence.title, evidence.locator) if part)),
        evidence.score,
        evidence.text,
        evidence.retrieved,
        f"⚠ not shown: {evidence.suspicious}" if evidence.suspicious else "",
    )
