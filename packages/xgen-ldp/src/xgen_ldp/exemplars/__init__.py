"""Worked examples: their record, the bank that comes with the package, and how some are chosen."""

from xgen_ldp.exemplars.bank import Bank, open_bank
from xgen_ldp.exemplars.choice import PAPER_LANGUAGES, Choice, Policy, overlap, words
from xgen_ldp.exemplars.exemplar import Exemplar, Origin, Side

__all__ = [
    "PAPER_LANGUAGES",
    "Bank",
    "Choice",
    "Exemplar",
    "Origin",
    "Policy",
    "Side",
    "open_bank",
    "overlap",
    "words",
]
