"""MMLU (Hendrycks et al. 2021): its questions of physics and of biology."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xgen_core import CodecError, InputError
from xgen_eval.datasets import DataSet, Raw, read_rows
from xgen_eval.tasks.mmlu import Mmlu, parse_mmlu
from xgen_reason.question import Question

__all__ = ["read_mmlu_biology", "read_mmlu_physics"]

_LETTERS = ("A", "B", "C", "D")


def read_mmlu_physics(path: Path) -> Iterator[Question]:
    """High-school and college physics: 151 and 102 questions of the test split.

    Args:
        path: a CSV file of the release, named after its subject, or the directory with both.

    Raises:
        InputError: see `read_questions`.
    """
    return _read("mmlu_physics", path, ("high_school_physics", "college_physics"))


def read_mmlu_biology(path: Path) -> Iterator[Question]:
    """High-school and college biology: 310 and 144 questions; see `read_mmlu_physics`.

    Raises:
        InputError: see `read_questions`.
    """
    return _read("mmlu_biology", path, ("high_school_biology", "college_biology"))


def _read(name: str, path: Path, subjects: tuple[str, ...]) -> Iterator[Question]:
    files = [path]
    if path.is_dir():
        files = [path / f"{subject}_test.csv" for subject in subjects]
        missing = [file.name for file in files if not file.is_file()]
        if missing:
            raise InputError(f"{path}: expected {' and '.join(missing)} in it")

    def parse(raw: Raw) -> Question:
        row = parse_mmlu(raw)
        if row.subject not in subjects:
            raise CodecError(f"subject: expected {' or '.join(subjects)}, got {row.subject}")
        return Question(
            id=row.id,
            text=row.question,
            kind="choice",
            options=dict(zip(_LETTERS, row.choices, strict=True)),
            golds=(_LETTERS[row.gold],),
            attributes={"subject": row.subject},
        )

    columns = Mmlu.dataset.columns
    return read_rows(DataSet(name=name, row=Question, parse=parse, columns=columns), files)
