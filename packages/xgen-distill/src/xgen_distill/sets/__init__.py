"""The seven training sets: their rows, how they are built and checked."""

from xgen_distill.sets.row import SETS, Row, SetName

__all__ = ["SETS", "Row", "SetName"]
