"""Stop when far more is removed than anyone expected.

A single option once removed 98 % of a corpus (mlfoundations/dclm, issues 71 and 83), unnoticed
until the result was counted. Deduplication and filters ask this before they act.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xgen_core import InputError

__all__ = ["RemovalGuard"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalGuard:
    """How much may go.

    Attributes:
        expected: the largest share of a source's documents that a removal may take; 1 for any.
        minimum: sources of fewer documents than this are let pass, as shares of few say little.
    """

    expected: float = 0.5
    minimum: int = 100

    def __post_init__(self) -> None:
        if not 0 <= self.expected <= 1:
            raise ValueError(f"expected must lie in [0, 1], got {self.expected}")

    def check(
        self,
        *,
        source: str,
        what: str,
        documents: int,
        removed: int,
        examples: Sequence[str] = (),
    ) -> None:
        """Look at one removal from one source.

        Args:
            source: its name.
            what: what removes, such as `"near-duplicates"`.
            documents: how many there were before.
            removed: how many are to go.
            examples: some of these, with the reason where there is one.

        Raises:
            InputError: the share is larger than expected; has counts, examples and advice.
        """
        if documents < self.minimum or removed <= self.expected * documents:
            return
        shown = "; ".join(examples[:3])
        raise InputError(
            f"source {source!r}: {what} would remove {removed:,} of {documents:,} documents "
            f"({removed / documents:.1%}), but at most {self.expected:.0%} was expected"
            + (f"; such as {shown}" if shown else "")
            + ". Look at these: if they should go, raise the expected share "
            f"(to {_above(removed / documents):.2f}); if not, the setting is too strict"
        )


def _above(share: float) -> float:
    return min(1.0, int(share * 100 + 1) / 100)
