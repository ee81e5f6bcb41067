"""Linguistically diverse prompting: translation without parallel data in the language.

Start with `Direction`, `find_language` and `load_method`; `Material` is what a method may use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xgen_ldp.checking import Checker
    from xgen_ldp.configuration import Configuration
    from xgen_ldp.corpora import Corpus, aligned_corpus, open_corpus
    from xgen_ldp.directions import find_direction
    from xgen_ldp.evaluation import RunScores, Scoring, score_run, score_sections
    from xgen_ldp.exemplars import Bank, Exemplar, Side, open_bank
    from xgen_ldp.finding import Finding
    from xgen_ldp.harvest import Harvest, harvest_file
    from xgen_ldp.jobs import Job
    from xgen_ldp.languages import ENGLISH, Language, find_language, language_group
    from xgen_ldp.line import Direction, Line
    from xgen_ldp.methods import Material, Method, Translator, load_method
    from xgen_ldp.prompts import Layout
    from xgen_ldp.runs import Finished, translate_jobs
    from xgen_ldp.sample import Sample, draw_sample
    from xgen_ldp.synthesis import synthesize
    from xgen_ldp.texts import Texts
    from xgen_ldp.translation import Translation

__all__ = [
    "ENGLISH",
    "Bank",
    "Checker",
    "Configuration",
    "Corpus",
    "Direction",
    "Exemplar",
    "Finding",
    "Finished",
    "Harvest",
    "Job",
    "Language",
    "Layout",
    "Line",
    "Material",
    "Method",
    "RunScores",
    "Sample",
    "Scoring",
    "Side",
    "Texts",
    "Translation",
    "Translator",
    "aligned_corpus",
    "draw_sample",
    "find_direction",
    "find_language",
    "harvest_file",
    "language_group",
    "load_method",
    "open_bank",
    "open_corpus",
    "score_run",
    "score_sections",
    "synthesize",
    "translate_jobs",
]

_HOMES = {
    "checking": ("Checker",),
    "configuration": ("Configuration",),
    "corpora": ("Corpus", "aligned_corpus", "open_corpus"),
    "directions": ("find_direction",),
    "evaluation": ("RunScores", "Scoring", "score_run", "score_sections"),
    "exemplars": ("Bank", "Exemplar", "Side", "open_bank"),
    "finding": ("Finding",),
    "harvest": ("Harvest", "harvest_file"),
    "jobs": ("Job",),
    "languages": ("ENGLISH", "Language", "find_language", "language_group"),
    "line": ("Direction", "Line"),
    "methods": ("Material", "Method", "Translator", "load_method"),
    "prompts": ("Layout",),
    "runs": ("Finished", "translate_jobs"),
    "sample": ("Sample", "draw_sample"),
    "synthesis": ("synthesize",),
    "texts": ("Texts",),
    "translation": ("Translation",),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package stays cheap."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"xgen_ldp.{module}"), name)
    raise AttributeError(f"module 'xgen_ldp' has no attribute {name!r}")
