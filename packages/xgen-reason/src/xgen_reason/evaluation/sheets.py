"""Blind sheets: two runs' chains side by side for people, and what their answers come to.

two runs ──▶ sheet.csv  (question, chain A, chain B, an empty column: which is more factual?)
└─▶ key.jsonl  (which run A was: kept apart from those who judge)
sheets filled in by people + the key ──▶ shares of wins and ties, and Cohen's kappa
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Literal

from xgen_core import InputError
from xgen_core.codec import encode
from xgen_core.files import read_jsonl, write_jsonl, write_text
from xgen_core.records import Record
from xgen_eval.judges.agreement import cohen_kappa, mean_kappa
from xgen_eval.seeded.draws import integer, shuffled
from xgen_eval.statistics import clustered_mean
from xgen_eval.task import Metric
from xgen_reason.chain import write_steps
from xgen_reason.question import Question
from xgen_reason.result import Result

__all__ = ["Judgement", "Pair", "Preferences", "read_sheets", "write_sheet"]

Judgement = Literal["first", "second", "tie"]

_COLUMNS = ("number", "question", "A", "B", "more factual (A, B or tie)")
_CHOICES = {"a": "A", "b": "B", "tie": "tie"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair(Record):
    """A row of the key.

    Attributes:
        number: of the row in the sheet, from 1.
        id: of the question.
        first, second: names of the two runs.
        a_is_first: whether A shows the first run's chain.
    """

    number: int
    id: str
    first: str
    second: str
    a_is_first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences(Record):
    """What people preferred.

    Attributes:
        first, second, tie: shares of all judgements; standard errors are by pair, so that several
            people who judge one pair do not count as several pairs.
        names: of the first and the second run.
        kappa: Cohen's, the mean over all pairs of people; None for one person, or where chance
            alone would agree always.
        kappas: by pair of sheets, `"1 / 2"` say.
        blank: rows that were left empty.
    """

    first: Metric
    second: Metric
    tie: Metric
    names: tuple[str, str]
    kappa: float | None
    kappas: Mapping[str, float | None]
    blank: int


def write_sheet(
    questions: Sequence[Question],
    first: Sequence[Result],
    second: Sequence[Result],
    *,
    names: tuple[str, str],
    sheet: Path,
    key: Path,
    count: int = 50,
    seed: int = 0,
) -> int:
    """Write a sheet of questions that both runs answered with different chains, and its key.

    Neither names nor anything else in the sheet says which run a chain is from; sides and order
    are drawn anew for every row.

    Args:
        questions: of both runs.
        first: results of one run.
        second: results of the other.
        names: of the runs, for the key.
        sheet: CSV to give to people, one copy each.
        key: JSON lines to keep.
        count: rows at most; the paper has 50.
        seed: of the draw.

    Returns:
        How many rows there are.

    Raises:
        InputError: no question has two different chains.
    """
    ours, theirs = ({r.id: r for r in run if r.chain.steps} for run in (first, second))
    both = [q for q in questions if q.id in ours and q.id in theirs]
    differ = [q for q in both if _shown(ours[q.id]) != _shown(theirs[q.id])]
    if not differ:
        raise InputError(
            f"{names[0]} and {names[1]} have no question with two different chains to compare "
            f"({len(both)} with a chain in both)"
        )
    drawn = shuffled(differ, seed, lambda question: (question.id,))[:count]
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    pairs: list[Pair] = []
    for number, question in enumerate(drawn, 1):
        a_is_first = integer(2, seed, "side", question.id) == 0
        chains = [_shown(ours[question.id]), _shown(theirs[question.id])]
        if not a_is_first:
            chains.reverse()
        rows.writerow([number, *map(_plain, (question.full, *chains)), ""])
        pairs.append(
            Pair(
                number=number,
                id=question.id,
                first=names[0],
                second=names[1],
                a_is_first=a_is_first,
            )
        )
    write_text(sheet, text.getvalue())
    write_jsonl(key, map(encode, pairs))
    return len(pairs)


def read_sheets(key: Path, sheets: Sequence[Path]) -> Preferences:
    """What people preferred, and how far they agree.

    Args:
        key: of the sheet.
        sheets: copies of it, each filled in by one person with A, B or tie.

    Raises:
        InputError: a file is missing or no such sheet, an answer is something else, or there are
            none.
    """
    pairs = {pair.number: pair for pair in read_jsonl(key, Pair.from_json)}
    if not pairs or not sheets:
        raise InputError(f"{key}: expected a key with rows, and at least one sheet")
    people = [_read(sheet, pairs) for sheet in sheets]
    judged = [(n, person[n]) for n in pairs for person in people if n in person]
    if not judged:
        raise InputError(f"{sheets[0]}: no row is filled in: write A, B or tie in the last column")
    columns = [[person.get(number) for number in pairs] for person in people]
    some = next(iter(pairs.values()))
    return Preferences(
        first=_share(judged, "first"),
        second=_share(judged, "second"),
        tie=_share(judged, "tie"),
        names=(some.first, some.second),
        kappa=mean_kappa(columns),
        kappas={
            f"{i + 1} / {j + 1}": _kappa(columns[i], columns[j])
            for i, j in combinations(range(len(columns)), 2)
        },
        blank=len(pairs) * len(people) - len(judged),
    )


def _shown(result: Result) -> str:
    return f"{write_steps(result.chain.steps)} The answer is {result.answer or '(none)'}."


def _plain(text: str) -> str:
    """One line, and no formula: spreadsheets run cells that begin like one."""
    line = " ".join(text.split())
    return f"'{line}" if line.startswith(_FORMULA) else line


def _read(path: Path, pairs: Mapping[int, Pair]) -> dict[int, Judgement]:
    judgements: dict[int, Judgement] = {}
    for line, number, choice in _rows(path):
        if number not in pairs:
            raise InputError(f"{path}:{line}: the key has no row {number}")
        if not choice:
            continue
        if choice.lower() not in _CHOICES:
            raise InputError(f"{path}:{line}: expected A, B or tie, got {choice!r}")
        side = _CHOICES[choice.lower()]
        if side == "tie":
            judgements[number] = "tie"
        else:
            judgements[number] = "first" if (side == "A") == pairs[number].a_is_first else "second"
    return judgements


def _rows(path: Path) -> Iterator[tuple[int, int, str]]:
    """Line, number and choice of each row."""
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text: {error}") from error
    separator = ";" if text.split("\n", 1)[0].count(";") > 2 else ","  # as some offices save it
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    for place, row in enumerate(rows):
        if place == 0 and tuple(row) != _COLUMNS:
            raise InputError(f"{path}: no sheet: expected the columns {', '.join(_COLUMNS)}")
        if place and any(row):
            if len(row) != len(_COLUMNS) or not row[0].strip().isdecimal():
                raise InputError(
                    f"{path}:{rows.line_num}: expected {len(_COLUMNS)} columns, a number first"
                )
            yield rows.line_num, int(row[0]), row[-1].strip()


def _share(judged: Sequence[tuple[int, str]], what: Judgement) -> Metric:
    values = [float(judgement == what) for _, judgement in judged]
    return Metric.of(clustered_mean(values, [number for number, _ in judged]))


def _kappa(a: Sequence[str | None], b: Sequence[str | None]) -> float | None:
    both = [(i, j) for i, j in zip(a, b, strict=True) if i is not None and j is not None]
    return cohen_kappa([i for i, _ in both], [j for _, j in both]) if both else None
