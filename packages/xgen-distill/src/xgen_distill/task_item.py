"""One task on the report page: its tests, each attempt and what was made of it, rows, requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from xgen_core.lm.asker import Call, CallTimes
from xgen_core.records import Scalar
from xgen_core.report import Diff, Item, Table, Text
from xgen_distill.attempt import Attempt, Refinement
from xgen_distill.sets import SETS, Rejection, Row
from xgen_distill.task import Task
from xgen_distill.task_record import TaskRecord
from xgen_eval.execution import Verdict

__all__ = ["outcome_of", "task_item"]

_Blocks = list[Text | Table | Diff]


def outcome_of(record: TaskRecord) -> str:
    """What became of a task, in a word or two that a reader can search for.

    Of several attempts the one that gives most to learn from counts: `"repaired"`, then
    `"not repaired"`, `"solved"`, `"no program"`.
    """
    if record.gold is not None and record.gold.reason:
        return f"left out: {record.gold.reason}"
    if any(refinement.chosen for refinement in record.refinements):
        return "repaired"
    failed = [attempt for attempt in record.attempts if attempt.failed]
    if failed:
        reasons = dict.fromkeys(refinement.reason for refinement in record.refinements)
        return f"not repaired: {', '.join(filter(None, reasons)) or 'no refinement'}"
    if any(attempt.passed for attempt in record.attempts):
        return "solved"
    if record.attempts:
        return f"no program: {', '.join(dict.fromkeys(a.reason for a in record.attempts))}"
    return "unanswered" if record.failures else "not tried"


def task_item(record: TaskRecord, *, times: CallTimes) -> Item:
    """All that a reader needs to follow one task from its statement to its rows.

    Args:
        record: of the task.
        times: of the calls.
    """
    blocks: _Blocks = [_tests(record.task)] if record.task.tests else []
    for attempt in record.attempts:
        own = [r for r in record.refinements if r.attempt == attempt.id]
        blocks += _attempt(attempt, own)
    blocks += [_row(row, names) for row, names in record.rows]
    blocks += [_request(call, times) for call in record.calls]
    return Item(
        title=f"{record.task.id}  {outcome_of(record)}",
        fields=_fields(record),
        blocks=tuple(blocks),
    )


def _fields(record: TaskRecord) -> dict[str, str]:
    task = record.task
    fields = {"task": task.instruction.strip(), "header": task.header.strip()}
    if task.gold:
        checked = record.gold.verdict if record.gold else None
        verdict = f": {_verdict(checked)}" if checked else ""
        fields[f"direct solution{verdict}"] = task.gold.strip()
    homes = Counter(name for _, names in record.rows for name in names)
    fields["sets"] = ", ".join(f"{name} {homes[name]}" for name in SETS if homes[name]) or "none"
    if record.rejections:
        fields["became no row"] = "\n".join(_rejected(one) for one in record.rejections)
    if record.failures:
        fields["without an answer"] = "\n".join(record.failures)
    return fields


def _rejected(one: Rejection) -> str:
    what = f"the repair of {one.attempt}" if one.attempt else "the direct solution"
    return f"{what}: {one.reason}" + (f", {one.detail}" if one.detail else "")


def _verdict(verdict: Verdict) -> str:
    return verdict.outcome if verdict.passed else f"{verdict.outcome}: {verdict.detail}"


def _tests(task: Task) -> Table:
    shown, hidden = set(task.shown), set(task.hidden)
    rows: list[tuple[Scalar, ...]] = []
    for test in task.tests:
        kind = "shown" if test in shown else "hidden"
        rows.append((test.source, "shown, decides" if test in shown & hidden else kind))
    caption = "Tests: models may be told of those that are shown; "
    caption += "those that are hidden decide." if task.complete else "all of them decide."
    return Table(columns=("test", "kind"), rows=tuple(rows), caption=caption)


def _attempt(attempt: Attempt, refinements: Sequence[Refinement]) -> Iterable[Text | Table | Diff]:
    said = f"Attempt {attempt.id}: "
    if attempt.passed:
        yield Text(text=f"{said}passed")
        yield Text(summary="the program", text=attempt.program)
    elif not attempt.failed:
        yield Text(text=f"{said}{attempt.reason or 'not run'}")
        if attempt.completion.strip():
            yield Text(summary="what the student wrote", text=attempt.completion)
    else:
        assert attempt.feedback is not None
        yield Text(text=f"{said}failed\n{attempt.feedback.text}")
        if not any(refinement.program for refinement in refinements):
            yield Text(summary="the program", text=attempt.program)
    for refinement in refinements:
        yield from _refinement(attempt, refinement)


def _refinement(attempt: Attempt, refinement: Refinement) -> Iterable[Text | Table | Diff]:
    became = "chosen" if refinement.chosen else refinement.reason or "passes, another is closer"
    if refinement.verdict is not None and not refinement.verdict.passed:
        became += f", {_verdict(refinement.verdict)}"
    like = ", ".join(f"{name} {value:.2f}" for name, value in refinement.similarity.items())
    like = f"; like the attempt: {like}" if like else ""
    if refinement.program:
        caption = f"Refinement {refinement.id}, attempt before and repair after: {became}{like}"
        before, after = attempt.program.rstrip(), refinement.program.rstrip()
        yield Diff(before=before, after=after, caption=caption)
    else:
        yield Text(text=f"Refinement {refinement.id}: {became}")
    yield Text(summary="the teacher's reply", text=refinement.reply or "(empty)")


def _row(row: Row, names: Sequence[str]) -> Text:
    lines = row.completion.count("\n")
    end = "last line is" if lines == 1 else f"last {lines} lines are"
    changed = f"; changed: {'; '.join(row.repaired)}" if row.repaired else ""
    summary = f"row {row.id} of {', '.join(names)}: its {end} the completion{changed}"
    return Text(summary=summary, text=f"{row.prompt}{row.completion}")


def _request(call: Call, times: CallTimes) -> Text:
    took = times.of(call)
    counts = f"{call.prompt_tokens:,} tokens read, {call.completion_tokens:,} written"
    counts += "" if took is None else f", {took:.2f} s"
    return Text(summary=f"request, {call.stage}: {counts}", text=call.prompt)
