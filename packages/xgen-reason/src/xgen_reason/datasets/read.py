"""Questions of a data set by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from xgen_core import InputError
from xgen_core.codec import unknown_name
from xgen_core.files import read_jsonl
from xgen_reason.datasets.adv_hotpotqa import read_adv_hotpotqa
from xgen_reason.datasets.fetaqa import read_fetaqa
from xgen_reason.datasets.fever import read_fever
from xgen_reason.datasets.hotpotqa import read_2wiki, read_hotpotqa
from xgen_reason.datasets.medmcqa import read_medmcqa
from xgen_reason.datasets.mmlu import read_mmlu_biology, read_mmlu_physics
from xgen_reason.datasets.qald import read_qald
from xgen_reason.question import Question

__all__ = ["dataset_names", "read_questions"]


def _read_own(path: Path) -> Iterator[Question]:
    return read_jsonl(path, Question.from_json)


_READERS: Mapping[str, Callable[[Path], Iterator[Question]]] = {
    "2wiki": read_2wiki,
    "adv_hotpotqa": read_adv_hotpotqa,
    "fetaqa": read_fetaqa,
    "fever": read_fever,
    "hotpotqa": read_hotpotqa,
    "medmcqa": read_medmcqa,
    "mmlu_biology": read_mmlu_biology,
    "mmlu_physics": read_mmlu_physics,
    "qald": read_qald,
    "questions": _read_own,
}


def dataset_names() -> list[str]:
    """Names that `read_questions` knows, sorted."""
    return sorted(_READERS)


def read_questions(name: str, path: Path | str) -> list[Question]:
    """All questions of a file that the authors of a data set publish.

    Args:
        name: one of `dataset_names`; `questions` is JSON lines of our own record `Question`.
        path: of the file; for MMLU also the directory with the files of its subjects.

    Raises:
        InputError: an unknown name, no such file, a row that is not one of the data set (file, line
            and field are named), no rows, or two with one id.
    """
    if name not in _READERS:
        raise InputError(unknown_name(name, dataset_names(), "data set"))
    file = Path(path)
    questions: dict[str, Question] = {}
    for number, question in enumerate(_READERS[name](file), 1):
        if question.id in questions:
            raise InputError(f"{file}: row {number}: the id {question.id!r} was there before")
        questions[question.id] = question
    if not questions:
        raise InputError(f"{file}: no questions in it")
    return list(questions.values())
