"""XGen's tokenizer, training of new vocabularies, and chat templates.

`open_xgen()` is XGen's own vocabulary, `open_directory(path)` a saved one, `train_bpe(texts, …)` a
new one. Importing this package is cheap; tiktoken and numpy are loaded with the first tokenizer.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from xgen_tokenizer.templates import RAW, TEMPLATES, XGEN
from xgen_tokenizer.vocabulary import END_OF_TEXT, GPT2_PATTERN, Vocabulary
from xgen_tokenizer.xgen import XGEN_CONTROL_TOKENS

if TYPE_CHECKING:
    from xgen_tokenizer.bpe import TiktokenTokenizer
    from xgen_tokenizer.open import open_directory, open_xgen
    from xgen_tokenizer.training import TRAINED_SPECIALS, train_bpe

__all__ = [
    "END_OF_TEXT",
    "GPT2_PATTERN",
    "RAW",
    "TEMPLATES",
    "TRAINED_SPECIALS",
    "XGEN",
    "XGEN_CONTROL_TOKENS",
    "TiktokenTokenizer",
    "Vocabulary",
    "open_directory",
    "open_xgen",
    "train_bpe",
]

_LAZY = {
    "TRAINED_SPECIALS": "training",
    "TiktokenTokenizer": "bpe",
    "open_directory": "open",
    "open_xgen": "open",
    "train_bpe": "training",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
