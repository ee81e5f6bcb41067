"""XGen's tokenizer, training of new vocabularies, and chat templates.

`open_xgen()` is XGen's own vocabulary, `open_directory(path)` a saved one or anybody's byte-level
`tokenizer.json`, `train_bpe(texts, …)` a new one; `export(tokenizer, path)` writes a
`tokenizer.json`. Importing this package is cheap; tiktoken and numpy are loaded with the first
tokenizer.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from xgen_tokenizer.templates import CHATML, CHATML_SPECIALS, RAW, TEMPLATES, XGEN
from xgen_tokenizer.vocabulary import END_OF_TEXT, GPT2_PATTERN, Vocabulary
from xgen_tokenizer.xgen import XGEN_CONTROL_TOKENS

if TYPE_CHECKING:
    from xgen_tokenizer.bpe import TiktokenTokenizer
    from xgen_tokenizer.exporter import ExportResult, export
    from xgen_tokenizer.fast import Backend
    from xgen_tokenizer.hugging_face import HuggingFaceTokenizer
    from xgen_tokenizer.jinja import jinja_template
    from xgen_tokenizer.open import open_directory, open_xgen
    from xgen_tokenizer.parallel import encode_parallel
    from xgen_tokenizer.training import TRAINED_SPECIALS, train_bpe

__all__ = [
    "CHATML",
    "CHATML_SPECIALS",
    "END_OF_TEXT",
    "GPT2_PATTERN",
    "RAW",
    "TEMPLATES",
    "TRAINED_SPECIALS",
    "XGEN",
    "XGEN_CONTROL_TOKENS",
    "Backend",
    "ExportResult",
    "HuggingFaceTokenizer",
    "TiktokenTokenizer",
    "Vocabulary",
    "encode_parallel",
    "export",
    "jinja_template",
    "open_directory",
    "open_xgen",
    "train_bpe",
]

_LAZY = {
    "TRAINED_SPECIALS": "training",
    "Backend": "fast",
    "ExportResult": "exporter",
    "HuggingFaceTokenizer": "hugging_face",
    "TiktokenTokenizer": "bpe",
    "encode_parallel": "parallel",
    "export": "exporter",
    "jinja_template": "jinja",
    "open_directory": "open",
    "open_xgen": "open",
    "train_bpe": "training",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
