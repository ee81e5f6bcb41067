"""Corpora: aligned lines in several languages, and samples of them."""

from xgen_ldp.corpora.alignment import first_differing
from xgen_ldp.corpora.corpus import Corpus, CorpusFile
from xgen_ldp.corpora.layouts import aligned_corpus, open_corpus

__all__ = ["Corpus", "CorpusFile", "aligned_corpus", "first_differing", "open_corpus"]
