"""Linguistically diverse prompting: translation without parallel data in the language.

Start with `Direction`, `find_language` and `load_method`; `Material` is what a method may use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xgen_ldp.checking import Checker
    from xgen_ldp.corpora import Corpus, aligned_corpus, open_corpus
    from xgen_ldp.evaluation import RunScores, Scoring, score_run, score_sections
    from xgen_ldp.exemplars import Bank, Exemplar, Side, open_bank
    from xgen_ldp.finding import Finding
    from xgen_ldp.harvest import Harvest, harvest_file
    from xgen_ldp.languages import ENGLISH, Language, find_language, language_group
    from xgen_ldp.line import Direction, Line
    from xgen_ldp.methods import Material, Method, Translator, load_method
    from xgen_ldp.prompts import Layout
    from xgen_ldp.sample import Sample, draw_sample
    from xgen_ldp.translation import Translation

__all__ = [
    "ENGLISH",
    "Bank",
    "Checker",
    "Corpus",
    "Direction",
    "Exemplar",
    "Finding",
    "Harvest",
    "Language",
    "Layout",
    "Line",
    "Material",
    "Method",
    "RunScores",
    "Sample",
    "Scoring",
    "Side",
    "Translation",
    "Translator",
    "aligned_corpus",
    "draw_sample",
    "find_language",
    "harvest_file",
    "language_group",
    "load_method",
    "open_bank",
    "open_corpus",
    "score_run",
    "score_sections",
]

_HOMES = {
    "checking": ("Checker",),
    "corpora": ("Corpus", "aligned_corpus", "open_corpus"),
    "evaluation": ("RunScores", "Scoring", "score_run", "score_sections"),
    "exemplars": ("Bank", "Exemplar", "Side", "open_bank"),
    "finding": ("Finding",),
    "harvest": ("Harvest", "harvest_file"),
    "languages": ("ENGLISH", "Language", "find_language", "language_group"),
    "line": ("Direction", "Line"),
    "methods": ("Material", "Method", "Translator", "load_method"),
    "prompts": ("Layout",),
    "sample": ("Sample", "draw_sample"),
    "translation": ("Translation",),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package stays cheap."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"xgen_ldp.{module}"), name)
    raise AttributeError(f"module 'xgen_ldp' has no attribute {name!r}")
