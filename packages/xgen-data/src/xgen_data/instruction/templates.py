"""Labelled data become tasks: a template says how a row is asked and how its label is answered.

The idea is that of T0/PromptSource (Sanh et al. 2022; Bach et al. 2022) and FLAN (Wei et al. 2022):
several templates a task, each a natural way to ask, with a *verbaliser* from labels to words. Two
modes differ in how text and answer are joined:

    instruction   the row is asked as a person would, and the answer is a turn of its own
    prefix        the task is named in front (`"nli premise: … hypothesis: …"`, as T5 does), and the
                  answer goes on after one space: for use with the `raw` chat template

With exemplars the prompt begins with other rows and their answers. They are drawn from a pool that
has to be the training side of a split; a row is never its own exemplar, nor is a copy of it.
"""

from __future__ import annotations

import hashlib
import json
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from xgen_core import Example, InputError, Message
from xgen_core.codec import unknown_name
from xgen_core.records import Record, Scalar
from xgen_data.instruction.parts import FORM, TASK_TYPE, content_id, normalise, stable_fraction

__all__ = ["LabelledRow", "Pool", "PromptTemplate", "render_rows"]

LabelledRow = Mapping[str, Scalar]
"""One item of a labelled data set: fields by name, and the label among them."""
_OPTIONS = "options"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptTemplate(Record):
    """One way to ask the rows of a task.

    Attributes:
        name: unique within the task.
        task: the task's name.
        text: the prompt, with `{field}` for fields of a row and `{options}` for the verbaliser's
            words; `{{` and `}}` are braces. Only plain names may stand in braces.
        label: the field that holds the label.
        verbaliser: words by label; empty to answer with the label as it stands.
        mode: above.
        type: the kind of task, for splits that hold out kinds.
        separator: between exemplars.
    """

    name: str
    task: str
    text: str
    label: str
    verbaliser: Mapping[str, str] = field(default_factory=dict[str, str])
    mode: Literal["instruction", "prefix"] = "instruction"
    type: str = ""
    separator: str = "\n\n"

    def __post_init__(self) -> None:
        fields = self.fields
        if self.label in fields:
            raise ValueError(f"template {self.name!r} gives the label {self.label!r} away")
        if not fields:
            raise ValueError(f"template {self.name!r} has no {{field}}: all rows would be the same")
        if _OPTIONS in fields and not self.verbaliser:
            raise ValueError(f"template {self.name!r} has {{options}} but no verbaliser")
        if len(set(self.verbaliser.values())) < len(self.verbaliser):
            raise ValueError(f"template {self.name!r} gives two labels the same words")

    @property
    def fields(self) -> tuple[str, ...]:
        """The names in braces, each once, in order.

        Raises:
            ValueError: a brace without its other half, or something else than a name in braces.
        """
        return tuple(dict.fromkeys(name for _, name in self._parts() if name is not None))

    def ask(self, row: LabelledRow) -> str:
        """The prompt of a row, without exemplars.

        Raises:
            InputError: the row lacks a field.
        """
        return "".join(
            text + ("" if name is None else self._value(row, name)) for text, name in self._parts()
        )

    def answer(self, row: LabelledRow) -> str:
        """The words for a row's label.

        Raises:
            InputError: the row has no label, or one that the verbaliser has no words for.
        """
        label = row.get(self.label)
        if label is None or label == "":
            raise InputError(f"{self._where(row)} has no label under {self.label!r}")
        if not self.verbaliser:
            return str(label)
        if str(label) not in self.verbaliser:
            known = unknown_name(str(label), list(self.verbaliser), "label")
            raise InputError(f"{self._where(row)}: {known}")
        return self.verbaliser[str(label)]

    def render(self, row: LabelledRow, exemplars: Sequence[LabelledRow] = ()) -> Example:
        """The row as an example, after the exemplars with their answers.

        Raises:
            InputError: a row lacks a field or has an unknown label; or the row is an exemplar.
        """
        key = row_key(row, self)
        joint = "\n" if self.mode == "instruction" else " "
        shown: list[str] = []
        for exemplar in exemplars:
            if row_key(exemplar, self) == key:
                raise InputError(f"{self._where(row)} is among its own exemplars")
            shown.append(f"{self.ask(exemplar)}{joint}{self.answer(exemplar)}")
        prompt = self.separator.join([*shown, self.ask(row)])
        space = " " if self.mode == "prefix" else ""
        messages = (
            Message(role="user", content=prompt),
            Message(role="assistant", content=space + self.answer(row), trained=True),
        )
        metadata: dict[str, Scalar] = {
            FORM: "template",
            "template.name": self.name,
            "template.mode": self.mode,
            "template.shots": len(shown),
            "template.label": str(row[self.label]),
            "split.group": f"{self.task}/{key}",
        }
        if self.type:
            metadata[TASK_TYPE] = self.type
        if row.get("id") not in (None, ""):
            metadata["instruction.id"] = str(row["id"])
        return Example(
            id=content_id(messages, "template"),
            messages=messages,
            task=self.task,
            metadata=metadata,
        )

    def _parts(self) -> Iterator[tuple[str, str | None]]:
        """Text, and the name that follows it."""
        try:
            parts = list(string.Formatter().parse(self.text))
        except ValueError as error:
            raise ValueError(f"template {self.name!r}: {error}; write {{{{ for a brace") from error
        for text, name, form, conversion in parts:
            if name is not None and (not name.isidentifier() or form or conversion):
                raise ValueError(
                    f"template {self.name!r}: only plain names may stand in braces, got {name!r}"
                )
            yield text, name

    def _value(self, row: LabelledRow, name: str) -> str:
        if name == _OPTIONS and name not in row:
            return ", ".join(self.verbaliser.values())
        value = row.get(name)
        if value is None:
            has = ", ".join(sorted(row)) or "nothing"
            raise InputError(f"{self._where(row)} has no field {name!r}; it has {has}")
        return str(value)

    def _where(self, row: LabelledRow) -> str:
        identity = row.get("id")
        which = f"row {identity!r}" if identity not in (None, "") else f"row {dict(row)!r:.80}"
        return f"template {self.task}/{self.name}: {which}"


def row_key(row: LabelledRow, template: PromptTemplate) -> str:
    """What a row is, its id and label aside: rows that ask the same have equal keys."""
    names = sorted(name for name in row if name not in ("id", template.label))
    content = json.dumps([[name, normalise(str(row[name]))] for name in names])
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Pool:
    """Rows that exemplars are drawn from: the training side, never the one that is evaluated.

    Args:
        rows: to draw from.
        template: any template of the task; tells labels from other fields.
    """

    def __init__(self, rows: Iterable[LabelledRow], template: PromptTemplate) -> None:
        self._template = template
        self._keys: list[str] = []
        self._rows: list[LabelledRow] = []
        self._by_label: dict[str, list[int]] = {}
        for index, row in enumerate(rows):
            self._rows.append(row)
            self._keys.append(row_key(row, template))
            self._by_label.setdefault(str(row.get(template.label)), []).append(index)

    def draw(
        self, row: LabelledRow, shots: int, *, seed: int = 0, balanced: bool = False
    ) -> list[LabelledRow]:
        """Exemplars for a row: by seed and content of the row alone, never the row or a copy of it.

        Args:
            row: the row that will be asked.
            shots: how many.
            seed: another seed, other exemplars.
            balanced: each label equally often, to within one; which come first is drawn too.

        Raises:
            InputError: the pool has not that many other rows (of a label, where balanced).
        """
        key = row_key(row, self._template)
        labels = sorted(self._by_label)
        if not balanced or not labels:
            quotas = [(list(range(len(self._rows))), shots, "")]
        else:
            labels.sort(key=lambda label: stable_fraction(label, f"{seed}:{key}:"))
            each, rest = divmod(shots, len(labels))
            quotas = [
                (self._by_label[label], each + (number < rest), f" of label {label!r}")
                for number, label in enumerate(labels)
            ]
        chosen: list[int] = []
        for indices, count, of_label in quotas:
            chosen += self._sample(indices, count, key, seed, of_label)
        chosen.sort(key=lambda index: stable_fraction(str(index), f"{seed}:{key}:order:"))
        return [self._rows[index] for index in chosen]

    def _sample(
        self, indices: Sequence[int], count: int, key: str, seed: int, of_label: str
    ) -> list[int]:
        """Distinct rows by probing: the n-th probe's place follows from seed, row and n."""
        seen = {key}
        found: list[int] = []
        order = _probes(len(indices), f"{seed}:{key}:{of_label}:") if count else ()
        for place in order:
            index = indices[place]
            if self._keys[index] not in seen:
                seen.add(self._keys[index])
                found.append(index)
                if len(found) == count:
                    break
        if len(found) < count:
            raise InputError(
                f"task {self._template.task!r}: {count} exemplars{of_label} are wanted but only "
                f"{len(found)} other rows are there: take fewer shots or a larger pool"
            )
        return found


def render_rows(
    rows: Iterable[LabelledRow],
    templates: Sequence[PromptTemplate],
    *,
    pool: Sequence[LabelledRow] = (),
    shots: int = 0,
    balanced: bool = False,
    every: bool = False,
    seed: int = 0,
) -> Iterator[Example]:
    """Render rows, each by one of the templates or by all of them.

    Args:
        rows: of one task.
        templates: of that task.
        pool: rows of the training side that exemplars are drawn from.
        shots: exemplars a prompt.
        balanced: labels equally often among the exemplars.
        every: one example for each template; by default the row's hash picks one.
        seed: of exemplars and of the choice of templates.

    Raises:
        InputError: see `PromptTemplate.render` and `Pool.draw`.
        ValueError: no templates, or of several tasks.
    """
    if len({template.task for template in templates}) != 1:
        raise ValueError("templates of exactly one task are needed")
    source = Pool(pool, templates[0])
    for row in rows:
        key = row_key(row, templates[0])
        pick = int(stable_fraction(key, f"{seed}:template:") * len(templates))
        for template in templates if every else [templates[pick]]:
            yield template.render(row, source.draw(row, shots, seed=seed, balanced=balanced))


def _probes(count: int, salt: str) -> Iterator[int]:
    """All of `0 … count - 1` in an order that the salt names; the first few cost little."""
    swapped: dict[int, int] = {}
    for i in range(count):  # Fisher and Yates, remembering only what was moved
        j = i + int(stable_fraction(str(i), salt) * (count - i))
        yield swapped.get(j, j)
        swapped[j] = swapped.get(i, i)
