"""Sets of examples, one a task: read in any published form, their task's prompt before them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from xgen_core import Example, InputError
from xgen_core.progress import track
from xgen_data.instruction import read_examples, write_examples
from xgen_data.steps import Drop

__all__ = ["PreparedSets", "TaskSet", "prepare_sets"]

Split = Literal["train", "validation"]
_SPLITS: tuple[Split, ...] = ("train", "validation")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSet:
    """Examples that are told apart from others: a source of the store, with metrics of its own.

    Attributes:
        name: of the task.
        train: file of examples to train on; empty for a task that is only measured.
        validation: file of held-out examples; empty for none.
        prompt: text before the first message of every example, which says what the task is.
    """

    name: str
    train: str = ""
    validation: str = ""
    prompt: str = ""

    def __post_init__(self) -> None:
        if not self.name or not (self.train or self.validation):
            raise ValueError(f"a set has a name and a file, got {self}")

    @classmethod
    def parse(cls, text: str) -> TaskSet:
        """`FILE` or `NAME=FILE`; FILE may be a directory as `xgen data instruct` writes it.

        Raises:
            InputError: nothing is there.
        """
        name, equals, file = text.partition("=")
        path = Path(file if equals else text)
        if not path.exists():
            raise InputError(f"{path}: no such file or directory of examples")
        if not path.is_dir():
            return cls(name=name if equals else path.name.partition(".")[0], train=str(path))
        train, validation = path / "train.jsonl", path / "validation.jsonl"
        if not train.is_file():
            raise InputError(f"{path}: no train.jsonl in it; xgen data instruct writes one")
        held_out = validation.is_file() and validation.stat().st_size > 0
        return cls(
            name=name if equals else path.name,
            train=str(train),
            validation=str(validation) if held_out else "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedSets:
    """Files of examples by task, as a token store is built from them.

    Attributes:
        train, validation: file by task.
        dropped: examples that are none, by reason.
    """

    train: Mapping[str, Path]
    validation: Mapping[str, Path]
    dropped: Mapping[str, int]


def prepare_sets(
    sets: Iterable[TaskSet], directory: Path, *, by_task: bool = False
) -> PreparedSets:
    """Write the sets' examples, their prompts before them, as `SPLIT/TASK.jsonl` in a directory.

    All examples are held in memory.

    Args:
        sets: with distinct names.
        directory: made anew as often as asked; the same sets give the same bytes.
        by_task: split every set by `Example.task` instead of taking it for one task.

    Raises:
        InputError: a file is missing, damaged or of another form, none of its examples has a
            trained answer, or names are taken twice.
    """
    found: dict[Split, dict[str, list[Example]]] = {"train": {}, "validation": {}}
    dropped: dict[str, int] = {}
    known: dict[str, str] = {}
    for chosen in sets:
        for split in _SPLITS:
            file = chosen.train if split == "train" else chosen.validation
            if not file:
                continue
            if not by_task and _safe(chosen.name) in found[split]:
                raise InputError(f"two sets are named {chosen.name!r}: give NAME=FILE")
            for example in _read(file, dropped):
                task = (by_task and example.task) or chosen.name
                name = _safe(task)
                if known.setdefault(name, task) != task:
                    raise InputError(
                        f"{file}: tasks {known[name]!r} and {task!r} would share the directory "
                        f"{name}: rename one"
                    )
                found[split].setdefault(name, []).append(_prompted(example, chosen.prompt, file))
    if not found["train"]:
        raise InputError("no set of examples to train on was named")
    written: dict[Split, dict[str, Path]] = {"train": {}, "validation": {}}
    for split, tasks in found.items():
        for name, examples in sorted(tasks.items()):
            path = directory / split / f"{name}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_examples(path, examples)
            written[split][name] = path
    return PreparedSets(train=written["train"], validation=written["validation"], dropped=dropped)


def _read(file: str, dropped: dict[str, int]) -> list[Example]:
    examples: list[Example] = []
    reasons: dict[str, int] = {}
    for item in track(read_examples(file), f"examples of {Path(file).name}", unit="examples"):
        reason = ""
        if isinstance(item, Drop):
            if item.damaged:
                raise InputError(f"{item.example}: {item.reason}")
            reason = item.reason
        elif not any(message.trained for message in item.messages):
            reason = "no trained message"
        else:
            examples.append(item)
        if reason:
            reasons[reason] = reasons.get(reason, 0) + 1
    if not examples:
        why = "; ".join(f"{n} {reason}" for reason, n in reasons.items())
        raise InputError(f"{file}: no example to train on: {why or 'there is none'}")
    for reason, count in reasons.items():
        dropped[reason] = dropped.get(reason, 0) + count
    return examples


def _prompted(example: Example, prompt: str, file: str) -> Example:
    if not prompt:
        return example
    asked = next((i for i, m in enumerate(example.messages) if m.role == "user"), None)
    if asked is None:
        raise InputError(f"{file}: example {example.id!r} has no user's message for a task prompt")
    messages = list(example.messages)
    content = f"{prompt}\n\n{messages[asked].content}"
    messages[asked] = replace(messages[asked], content=content)
    return replace(example, messages=tuple(messages))


def _safe(name: str) -> str:
    """As a name of a directory, which a source of a store is."""
    return re.sub(r"[^\w.-]+", "-", name).strip(".") or "examples"
