"""A chat template as the Jinja text that Hugging Face and inference servers render."""

from __future__ import annotations

import json

from xgen_core import ChatTemplate

__all__ = ["jinja_template"]


def jinja_template(template: ChatTemplate) -> str:
    """Jinja that renders the text of `template.render`, character by character.

    It takes `messages` (objects with `role` and `content`) and `add_generation_prompt`; a role that
    the template has no form for raises, as there.
    """
    lines = [_print(template.header)] if template.header else []
    lines.append("{%- for message in messages -%}")
    word = "if"
    for role, prefix in template.prefixes.items():
        suffix = template.suffixes.get(role, "")
        parts = [_quoted(prefix), "message['content']", _quoted(suffix)]
        shown = " + ".join(part for part in parts if part != '""')
        lines.append("{%- " + word + f" message['role'] == {_quoted(role)} " + "-%}")
        lines.append("{{- " + shown + " -}}")
        word = "elif"
    refusal = _quoted(f"template {template.name!r} has no form for role ")
    lines.append("{%- else -%}")
    lines.append("{{- raise_exception(" + refusal + " + message['role']) -}}")
    lines.append("{%- endif -%}")
    lines.append("{%- endfor -%}")
    if template.generation_prompt:
        lines.append("{%- if add_generation_prompt -%}")
        lines.append(_print(template.generation_prompt))
        lines.append("{%- endif -%}")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _print(text: str) -> str:
    return "{{- " + _quoted(text) + " -}}"
