"""AlpacaEval's arithmetic: a win rate from preferences.

A preference is 1 where the baseline is better, 2 where the model is, anything between where the
judge is not sure; 0 and 1.5 are draws. These are the rules of the leaderboards (version 1 and 2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from xgen_core.records import Record
from xgen_eval.statistics import mean_stderr

__all__ = ["WinRate", "share_won", "win_rate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WinRate(Record):
    """How often a model is preferred to the baseline.

    Attributes:
        win_rate: 100 · mean(preference - 1), in percent.
        standard_error: of it, sd / √n, in percentage points; None for a single preference.
        discrete_win_rate: the same with every preference rounded to a win, a loss or a draw.
        n_wins, n_wins_base, n_draws: above 1.5, below it, at it.
        n_total: preferences that count.
        dropped: what was no preference (not a number, or outside 1 to 2).
    """

    win_rate: float
    standard_error: float | None
    discrete_win_rate: float
    n_wins: int
    n_wins_base: int
    n_draws: int
    n_total: int
    dropped: int = 0


def share_won(preference: float | None) -> float | None:
    """A preference as the share of a win, 0 to 1; None for what is no preference."""
    if preference is None or math.isnan(preference):
        return None
    if preference == 0:
        return 0.5
    return preference - 1 if 1 <= preference <= 2 else None


def win_rate(preferences: Sequence[float | None]) -> WinRate:
    """The leaderboard's figures.

    Raises:
        ValueError: nothing among them is a preference.
    """
    shares = [share for p in preferences if (share := share_won(p)) is not None]
    if not shares:
        raise ValueError(f"none of {len(preferences)} values is a preference")
    mean = mean_stderr(shares)
    wins, losses = sum(s > 0.5 for s in shares), sum(s < 0.5 for s in shares)
    return WinRate(
        win_rate=100 * mean.value,
        standard_error=None if mean.stderr is None else 100 * mean.stderr,
        discrete_win_rate=100 * mean_stderr([discrete(s) for s in shares]).value,
        n_wins=wins,
        n_wins_base=losses,
        n_draws=len(shares) - wins - losses,
        n_total=len(shares),
        dropped=len(preferences) - len(shares),
    )


def discrete(share: float) -> float:
    """A share as a win (1), a loss (0) or a draw (0.5)."""
    return 0.5 if share == 0.5 else float(share > 0.5)
