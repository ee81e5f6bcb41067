"""Computation graphs (Dziri et al. 2023, "Faith and Fate"): how much work an answer is.

A node is a value that a step-by-step algorithm writes down; it is computed from earlier nodes. The
inputs are layer 0, and a node's layer is one more than the latest of those it is computed from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

__all__ = ["ComputationGraph"]


class ComputationGraph:
    """Grows a node at a time."""

    def __init__(self) -> None:
        self._layers: list[int] = []

    def add(self, parents: Iterable[int] = ()) -> int:
        """Add a node computed from these, or an input; gives the node's number."""
        layer = max((self._layers[p] + 1 for p in parents), default=0)
        self._layers.append(layer)
        return len(self._layers) - 1

    @property
    def nodes(self) -> int:
        """How many there are, inputs included."""
        return len(self._layers)

    @property
    def depth(self) -> int:
        """Length of the longest chain of steps: reasoning depth."""
        return max(self._layers, default=0)

    @property
    def width(self) -> int:
        """The most frequent size of a layer, of equally frequent ones the largest.

        The paper's reasoning width is this mode.
        """
        sizes = Counter(Counter(self._layers).values())
        return max(sizes, key=lambda size: (sizes[size], size), default=0)

    def attributes(self) -> dict[str, int]:
        """Depth, width and nodes, for the items' slices."""
        return {"depth": self.depth, "width": self.width, "nodes": self.nodes}
