"""Prompts: exemplars, then the line that is to be translated, and how an answer is read."""

from xgen_ldp.prompts.layout import Layout, Tags

__all__ = ["Layout", "Tags"]
