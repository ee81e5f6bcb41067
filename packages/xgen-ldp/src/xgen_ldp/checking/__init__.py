"""Whether a line is what it should be: language, script, length, no copy, no loop."""

from xgen_ldp.checking.checker import Checked, Checker

__all__ = ["Checked", "Checker"]
