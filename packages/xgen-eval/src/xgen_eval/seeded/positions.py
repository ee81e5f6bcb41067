"""Items that are asked with their evidence at several positions, and what the position costs."""

from __future__ import annotations

from collections.abc import Sequence

from xgen_eval.curves import paired_difference
from xgen_eval.grading import Graded
from xgen_eval.task import Metric

__all__ = ["check_positions", "position_metrics", "spread"]


def spread(size: int, count: int) -> tuple[int, ...]:
    """So many positions from the first to the last of `size`, evenly; fewer where they coincide."""
    steps = max(count - 1, 1)
    return tuple(dict.fromkeys((i * (size - 1) + steps // 2) // steps for i in range(count)))


def check_positions(positions: Sequence[int], size: int) -> None:
    """Refuse positions outside 0..size - 1, and one named twice.

    Raises:
        ValueError: there is such a one.
    """
    outside = [p for p in positions if not 0 <= p < size]
    if outside or len(set(positions)) < len(positions):
        raise ValueError(
            f"positions differ and lie in 0..{size - 1}, got {', '.join(map(str, positions))}"
        )


def position_metrics(items: Sequence[Graded], score: str) -> dict[str, Metric]:
    """Paired differences over the attribute `position`; clusters are what is asked repeatedly.

    `ends_minus_middle` is the mean of the first and the last position less the mean of those
    between (there must be three): above 0 the model is lost in the middle. `first_minus/P` is the
    first position less position P.
    """
    positions = sorted(
        {int(p) for i in items if isinstance(p := i.attributes.get("position"), int)}
    )
    if len(positions) < 2:
        return {}
    first, last = positions[0], positions[-1]

    def at(*wanted: int):
        return lambda item: item.attributes.get("position") in wanted

    found = {
        "ends_minus_middle": paired_difference(items, score, at(first, last), at(*positions[1:-1]))
    }
    for position in positions[1:]:
        found[f"first_minus/{position}"] = paired_difference(items, score, at(first), at(position))
    return {name: metric for name, metric in found.items() if metric is not None}
