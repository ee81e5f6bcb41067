"""The layouts in which instruction data are published, and the way from each to `Example`.

    form         a row
    alpaca       {instruction, input, output}
    evol         {instruction, output}                       WizardLM's Evol-Instruct, 70K
    sharegpt     {conversations: [{from, value}, …]}         also WizardLM's 143K and 196K
    messages     {messages: [{role, content}, …]}            the chat layout of most endpoints
    dolly        {instruction, context, response, category}
    oasst        {message_id, parent_id, role, text, rank, …}  one message a row
    oasst-trees  {message_tree_id, prompt: {…, replies: […]}}  one tree a row
    example      what `write_examples` writes

Files hold one object a line, or one array of objects; plain or through gzip. Every assistant turn
is trained. Ids depend on the content alone (`parts.content_id`); a row's own id, its file, its line
and its other scalar columns (licence, generator, …) are kept in the metadata.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast, get_args

from xgen_core import CodecError, Example, InputError, Message
from xgen_core.codec import unknown_name
from xgen_core.files import write_jsonl
from xgen_core.records import Role, Scalar
from xgen_data.instruction.checks import Checks
from xgen_data.instruction.parts import (
    FILE,
    FORM,
    LICENCE,
    LINE,
    SOURCE_ID,
    TASK_TYPE,
    content_id,
)
from xgen_data.instruction.rows import Row, read_rows
from xgen_data.instruction.trees import TreePath, paths_of_messages, paths_of_trees
from xgen_data.steps import Drop

__all__ = ["FORMS", "Form", "detect_form", "read_examples", "write_examples"]

Form = Literal["alpaca", "evol", "sharegpt", "messages", "dolly", "oasst", "oasst-trees", "example"]
FORMS: Mapping[Form, frozenset[str]] = {
    "example": frozenset({"id", "messages", "task", "metadata"}),
    "oasst-trees": frozenset({"message_tree_id", "prompt"}),
    "oasst": frozenset({"message_id", "parent_id", "role", "text"}),
    "sharegpt": frozenset({"conversations"}),
    "messages": frozenset({"messages"}),
    "dolly": frozenset({"instruction", "context", "response"}),
    "alpaca": frozenset({"instruction", "input", "output"}),
    "evol": frozenset({"instruction", "output"}),
}
"""The keys that tell a form, looked for in this order."""

_SPEAKERS: Mapping[str, Role] = {
    "human": "user",
    "user": "user",
    "prompter": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "bard": "assistant",
    "bing": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "function_response": "tool",
}
_ROLES: tuple[object, ...] = get_args(Role)
_EXAMPLE_KEYS = {"id", "messages", "task", "metadata"}
_MESSAGE_KEYS = {"role", "content", "trained"}
_NO_INPUT = frozenset({"<noinput>", "noinput", "no input", "none", "n/a"})
"""What Self-Instruct and its heirs write where an instruction takes no input."""
_TASK_KEYS = ("task", "task_name")
_TYPE_KEYS = ("task_type", "category")
_LICENCE_KEYS = ("license", "licence")
_ID_KEYS = ("id", "idx", "uuid", "prompt_id", "conversation_id")
_PROBE = 20
_Convert = Callable[[Row, Path], Example]


def detect_form(values: Mapping[str, object]) -> Form | None:
    """Which form a row has, by its keys; None for none of them."""
    return next((form for form, keys in FORMS.items() if keys <= values.keys()), None)


def read_examples(
    path: Path | str,
    form: Form | None = None,
    *,
    checks: Checks | None = None,
    paths: int = 1,
    licence: str = "",
) -> Iterator[Example | Drop]:
    """Read instruction data; each example, or why it is not one, in the order of the file.

    Args:
        path: a file in one of the forms.
        form: which; by default told from the keys of the first row that can be read.
        checks: what an example must be; `Checks()` by default.
        paths: for `oasst`, the most conversations to take from one tree.
        licence: kept in the metadata of examples whose row names none.

    Raises:
        InputError: no such file, nothing in it, or a first row in none of the forms.
        ValueError: no such form, or `paths` below 1.
    """
    if form is not None and form not in FORMS:
        raise ValueError(unknown_name(form, list(FORMS), "form of instruction data"))
    if paths < 1:
        raise ValueError(f"paths is at least 1, got {paths}")
    return _read(Path(path), form, checks or Checks(), paths, licence)


def write_examples(path: Path | str, examples: Iterable[Example]) -> int:
    """Write examples one a line, atomically; returns how many. `read_examples` reads them back."""
    return write_jsonl(path, (example.to_json() for example in examples))


def _read(
    path: Path, form: Form | None, checks: Checks, paths: int, licence: str
) -> Iterator[Example | Drop]:
    rows = read_rows(path)
    head = list(itertools.islice(rows, _PROBE))
    form = form or _form_of(head, path)
    if form is None:  # nothing but damage at the beginning
        raise InputError(f"{path}: no row can be read as JSON; {_first(head)}")
    if form == "example":  # made by us: what stands around an answer is meant
        checks = replace(checks, strip=False)
    everything = itertools.chain(head, rows)
    for item in _convert(everything, form, path, paths):
        if isinstance(item, Drop):
            yield item
            continue
        if licence and LICENCE not in item.metadata:
            metadata = {**item.metadata, LICENCE: licence}
            item = replace(item, metadata=metadata)  # noqa: PLW2901
        checked = checks.apply(item)
        if isinstance(checked, Drop):
            line = item.metadata.get(LINE)
            where = f"{path}:{line}" if line is not None else f"{path} {item.id}"
            yield Drop(reason=checked.reason, example=where)
        else:
            yield checked


def _form_of(head: list[Row | Drop], path: Path) -> Form | None:
    for row in head:
        if isinstance(row, Row):
            form = detect_form(row.values)
            if form is None:
                keys = ", ".join(sorted(map(str, row.values))[:12]) or "no keys"
                known = "; ".join(f"{f}: {', '.join(sorted(k))}" for f, k in FORMS.items())
                raise InputError(
                    f"{path}:{row.line}: no known form of instruction data has the keys {keys}; "
                    f"known forms: {known}"
                )
            return form
    return None


def _first(head: list[Row | Drop]) -> str:
    drop = next((row for row in head if isinstance(row, Drop)), None)
    return f"first at {drop.example}: {drop.reason}" if drop else "it holds none"


def _convert(
    rows: Iterable[Row | Drop], form: Form, path: Path, paths: int
) -> Iterator[Example | Drop]:
    if form in ("oasst", "oasst-trees"):
        choose = paths_of_messages if form == "oasst" else paths_of_trees
        for item in choose(rows, path, paths):
            yield item if isinstance(item, Drop) else _from_path(item, path)
        return
    convert = _CONVERT[form]
    for row in rows:
        if isinstance(row, Drop):
            yield row
            continue
        try:
            yield convert(row, path)
        except _RowFault as fault:
            yield Drop(reason=str(fault), example=f"{path}:{row.line}", damaged=fault.damaged)


class _RowFault(Exception):  # noqa: N818 - never leaves this module
    """A row that is JSON but not of the form; `damaged` where a field has the wrong type."""

    def __init__(self, reason: str, *, damaged: bool = True) -> None:
        super().__init__(reason)
        self.damaged = damaged


def _from_path(path: TreePath, file: Path) -> Example:
    first, last = path.nodes[0], path.nodes[-1]
    metadata: dict[str, Scalar] = {
        FORM: "oasst",
        FILE: file.name,
        LINE: first.line,
        SOURCE_ID: last.id,
        "instruction.tree": first.tree or first.id,
        "instruction.path": path.number,
    }
    if first.language:
        metadata["instruction.language"] = first.language
    return Example(id=content_id(path.messages, "oasst"), messages=path.messages, metadata=metadata)


def _pair(form: Form, question: str, context: str, answer: str) -> _Convert:
    used = {question, context, answer}

    def convert(row: Row, path: Path) -> Example:
        asked = _text(row, question)
        added = _text(row, context) if context and row.values.get(context) is not None else ""
        if added.strip().rstrip(".").casefold() in _NO_INPUT:
            added = ""
        prompt = f"{asked}\n\n{added}" if added.strip() else asked
        messages = (
            Message(role="user", content=prompt),
            Message(role="assistant", content=_text(row, answer), trained=True),
        )
        return _example(row, path, form, messages, used)

    return convert


def _conversation(form: Form, turns_key: str, role_key: str, text_key: str) -> _Convert:
    def convert(row: Row, path: Path) -> Example:
        turns = row.values.get(turns_key)
        if not isinstance(turns, list):
            raise _RowFault(f"{turns_key} is not a list")
        if not turns:
            raise _RowFault("no turns", damaged=False)
        messages = tuple(_message(turn, role_key, text_key) for turn in turns)
        system = row.values.get("system")
        if isinstance(system, str) and system.strip() and messages[0].role != "system":
            messages = (Message(role="system", content=system), *messages)
        return _example(row, path, form, messages, {turns_key, "system"})

    return convert


def _message(turn: object, role_key: str, text_key: str) -> Message:
    if not isinstance(turn, Mapping):
        raise _RowFault("turn is not an object")
    values = cast("Mapping[str, object]", turn)
    role = _SPEAKERS.get(str(values.get(role_key)).casefold())
    if role is None:
        raise _RowFault("unknown role", damaged=False)
    content = values.get(text_key)
    if isinstance(content, list):  # content in parts; only text can be kept
        parts = [p.get("text") if isinstance(p, Mapping) else p for p in content]
        if not all(isinstance(part, str) for part in parts):
            raise _RowFault("content that is not text", damaged=False)
        content = "".join(cast("list[str]", parts))
    if not isinstance(content, str):
        raise _RowFault("content that is not text", damaged=False)
    trained = role == "assistant" and values.get("weight") != 0  # 0: given as context only
    return Message(role=role, content=content, trained=trained)


def _text(row: Row, key: str) -> str:
    value = row.values.get(key)
    if isinstance(value, str):
        return value
    raise _RowFault(f"{key} is missing" if value is None else f"{key} is not text")


def _example(
    row: Row, path: Path, form: Form, messages: tuple[Message, ...], used: set[str]
) -> Example:
    metadata: dict[str, Scalar] = {FORM: form, FILE: path.name, LINE: row.line}
    named = {
        SOURCE_ID: _first_scalar(row, _ID_KEYS),
        LICENCE: _first_scalar(row, _LICENCE_KEYS),
        TASK_TYPE: _first_scalar(row, _TYPE_KEYS),
    }
    metadata |= {key: str(value) for key, value in named.items() if value not in (None, "")}
    taken = {*used, *_ID_KEYS, *_LICENCE_KEYS, *_TASK_KEYS, *_TYPE_KEYS}
    for key, value in row.values.items():
        if key in taken or not isinstance(value, (str, int, float)):
            continue
        if not isinstance(value, float) or math.isfinite(value):  # JSON has no other numbers
            metadata[f"row.{key}"] = value
    task = _first_scalar(row, _TASK_KEYS)
    if task in (None, "") and form == "dolly" and TASK_TYPE in metadata:
        task = f"dolly/{metadata[TASK_TYPE]}"
    return Example(
        id=content_id(messages, form),
        messages=messages,
        task="" if task is None else str(task),
        metadata=metadata,
    )


def _first_scalar(row: Row, keys: tuple[str, ...]) -> Scalar:
    values = (row.values.get(key) for key in keys)
    return next((v for v in values if isinstance(v, (str, int)) and v != ""), None)


def _own(row: Row, path: Path) -> Example:
    example = _plain_example(row.values)
    try:
        example = example or Example.from_json(row.values)
    except CodecError as error:
        raise _RowFault("not an example record") from error
    if any(isinstance(v, float) and not math.isfinite(v) for v in example.metadata.values()):
        raise _RowFault("not an example record")  # it could not be written again
    return example


def _plain_example(values: Mapping[str, object]) -> Example | None:
    """What `Example.from_json` gives, 10 times as fast; None for a row that it has to look at."""
    if values.keys() != _EXAMPLE_KEYS:
        return None
    identity, turns, task, metadata = (values[k] for k in ("id", "messages", "task", "metadata"))
    if not (isinstance(identity, str) and isinstance(task, str) and isinstance(turns, list)):
        return None
    if not turns or not isinstance(metadata, dict):
        return None
    if not all(v is None or isinstance(v, (str, int, float)) for v in metadata.values()):
        return None
    messages: list[Message] = []
    for turn in turns:
        if not isinstance(turn, dict) or turn.keys() != _MESSAGE_KEYS:
            return None
        role, content, trained = turn["role"], turn["content"], turn["trained"]
        if role not in _ROLES or not isinstance(content, str) or not isinstance(trained, bool):
            return None
        messages.append(Message(role=role, content=content, trained=trained))
    return Example(id=identity, messages=tuple(messages), task=task, metadata=metadata)


_CONVERT: Mapping[str, _Convert] = {
    "alpaca": _pair("alpaca", "instruction", "input", "output"),
    "evol": _pair("evol", "instruction", "", "output"),
    "dolly": _pair("dolly", "instruction", "context", "response"),
    "sharegpt": _conversation("sharegpt", "conversations", "from", "value"),
    "messages": _conversation("messages", "messages", "role", "content"),
    "example": _own,
}
