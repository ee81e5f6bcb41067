"""Scores of files of translations, as they stand: what sacrebleu's own command line prints."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xgen_core import InputError
from xgen_core.progress import Progress
from xgen_core.records import Record
from xgen_eval.inputs import DataFile
from xgen_ldp.corpora.alignment import first_differing
from xgen_ldp.corpora.text import read_texts
from xgen_ldp.evaluation.comparison import compare, corrected
from xgen_ldp.evaluation.measured import Measured, Measures
from xgen_ldp.evaluation.scores import Comparison, Figure, Scoring
from xgen_ldp.languages import ENGLISH, Language

__all__ = ["FileScores", "score_files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileScores(Record):
    """Scores of one or more systems' files.

    Attributes:
        lines: of each file.
        reference: the file that they are scored by.
        spm: spBLEU's pieces, by content.
        systems: figures by path and metric.
        comparisons: of each further file with the first.
        notes: on how they were scored.
    """

    lines: int
    reference: DataFile
    spm: DataFile | None = None
    systems: Mapping[str, Mapping[str, Figure]]
    comparisons: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()


def score_files(
    paths: Sequence[Path | str],
    reference: Path | str,
    *,
    language: Language | None = None,
    scoring: Scoring | None = None,
) -> FileScores:
    """Score files line by line, and compare each further one with the first.

    Texts are compared as they stand in the files: nothing is composed or stripped that sacrebleu
    does not strip.

    Args:
        paths: of systems' outputs, one line a line of the reference.
        reference: of translations by people.
        language: of all of them, which BLEU's tokenizer follows; None: `13a`.
        scoring: how; the defaults where it is None.

    Raises:
        InputError: no files, one that cannot be read, or one with another number of lines.
        MissingExtraError: what the scoring needs is not installed.
    """
    if len(set(map(str, paths))) != len(paths) or not paths:
        raise InputError("expected one or more files, each once")
    target = language or ENGLISH
    measures = Measures(scoring or Scoring())
    wanted = _read(reference)
    texts = {f"{path}": _read(path) for path in paths}
    for path, own in texts.items():
        _check(path, own, f"{reference}", wanted)
    measured: dict[str, dict[str, Measured]] = {}
    with Progress("scoring", len(texts), unit="files") as progress:
        for path, own in texts.items():
            measured[path] = measures.measure(own, wanted, target)
            progress.advance()
    first = f"{paths[0]}"
    comparisons = [
        compare(
            measured[first][metric],
            score,
            names=(first, path),
            metric=metric,
            where=target.name if language else "files",
        )
        for path, scores in measured.items()
        for metric, score in scores.items()
        if path != first
    ]
    note = measures.note(target)
    forms = [_form(path, own, wanted) for path, own in texts.items()]
    return FileScores(
        lines=len(wanted),
        reference=DataFile.of(Path(reference)),
        spm=measures.pieces.file if measures.pieces else None,
        systems={
            path: {metric: score.figure for metric, score in scores.items()}
            for path, scores in measured.items()
        },
        comparisons=corrected(comparisons),
        notes=tuple(filter(None, (note, *forms))),
    )


def _read(path: Path | str) -> list[str]:
    return [text.rstrip() for text in read_texts(path)]


def _check(path: str, texts: Sequence[str], reference: str, wanted: Sequence[str]) -> None:
    if len(texts) != len(wanted):
        differing = first_differing(wanted, texts)
        told = f"; they seem to differ from about line {differing} on" if differing else ""
        raise InputError(
            f"{path} has {len(texts)} lines and {reference} {len(wanted)}, but line n of one must "
            f"be a translation as line n of the other{told}"
        )


def _form(path: str, texts: Sequence[str], wanted: Sequence[str]) -> str:
    """Lines that equal their reference only once both are composed."""
    apart = sum(
        unicodedata.is_normalized("NFC", own) != unicodedata.is_normalized("NFC", other)
        for own, other in zip(texts, wanted, strict=True)
    )
    if not apart:
        return ""
    return (
        f"{path}: {apart} of {len(texts)} lines are in Unicode NFC where their reference is not, "
        "or the reverse, and match it worse for that; `xgen ldp run` scores both in NFC"
    )
