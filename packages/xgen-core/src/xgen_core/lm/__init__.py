"""Language models and tokenizers by name: `open_model(uri)`, `open_tokenizer(uri)`."""

from xgen_core.lm.open import open_model, open_tokenizer

__all__ = ["open_model", "open_tokenizer"]
