"""How a generator of queries replies: as it is trained to, and as it is read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xgen_reason.knowledge.sparql_tokens import tokenise

__all__ = ["read_query", "write_reply"]

_CORRECT, _INCORRECT = "Correct query:", "Incorrect query"
_FENCE = re.compile(r"```[a-zA-Z]*\n?")


def write_reply(query: str, wrong: Sequence[str] = ()) -> str:
    """What it is trained to reply: the query alone, or before wrong ones."""
    if not wrong:
        return query
    others = [f"{_INCORRECT} {number}: {text}" for number, text in enumerate(wrong, 1)]
    return "\n".join([f"{_CORRECT} {query}", *others])


def read_query(text: str) -> str:
    """The query in a reply: the correct one of several, without fences and what stands around it.

    It goes from the first PREFIX, BASE, SELECT or ASK to the end of its paragraph. A text without
    any of these is given back as it is, so that whoever checks it can say what is wrong.
    """
    _, label, after = text.partition(_CORRECT)
    text = (after if label else text).partition(_INCORRECT)[0]
    fenced = _FENCE.split(text)
    text = fenced[1] if len(fenced) > 2 else "".join(fenced)
    place = 0
    for token in tokenise(text, labels=True):
        if token.is_word("PREFIX", "BASE", "SELECT", "ASK"):
            return re.split(r"\n\s*\n", text[place:])[0].strip().removesuffix(";").strip()
        place += len(token.text)
    return text.strip()
