"""AlpacaEval's files: outputs of a model, and annotations of a judge, in alpaca_eval's form.

outputs       [{"instruction", "output", "generator"?, "dataset"?}, …]
annotations   [{"instruction", "output_1", "output_2", "preference", …}, …]: output_1 is the
              baseline's, output_2 the model's; the preference as in `xgen_eval.judges.win_rate`
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from xgen_core import CodecError, InputError
from xgen_core.codec import decode
from xgen_core.files import read_json
from xgen_core.records import Record, Scalar

__all__ = [
    "Annotation",
    "Output",
    "annotation_lines",
    "matched",
    "read_annotations",
    "read_outputs",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Output(Record):
    """What a model wrote to one instruction; `dataset` names the part of the benchmark."""

    instruction: str
    output: str
    generator: str = ""
    dataset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation(Record):
    """A judged pair: `output_1` by the baseline, `output_2` by the model; None is no preference."""

    instruction: str
    output_1: str
    output_2: str
    preference: float | None
    generator_1: str = ""
    generator_2: str = ""
    dataset: str = ""
    annotator: str = ""


def read_outputs(path: Path) -> list[Output]:
    """The outputs of a file.

    Raises:
        InputError: no such file, no list, an entry that is no output, none, or one instruction
            twice.
    """
    outputs = _read(path, _output)
    seen: set[str] = set()
    for number, output in enumerate(outputs, 1):
        if output.instruction in seen:
            raise InputError(
                f"{path}: entry {number}: a second output to {output.instruction[:60]!r}"
            )
        seen.add(output.instruction)
    return outputs


def read_annotations(path: Path) -> list[Annotation]:
    """The annotations of a file.

    Raises:
        InputError: no such file, no list, an entry that is no annotation, or none.
    """
    return _read(path, _annotation)


def matched(outputs: Sequence[Output], reference: Sequence[Output], path: Path) -> list[Output]:
    """The outputs in the order of the reference's instructions.

    Raises:
        InputError: there is none to an instruction of the reference.
    """
    found = {o.instruction: o for o in outputs}
    missing = [r.instruction for r in reference if r.instruction not in found]
    if missing:
        raise InputError(
            f"{path}: no output to {len(missing)} of {len(reference)} instructions, such as "
            f"{missing[0][:60]!r}"
        )
    return [found[r.instruction] for r in reference]


def annotation_lines(rows: Iterable[Mapping[str, Scalar]]) -> Iterator[dict[str, Scalar]]:
    """Annotations in alpaca_eval's form, from the rows of an `alpaca_eval` run."""
    names = ("instruction", "output_1", "output_2", "generator_1", "generator_2")
    for row in rows:
        if "output_2" in row:
            yield {
                **{name: row[name] for name in names},
                "dataset": row.get("attr.dataset", ""),
                "annotator": row.get("judge", ""),
                "preference": row.get("preference"),
                "raw_completion": row.get("judgment"),
            }


def _read(path: Path, parse: Callable[[Mapping[str, object]], T]) -> list[T]:
    value = read_json(path)
    if not isinstance(value, list) or not value:
        raise InputError(f"{path}: expected a JSON list of entries, got {value!r:.40}")
    found: list[T] = []
    for number, entry in enumerate(cast("list[object]", value), 1):
        try:
            found.append(parse(decode(dict[str, object], entry)))
        except CodecError as error:
            raise InputError(f"{path}: entry {number}: {error}") from error
    return found


def _output(fields: Mapping[str, object]) -> Output:
    known = ("instruction", "output", "generator", "dataset")
    return Output.from_json({k: fields[k] for k in known if fields.get(k) is not None})


def _annotation(fields: Mapping[str, object]) -> Annotation:
    known = ("instruction", "output_1", "output_2", "generator_1", "generator_2", "dataset")
    known = (*known, "annotator")
    if "preference" not in fields:
        raise CodecError("Annotation lacks the field 'preference'")
    preference = decode(float | None, fields["preference"], "preference")  # pyright: ignore
    if preference is not None and math.isnan(preference):
        preference = None
    values = {k: fields[k] for k in known if fields.get(k) is not None}
    return Annotation.from_json({**values, "preference": preference})
