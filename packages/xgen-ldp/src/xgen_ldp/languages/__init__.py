"""Languages: code, name, script, and what identifiers call them."""

from xgen_ldp.languages.language import ENGLISH, Language, find_language, language_group

__all__ = ["ENGLISH", "Language", "find_language", "language_group"]
