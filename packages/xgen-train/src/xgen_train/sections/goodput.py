"""Where a run's time went: the share that was training, and the rest by cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xgen_core.report import Block, Table, Text
from xgen_train.sections.curves import Row

__all__ = ["goodput"]


def goodput(events: Sequence[Row], timings: Sequence[Row]) -> tuple[Block, ...]:
    """A table of seconds and shares, from the first start to the last event.

    Goodput is the share of that time spent on steps that stand in the result, the compilation of
    their programs included.

    Args:
        events: rows of events.jsonl.
        timings: rows of timings.jsonl, which holds the steps that stand.
    """
    starts = [row["time"] for row in events if row["event"] == "start"]
    if not starts:
        return ()
    whole = max(row["time"] for row in events) - starts[0]
    spent = {
        "steps that stand": sum(row["seconds"] for row in timings),
        "steps done again after a stop": _total(events, "lost", "seconds"),
        "held-out evaluation": _total(events, "evaluate", "seconds"),
        "waiting for checkpoints to be copied": _total(events, "save", "waited"),
        "restoring": _total(events, "restore", "seconds"),
    }
    if whole <= 0:
        return ()
    spent["starting, stopped, and everything else"] = max(0.0, whole - sum(spent.values()))
    rows = tuple((what, round(s, 1), round(100 * s / whole, 1)) for what, s in spent.items() if s)
    stops = len(starts) - 1
    rolled = sum(row["event"] == "rollback" for row in events)
    damaged = sum(row["event"] == "damaged" for row in events)
    share = 100 * spent["steps that stand"] / whole
    text = (
        f"Goodput {share:.1f} %: of {whole:,.0f} s from the first start on. Taken up again "
        f"{_times(stops)}, gone back to a checkpoint {_times(rolled)}, damaged checkpoints set "
        f"aside: {damaged}. Checkpoints are written in the background: "
        f"{_total(events, 'save', 'seconds'):.1f} s of writing."
    )
    return Text(text=text), Table(columns=("what", "seconds", "share, %"), rows=rows)


def _total(events: Sequence[Mapping[str, float | str]], event: str, name: str) -> float:
    return sum(float(row[name]) for row in events if row["event"] == event)


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
