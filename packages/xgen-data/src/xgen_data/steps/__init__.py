"""What happens to documents between a source and the token store: one step, one file.

A step is a frozen dataclass whose fields are its settings. It takes documents by the batch and
gives each back, changed or not, or says why it drops it; so a step with a model behind it can look
at many texts at once, and one without loops. Whatever is dropped is counted by step and reason.

    clean        what every source gets: line ends, NULs, length
    unicode      invisible characters, text read in the wrong encoding
    boilerplate  banners, menus and repeated lines of web pages
    language     which language
    gopher, c4, fineweb, code     rules by which published corpora were made
    classifier, perplexity        small models to train on one's own examples
    pii, secrets                  what must not be learnt
    toxicity, bias                tags for reports; nothing is dropped

`STEPS` has them all by kind.
"""

from __future__ import annotations

from xgen_data.steps.bias import IdentityTerms
from xgen_data.steps.boilerplate import Boilerplate
from xgen_data.steps.c4 import C4BadWords, C4Paragraphs, C4Quality
from xgen_data.steps.classifier import Classifier
from xgen_data.steps.clean import Length, LineLength, Normalise
from xgen_data.steps.code import CodeQuality
from xgen_data.steps.fineweb import FineWebQuality
from xgen_data.steps.gopher import GopherQuality, GopherRepetition
from xgen_data.steps.language import Language
from xgen_data.steps.perplexity import Perplexity
from xgen_data.steps.pii import PersonalData
from xgen_data.steps.secrets import Secrets
from xgen_data.steps.step import DocumentStep, Drop, Funnel, Item, Step, run_steps
from xgen_data.steps.toxicity import Toxicity
from xgen_data.steps.unicode import Mojibake, Unicode

__all__ = [
    "STEPS",
    "Boilerplate",
    "C4BadWords",
    "C4Paragraphs",
    "C4Quality",
    "Classifier",
    "CodeQuality",
    "DocumentStep",
    "Drop",
    "FineWebQuality",
    "Funnel",
    "GopherQuality",
    "GopherRepetition",
    "IdentityTerms",
    "Item",
    "Language",
    "Length",
    "LineLength",
    "Mojibake",
    "Normalise",
    "Perplexity",
    "PersonalData",
    "Secrets",
    "Step",
    "Toxicity",
    "Unicode",
    "run_steps",
]

STEPS: dict[str, type[Step]] = {
    "boilerplate": Boilerplate,
    "c4_bad_words": C4BadWords,
    "c4_paragraphs": C4Paragraphs,
    "c4_quality": C4Quality,
    "classifier": Classifier,
    "code_quality": CodeQuality,
    "fineweb_quality": FineWebQuality,
    "gopher_quality": GopherQuality,
    "gopher_repetition": GopherRepetition,
    "identity_terms": IdentityTerms,
    "language": Language,
    "length": Length,
    "line_length": LineLength,
    "mojibake": Mojibake,
    "normalise": Normalise,
    "perplexity": Perplexity,
    "personal_data": PersonalData,
    "secrets": Secrets,
    "toxicity": Toxicity,
    "unicode": Unicode,
}
"""Every step of this folder by its `kind`; `xgen_data.decontamination` has one more."""
