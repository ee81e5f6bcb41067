"""Prompts: instruction, layout and worked examples of our own, by data set and stage."""

from xgen_reason.prompts.prompt import Prompt
from xgen_reason.prompts.prompt_set import PromptSet, load_prompts

__all__ = ["Prompt", "PromptSet", "load_prompts"]
