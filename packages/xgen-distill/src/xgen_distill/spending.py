"""What a run may spend: one limit over two models that cost differently."""

from __future__ import annotations

from dataclasses import dataclass

from xgen_core.lm import Budget, Prices

__all__ = ["Spending"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Limits on calls, tokens and money of student and teacher together, from now on.

    The student is done before the teacher begins, so what the one has spent is taken off what the
    other may. Neither limit is crossed; see `xgen_core.lm.Budget`.

    Attributes:
        calls, tokens, money: None for no limit.
        student: what a million tokens cost; None where they cost nothing, as on a machine of one's
            own.
        teacher: likewise.
    """

    calls: int | None = None
    tokens: int | None = None
    money: float | None = None
    student: Prices | None = None
    teacher: Prices | None = None

    def first(self) -> Budget:
        """The student's."""
        return Budget(
            calls=self.calls,
            tokens=self.tokens,
            money=self.money if self.student else None,
            prices=self.student,
        )

    def second(self, first: Budget) -> Budget:
        """The teacher's.

        Args:
            first: the student's, used.
        """
        money = None if self.money is None else max(0.0, self.money - first.cost)
        return Budget(
            calls=None if self.calls is None else self.calls - first.spent.calls,
            tokens=None if self.tokens is None else self.tokens - first.spent.tokens,
            money=money if self.teacher else None,
            prices=self.teacher,
        )
