"""The seven training sets: their rows, how they are built and checked.

fit             a program as the body under its task's header, or why not
build_sets      the sets of a run, every row executed as it will be trained
write_sets, read_sets, export_rows
"""

from xgen_distill.sets.builder import build_sets
from xgen_distill.sets.files import EXPORTS, Export, export_rows, read_sets, write_sets
from xgen_distill.sets.fit import RESTATED, Fitted, fit, restated
from xgen_distill.sets.row import SETS, SUMMARIES, Row, SetName, Source
from xgen_distill.sets.training_sets import Combined, Rejection, SetCount, SetCounts, Sets
from xgen_distill.sets.unfit import REASONS, Reason, Unfit

__all__ = [
    "EXPORTS",
    "REASONS",
    "RESTATED",
    "SETS",
    "SUMMARIES",
    "Combined",
    "Export",
    "Fitted",
    "Reason",
    "Rejection",
    "Row",
    "SetCount",
    "SetCounts",
    "SetName",
    "Sets",
    "Source",
    "Unfit",
    "build_sets",
    "export_rows",
    "fit",
    "read_sets",
    "restated",
    "write_sets",
]
