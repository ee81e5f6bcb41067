"""A mixture: how many tokens of each source a stretch of training reads, in whole numbers.

Published tables give tokens that were *sampled*, repeated passes included, and how many passes that
was. So a source of 26 tokens read 2.5 times stands with 65 tokens, and one of 958 of which a fifth
is read, with 191.5 tokens and 0.2 epochs. The tokens decide the shares; the epochs say how large
the source must be, and whether a store can give them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from xgen_core import InputError
from xgen_core.records import Record
from xgen_data.dealing import largest_remainder
from xgen_data.order import Order
from xgen_data.schedule import LineSize, Stage

__all__ = ["Component", "Mixture", "Need", "lay_over"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component(Record):
    """One source of a mixture.

    Attributes:
        source: its name.
        tokens: how many are read, every pass counted.
        epochs: how many passes over the source that is; below 1 a part of it is read.
    """

    source: str
    tokens: int
    epochs: float

    def __post_init__(self) -> None:
        if self.tokens < 0 or not self.epochs > 0:
            raise ValueError(
                f"component {self.source!r}: tokens must not be negative and epochs be positive, "
                f"got {self.tokens} and {self.epochs}"
            )

    @property
    def distinct(self) -> int:
        """How many tokens the source must have for this many epochs."""
        return round(self.tokens / self.epochs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need(Record):
    """What a component asks of a store.

    Attributes:
        source: its name.
        tokens: how many are to be read.
        declared: epochs that the mixture declares.
        available: tokens that the store has.
        epochs: passes over the store's tokens; None where it has none.
    """

    source: str
    tokens: int
    declared: float
    available: int
    epochs: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture(Record):
    """Components whose tokens sum to the mixture's."""

    name: str
    components: tuple[Component, ...]

    def __post_init__(self) -> None:
        names = [component.source for component in self.components]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"mixture {self.name!r} needs components of different names")
        if not self.tokens:
            raise ValueError(f"mixture {self.name!r} has no tokens")

    @property
    def tokens(self) -> int:
        """Tokens of all components."""
        return sum(component.tokens for component in self.components)

    @property
    def weights(self) -> dict[str, int]:
        """Tokens by source, as `Stage.weights` takes them."""
        return {component.source: component.tokens for component in self.components}

    def shares(self) -> dict[str, float]:
        """Share of the tokens by source, 0 … 1."""
        total = self.tokens
        return {component.source: component.tokens / total for component in self.components}

    def scaled(self, tokens: int, *, name: str = "") -> Mixture:
        """The same proportions over another number of tokens, rounded so that they sum to it.

        A source is not larger or smaller for it, so its epochs scale with its tokens.
        """
        budget = largest_remainder(tokens, [component.tokens for component in self.components])
        return Mixture(
            name=name or self.name,
            components=tuple(
                replace(c, tokens=n, epochs=c.epochs * n / c.tokens if n else c.epochs)
                for c, n in zip(self.components, budget, strict=True)
            ),
        )

    def joined(self, other: Mixture, *, name: str) -> Mixture:
        """Both together; the sources must be different ones."""
        return Mixture(name=name, components=(*self.components, *other.components))

    def needs(self, lines: Mapping[str, LineSize]) -> list[Need]:
        """How often a store's sources would be read, beside what the mixture declares."""
        found: list[Need] = []
        for component in self.components:
            available = lines[component.source].tokens if component.source in lines else 0
            found.append(
                Need(
                    source=component.source,
                    tokens=component.tokens,
                    declared=component.epochs,
                    available=available,
                    epochs=component.tokens / available if available else None,
                )
            )
        return found


def lay_over(
    mixture: Mixture, lines: Mapping[str, LineSize], sequence_length: int, batch_size: int
) -> Order:
    """One stage of the mixture over a store's lines, as many whole steps as its tokens make.

    Raises:
        InputError: a source that the lines lack or that is too short, or fewer tokens than a step.
    """
    steps = mixture.tokens // (sequence_length * batch_size)
    if not steps:
        raise InputError(
            f"mixture {mixture.name!r} has {mixture.tokens} tokens, but a step of {batch_size} "
            f"rows of {sequence_length} reads {sequence_length * batch_size}: give a smaller batch"
        )
    stage = Stage(
        sequence_length=sequence_length,
        batch_size=batch_size,
        steps=steps,
        weights=mixture.weights,
    )
    try:
        return Order(seed=0, stages=(stage,), lines=lines)
    except ValueError as error:
        raise InputError(f"mixture {mixture.name!r}: {error}") from error
