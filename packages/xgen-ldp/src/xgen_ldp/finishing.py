"""What a run writes when every line has been tried: plain texts, figures, the page's sections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from xgen_core import Run
from xgen_core.files import write_text
from xgen_core.lm import Prices
from xgen_core.lm.asker import CallTimes
from xgen_ldp.evaluation import Scoring
from xgen_ldp.outcome import Outcome
from xgen_ldp.results import RunResults
from xgen_ldp.sections import run_sections
from xgen_ldp.translation import Translation

__all__ = ["finish"]


def finish(
    run: Run,
    outcomes: Sequence[Outcome],
    *,
    scoring: Scoring | None,
    times: CallTimes,
    prices: Prices | None,
    notes: Sequence[str],
) -> RunResults:
    """Write what the outcomes come to; see `xgen_ldp.runs` for the files.

    Raises:
        InputError: no such tokenizer, or no such SentencePiece file.
        MissingExtraError: what scoring needs is not installed.
    """
    _write_texts(run.directory, outcomes)
    results = RunResults.of(outcomes, scoring=scoring, prices=prices, notes=notes)
    for name, section in run_sections(results, outcomes, times=times, prices=prices):
        run.write_section(name, section)
    results.write(run.directory / "results.json")
    return results


def _write_texts(directory: Path, outcomes: Sequence[Outcome]) -> None:
    """Plain text that any scorer takes, a line a line; one without an answer is empty."""
    ids = dict.fromkeys(line.id for outcome in outcomes for line, _ in outcome.rows)
    write_text(directory / "lines.txt", _text(ids))
    folder = directory / "translations"
    for outcome in outcomes:
        lines = [line for line, _ in outcome.rows]
        texts = [made.text if isinstance(made, Translation) else "" for _, made in outcome.rows]
        write_text(folder / f"{outcome.name}.txt", _text(texts))
        beside = folder / outcome.direction.name
        write_text(beside.with_name(f"{beside.name}.ids"), _text(line.id for line in lines))
        write_text(beside.with_name(f"{beside.name}.source"), _text(line.text for line in lines))
        if any(line.reference is not None for line in lines):
            references = (line.reference or "" for line in lines)
            write_text(beside.with_name(f"{beside.name}.reference"), _text(references))


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{' '.join(line.splitlines())}\n" for line in lines)
