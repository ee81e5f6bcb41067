"""Where a completion of code ends, if the model went on after its function."""

from __future__ import annotations

import re

__all__ = ["truncate_body", "truncate_codegen"]

_ENDS = [
    re.compile(pattern, re.MULTILINE)
    for pattern in (r"^#", r"<\|endoftext\|>", r"^'''", r'^"""', r"\n\n\n")
]
_OUTSIDE = re.compile(r"^[A-Za-z_@#\"']", re.MULTILINE)


def truncate_codegen(completion: str) -> str:
    """CodeGen's rule (JaxFormer's `truncate`).

    Before the second line that begins with `print`, the second that begins with `def`, and the
    first comment or triple quote in the first column, three newlines, or `<|endoftext|>`.
    """
    for word in ("print", "def"):
        found = list(re.finditer(rf"^{word}", completion, re.MULTILINE))
        if len(found) > 1:
            completion = completion[: found[1].start()]
    starts = [match.start() for end in _ENDS if (match := end.search(completion))]
    return completion[: min(starts, default=None)]


def truncate_body(completion: str) -> str:
    """PERsD's rule: a function's body ends before a line that begins in the first column."""
    completion = completion.partition("<|endoftext|>")[0]
    match = _OUTSIDE.search(completion, completion.find("\n") + 1 or len(completion))
    return completion if match is None else completion[: match.start()]
