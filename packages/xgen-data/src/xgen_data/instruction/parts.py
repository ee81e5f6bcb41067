"""What an example is made of: its input, its answer, its task, and the id that follows from them.

Metadata keys written here are flat and namespaced. `instruction.*` says where an example came from,
`task.type` what kind of task it is (`"classification"`, `"closed_qa"`), and `row.NAME` keeps a
column of the original row that was not otherwise used, such as a licence or a generator.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from xgen_core import Example, Message

__all__ = [
    "FILE",
    "FORM",
    "LICENCE",
    "LINE",
    "SOURCE_ID",
    "TASK_TYPE",
    "answer_text",
    "content_id",
    "input_text",
    "normalise",
    "stable_fraction",
    "task_type",
    "words",
]

FORM = "instruction.form"
FILE = "instruction.file"
LINE = "instruction.line"
SOURCE_ID = "instruction.id"
LICENCE = "instruction.licence"
TASK_TYPE = "task.type"

_WORD = re.compile(r"\w+|[^\w\s]")
_PROSE_MARK = frozenset(".,;:!?\"'`´‘’“”«»()[]{}…")


def input_text(example: Example) -> str:
    """All that precedes the last answer to learn, turn after turn; other answers are included."""
    last = _last_trained(example)
    return "\n\n".join(message.content for message in example.messages[:last])


def answer_text(example: Example) -> str:
    """The last answer that is to be learnt.

    Raises:
        ValueError: no message is trained.
    """
    return example.messages[_last_trained(example)].content


def task_type(example: Example) -> str:
    """What kind of task it is, or `""`."""
    value = example.metadata.get(TASK_TYPE)
    return "" if value is None else str(value)


def content_id(messages: Iterable[Message], prefix: str) -> str:
    """An id that depends on roles and contents alone: `prefix-` and 64 bits of their hash.

    It is the same wherever in whichever file the example stands, so ids survive additions, and
    exact copies have equal ids.
    """
    digest = hashlib.sha256()
    for message in messages:
        content = message.content.encode("utf-8", "surrogatepass")
        digest.update(f"{message.role}\0{len(content)}\0".encode())
        digest.update(content)
    return f"{prefix}-{digest.hexdigest()[:16]}"


def words(text: str) -> list[str]:
    """The words of a text as far as their meaning goes.

    Compatibility forms, case, white space and the punctuation of prose do not count; operators do
    (`-`, `+`, `<`, `=`), for `2 + 2` and `2 - 2` are different questions.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [word for word in _WORD.findall(folded) if word not in _PROSE_MARK]


def normalise(text: str) -> str:
    """`words`, one space between them: equal for texts that say the same in the same words.

    Text that has no words (a lone `?`) stands for itself.
    """
    return " ".join(words(text)) or text.strip()


def stable_fraction(text: str, salt: str = "") -> float:
    """A number in [0, 1) that depends on the text alone: the first 64 bits of its sha256."""
    digest = hashlib.sha256((salt + text).encode("utf-8", "surrogatepass")).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def _last_trained(example: Example) -> int:
    for index in range(len(example.messages) - 1, -1, -1):
        if example.messages[index].trained:
            return index
    raise ValueError(f"example {example.id!r} has no trained message")
