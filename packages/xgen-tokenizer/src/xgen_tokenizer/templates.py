"""How conversations become text: instances of `xgen_core.ChatTemplate`."""

from __future__ import annotations

from collections.abc import Mapping

from xgen_core import ChatTemplate
from xgen_tokenizer.vocabulary import END_OF_TEXT

__all__ = ["RAW", "TEMPLATES", "XGEN"]

RAW = ChatTemplate(
    name="raw",
    prefixes={"system": "", "user": "", "assistant": "", "tool": ""},
    suffixes={},
)
"""The contents of the messages, end to end, and nothing else."""

XGEN = ChatTemplate(
    name="xgen",
    header=(
        "A chat between a curious human and an artificial intelligence assistant. "
        "The assistant gives helpful, detailed, and polite answers to the human's questions.\n\n"
    ),
    prefixes={"user": "### Human: ", "assistant": "### Assistant: "},
    suffixes={"user": "\n", "assistant": END_OF_TEXT},
    generation_prompt="### Assistant:",
    stop=(END_OF_TEXT,),
)
"""XGen-7B-8K-Inst: header and turns as on its model card, answers ended by `<|endoftext|>`.

How its authors joined several turns in training is not published; here each answer ends in
`<|endoftext|>` and the next turn follows at once. There is no form for system messages.
"""

TEMPLATES: Mapping[str, ChatTemplate] = {template.name: template for template in (RAW, XGEN)}
"""By name."""
