"""Whether a line is what it should be: language, script, length, no copy, no loop."""

from xgen_ldp.checking.checker import Checked, Checker, Limits
from xgen_ldp.checking.language import LanguageOpinion, language_opinion
from xgen_ldp.checking.lengths import density

__all__ = ["Checked", "Checker", "LanguageOpinion", "Limits", "density", "language_opinion"]
