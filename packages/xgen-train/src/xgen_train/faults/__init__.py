"""What can go wrong in a long run, and what is done about it.

termination  SIGTERM and SIGINT: finish the step, save, exit 0
rollback     refused updates again and again: back to a checkpoint, and past the batches
watchdog     no step finishes: dump all stacks and exit, so that a scheduler starts again
injector     does all of this on purpose, for tests
"""

from __future__ import annotations

from xgen_train.faults.fault import KINDS, Fault, parse_faults
from xgen_train.faults.options import FaultOptions

__all__ = ["KINDS", "Fault", "FaultOptions", "parse_faults"]
