"""How conversations become text: instances of `xgen_core.ChatTemplate`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from xgen_core import ChatTemplate, InputError
from xgen_tokenizer.vocabulary import END_OF_TEXT

__all__ = [
    "CHATML",
    "CHATML_SPECIALS",
    "RAW",
    "TEMPLATES",
    "XGEN",
    "require_specials",
    "specials_of",
]

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

CHATML_SPECIALS = ("<|im_start|>", "<|im_end|>")
"""The control tokens of `CHATML`. XGen's own vocabulary lacks them: `Vocabulary.extended`."""

CHATML = ChatTemplate(
    name="chatml",
    prefixes={role: f"<|im_start|>{role}\n" for role in ("system", "user", "assistant", "tool")},
    suffixes=dict.fromkeys(("system", "user", "assistant", "tool"), "<|im_end|>\n"),
    generation_prompt="<|im_start|>assistant\n",
    stop=("<|im_end|>",),
)
"""ChatML: `<|im_start|>role`, a line feed, the content, `<|im_end|>` and a line feed.

Of an answer that is trained, its content and end marker are, with the line feed after it.
"""

TEMPLATES: Mapping[str, ChatTemplate] = {
    template.name: template for template in (RAW, XGEN, CHATML)
}
"""By name."""

_CONTROL = re.compile(r"<\|[^\s<>|]+\|>")


def specials_of(template: ChatTemplate) -> tuple[str, ...]:
    """The special tokens that a template writes: everything of the form `<|name|>` in it."""
    parts = (
        *(template.header, *template.prefixes.values(), *template.suffixes.values()),
        *(template.generation_prompt, *template.stop),
    )
    return tuple(dict.fromkeys(name for part in parts for name in _CONTROL.findall(part)))


def require_specials(template: ChatTemplate, known: Collection[str]) -> None:
    """Refuse a template whose control tokens a vocabulary lacks.

    They would be encoded as plain text, which any user can write too, and which no model stops at.

    Raises:
        InputError: naming what is missing and how to get it.
    """
    missing = [name for name in specials_of(template) if name not in known]
    if missing:
        raise InputError(
            f"template {template.name!r} needs the special tokens {', '.join(missing)}, which this "
            f"vocabulary lacks: xgen tokenizer extend or train with --template {template.name} "
            "adds them"
        )
