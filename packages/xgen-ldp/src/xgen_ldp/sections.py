"""What a run shows on the report page, beside its scores: preparations, every line, calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from xgen_core.concurrency import Failure
from xgen_core.lm import Prices
from xgen_core.lm.asker import CallTimes
from xgen_core.records import Scalar
from xgen_core.report import Diff, Item, Items, Section, Table, Text
from xgen_core.report.calls import calls_section, calls_table, filled_table
from xgen_eval.metrics.translation import chrf
from xgen_ldp.evaluation import score_sections
from xgen_ldp.exemplars import Exemplar
from xgen_ldp.finding import REASONS, Finding
from xgen_ldp.line import Direction, Line
from xgen_ldp.methods import Candidate, Preparation
from xgen_ldp.outcome import Outcome
from xgen_ldp.results import RunResults
from xgen_ldp.translation import Attempt, Translation

__all__ = ["MOST_ITEMS", "MOST_LINES", "run_sections"]

MOST_LINES = 200
"""Of a direction on the page; all of them are in `items/`."""

MOST_ITEMS = 1000
"""Lines of all directions on the page; each has at least `_FEWEST`."""

_FEWEST = 20
_MOST_CANDIDATES = 100
_SIDES = ("languages", "given", "written")

_Made = tuple[str, Translation | Failure]


def run_sections(
    results: RunResults,
    outcomes: Sequence[Outcome],
    *,
    times: CallTimes,
    prices: Prices | None = None,
) -> Iterator[tuple[str, Section]]:
    """The sections by name, in the page's order.

    Args:
        results: the run's figures.
        outcomes: of every arm.
        times: of the calls.
        prices: for their cost.
    """
    for number, section in enumerate(score_sections(results.scores)):
        yield f"10-scores-{number}", section
    yield "20-work", work_section(results)
    directions = list(dict.fromkeys(outcome.direction for outcome in outcomes))
    most = min(MOST_LINES, max(_FEWEST, MOST_ITEMS // len(directions)))
    for number, direction in enumerate(directions):
        of_it = [outcome for outcome in outcomes if outcome.direction == direction]
        section = preparation_section(direction, of_it)
        if section is not None:
            yield f"30-direction-{number:03}-preparation", section
        lines = lines_section(direction, of_it, most=most, times=times, prices=prices)
        yield f"30-direction-{number:03}-translations", lines
    calls = [call for outcome in outcomes for call in outcome.calls()]
    yield "40-calls", calls_section(calls, times=times, prices=prices)


def work_section(results: RunResults) -> Section:
    """What each system took in each direction, what failed, and which candidates were refused."""
    rows: list[tuple[Scalar, ...]] = []
    reasons: list[tuple[Scalar, ...]] = []
    for arm in results.arms:
        where = (arm.direction, arm.system)
        used = (arm.calls, arm.prompt_tokens, arm.completion_tokens, arm.cost)
        rows.append((*where, arm.exemplars, arm.candidates, *used))
        told = [(f"failed: {reason}", count) for reason, count in arm.failed.items()]
        told += [(f"candidate refused: {REASONS[r]}", n) for r, n in arm.refused.items()]
        reasons += [(*where, *pair) for pair in told]
    columns = ("direction", "system", "exemplars", "candidates", "calls")
    blocks: list[Table | Text] = [
        filled_table(
            (*columns, "tokens read", "tokens written", "cost"),
            rows,
            "Calls of the preparation count too; one that several systems share counts for each.",
        )
    ]
    if reasons:
        caption = "The same command tries again what failed."
        columns = ("direction", "system", "what went wrong", "count")
        blocks.append(Table(columns=columns, rows=tuple(reasons), caption=caption))
    blocks += [Text(text=note) for note in results.notes]
    return Section(title="Work", summary="What the model was asked for.", blocks=tuple(blocks))


def preparation_section(direction: Direction, outcomes: Sequence[Outcome]) -> Section | None:
    """Exemplars with where they come from, and candidates; None where no system has any."""
    exemplars: list[tuple[str, Exemplar]] = []
    candidates: list[tuple[str, Candidate]] = []
    blocks: list[Text | Table] = []
    for outcome in outcomes:
        if isinstance(outcome.preparation, Failure):
            blocks.append(Text(text=f"{outcome.system}: {outcome.preparation.reason}"))
            continue
        for name, step in _steps(outcome.system, outcome.preparation):
            exemplars += [(name, exemplar) for exemplar in step.exemplars]
            candidates += [(name, candidate) for candidate in step.candidates]
            blocks += [Text(text=f"{name}: {note}") for note in step.notes]
    if exemplars:
        blocks.append(_exemplar_table(exemplars))
    if candidates:
        blocks.append(_candidate_table(candidates))
    if not blocks:
        return None
    title = f"{_arrow(direction)}: what the prompts hold"
    summary = "No line that is tested, and no reference of one, may stand in a prompt."
    return Section(title=title, summary=summary, blocks=tuple(blocks))


def _exemplar_table(exemplars: Sequence[tuple[str, Exemplar]]) -> Table:
    makers: dict[tuple[str, str], None] = dict.fromkeys(
        (exemplar.origin, exemplar.maker) for _, exemplar in exemplars if exemplar.maker
    )
    made = "".join(f" {origin.capitalize()} ones: {maker}." for origin, maker in makers)
    return filled_table(
        ("system", "line", "origin", *_SIDES),
        [(name, one.id, one.origin, *_side_cells(one)) for name, one in exemplars],
        f"Exemplars, in the order in which they stand in every prompt.{made}",
    )


def _candidate_table(candidates: Sequence[tuple[str, Candidate]]) -> Table:
    rows: list[tuple[Scalar, ...]] = []
    for name, one in candidates[:_MOST_CANDIDATES]:
        verdict = _found(one.findings) or ("chosen" if one.chosen else "accepted, not chosen")
        sides = _side_cells(one.exemplar) if one.exemplar else ("", "", "")
        rows.append((name, one.id, verdict, one.score, *sides))
    some = f"The first {len(rows)} of {len(candidates)}" if len(rows) < len(candidates) else "All"
    return filled_table(
        ("system", "line", "verdict", "score", *_SIDES),
        rows,
        f"{some} candidates for synthetic exemplars; those in preparations/ are complete.",
    )


def _side_cells(exemplar: Exemplar) -> tuple[str, str, str]:
    languages = " → ".join(side.language.name for side in exemplar.sides)
    given = "\n".join(side.text for side in exemplar.sides[:-1])
    return languages, given, exemplar.output.text


def lines_section(
    direction: Direction,
    outcomes: Sequence[Outcome],
    *,
    most: int,
    times: CallTimes,
    prices: Prices | None = None,
) -> Section:
    """A browser through the lines of a direction, each with what every system made of it.

    Args:
        direction: of all outcomes.
        outcomes: one a system, of the same lines.
        most: lines on the page.
        times: of the calls.
        prices: for their cost.
    """
    scores = {outcome.system: _scores(outcome, most) for outcome in outcomes}
    lines = [line for line, _ in outcomes[0].rows]
    items = tuple(
        _item(
            line,
            [(outcome.system, outcome.rows[place][1]) for outcome in outcomes],
            {system: of[place] for system, of in scores.items() if place in of},
            times,
            prices,
        )
        for place, line in enumerate(lines[:most])
    )
    some = f"The first {len(items)} of {len(lines)}" if len(items) < len(lines) else "All"
    caption = f"{some} lines; every translation as it was stored is in items/."
    if any(scores.values()):
        caption += " chrF++ of a single line says little: compare systems by their scores."
    return Section(
        title=f"{_arrow(direction)}: line by line",
        summary="Each line with its reference, what every system made of it, what was found wrong, "
        "and each request to the model with its prompt.",
        blocks=(Items(items=items, caption=caption),),
    )


def _arrow(direction: Direction) -> str:
    return f"{direction.source.name} → {direction.target.name}"


def _steps(name: str, preparation: Preparation) -> Iterator[tuple[str, Preparation]]:
    """A preparation and those that it rests on, deepest first."""
    for step, inner in preparation.steps.items():
        yield from _steps(f"{name}, {step}", inner)
    yield name, preparation


def _found(findings: Sequence[Finding]) -> str:
    return "\n".join(
        REASONS[finding.reason] + (f" ({finding.detail})" if finding.detail else "")
        for finding in findings
    )


def _scores(outcome: Outcome, most: int) -> Mapping[int, float]:
    """chrF++ of single lines, by place; only of those with a reference and a translation."""
    found = [
        (place, made.text, line.reference)
        for place, (line, made) in enumerate(outcome.rows[:most])
        if isinstance(made, Translation) and line.reference
    ]
    if not found:
        return {}
    corpus = chrf([text for _, text, _ in found], [[reference] for _, _, reference in found])
    return {place: corpus.of([number]) for number, (place, _, _) in enumerate(found)}


def _item(
    line: Line,
    made: Sequence[_Made],
    scores: Mapping[str, float],
    times: CallTimes,
    prices: Prices | None,
) -> Item:
    fields = {"source": line.text}
    if line.reference is not None:
        fields["reference"] = line.reference
    wrong = [system for system, one in made if isinstance(one, Failure) or not one.accepted]
    title = f"{line.id}  not accepted: {', '.join(wrong)}" if wrong else line.id
    rows = [row for system, one in made for row in _rows(system, one, scores.get(system))]
    columns = ("system", "translation", "English on the way", "verdict", "notes", "chrF++")
    caption = "Attempts in order; the last of each system counts."
    blocks: list[Text | Table | Diff] = [filled_table(columns, rows, caption)]
    for system, one in made:
        if isinstance(one, Translation) and one.calls:
            table = calls_table(one.calls, times=times, prices=prices)
            blocks.append(replace(table, caption=f"{system}: {table.caption}"))
            blocks += _prompts(system, one)
    return Item(title=title, fields=fields, blocks=tuple(blocks))


def _rows(
    system: str, made: Translation | Failure, score: float | None
) -> Iterable[tuple[Scalar, ...]]:
    if isinstance(made, Failure):
        yield system, "", "", f"failed: {made.kind}: {made.reason}", "", None
        return
    for attempt in made.attempts:
        last = attempt is made.last
        yield (system, *_attempt_cells(attempt), score if last else None)


def _attempt_cells(attempt: Attempt) -> tuple[str, str, str, str]:
    verdict = "accepted" if attempt.accepted else f"rejected: {_found(attempt.findings)}"
    return attempt.text, attempt.english, verdict, "\n".join(attempt.notes)


def _prompts(system: str, made: Translation) -> Iterator[Text]:
    for number, call in enumerate(made.calls, 1):
        which = f"{system}: the whole prompt" + (f" {number}" if len(made.calls) > 1 else "")
        yield Text(summary=f"{which} ({call.stage})", text=call.prompt)
