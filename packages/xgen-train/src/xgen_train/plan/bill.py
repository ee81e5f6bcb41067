"""Days, chip-hours and dollars, from a utilisation that somebody has measured.

tokens/s/chip = MFU · peak / FLOPs per token
chip-hours    = tokens / (tokens/s/chip) / 3600
dollars       = chip-hours · price
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xgen_core import InputError
from xgen_model import ModelConfig
from xgen_train.plan.chip import Chip
from xgen_train.plan.flops import count_flops

__all__ = ["Bill", "Phase", "bill"]

TRILLION = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Tokens that are read at one sequence length, and what they take."""

    sequence_length: int
    tokens: int
    chip_hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What it comes to.

    Attributes:
        mfu_percent: that was assumed, by 6N + 12·L·D·T.
        price: dollars for a chip-hour, or None.
        tokens_per_second_per_chip: at the planned length.
        chip_hours_per_trillion: of tokens at the planned length.
        dollars_per_trillion: the same, if there is a price.
        phases: of the recipe.
        chip_hours: of the whole recipe.
        days: of the whole recipe on this slice.
        dollars: of the whole recipe, if there is a price.
    """

    mfu_percent: float
    price: float | None
    tokens_per_second_per_chip: float
    chip_hours_per_trillion: float
    dollars_per_trillion: float | None
    phases: tuple[Phase, ...]
    chip_hours: float
    days: float
    dollars: float | None


def bill(
    config: ModelConfig,
    chip: Chip,
    phases: Sequence[tuple[int, int]],
    *,
    sequence_length: int,
    chips: int,
    mfu_percent: float,
    price: float | None,
) -> Bill:
    """Work it out.

    Args:
        config: of the model.
        chip: its peak.
        phases: sequence length and tokens of each.
        sequence_length: the planned one.
        chips: of the slice.
        mfu_percent: what share of the peak is useful arithmetic.
        price: dollars for a chip-hour.

    Raises:
        InputError: a share outside (0, 100], or a price that is not positive.
    """
    if not 0 < mfu_percent <= 100:
        raise InputError(f"--mfu is a percentage above 0 and at most 100, got {mfu_percent:g}")
    if price is not None and price <= 0:
        raise InputError(f"--price is dollars for a chip-hour, above 0, got {price:g}")

    def rate(length: int) -> float:
        return mfu_percent / 100 * chip.flops / count_flops(config, length).palm

    done = tuple(
        Phase(sequence_length=length, tokens=tokens, chip_hours=tokens / rate(length) / 3600)
        for length, tokens in phases
    )
    hours = sum(phase.chip_hours for phase in done)
    trillion = TRILLION / rate(sequence_length) / 3600
    return Bill(
        mfu_percent=mfu_percent,
        price=price,
        tokens_per_second_per_chip=rate(sequence_length),
        chip_hours_per_trillion=trillion,
        dollars_per_trillion=None if price is None else trillion * price,
        phases=done,
        chip_hours=hours,
        days=hours / chips / 24,
        dollars=None if price is None else hours * price,
    )
