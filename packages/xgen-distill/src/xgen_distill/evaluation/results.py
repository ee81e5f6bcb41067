"""An evaluation in figures, as `results.json` says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xgen_core import CodecError, FormatError
from xgen_core.codec import decode
from xgen_core.files import check_format, read_json, write_json
from xgen_core.records import Record
from xgen_distill.evaluation.scores import StepScores
from xgen_eval.task import Metric

__all__ = ["EvaluationResults", "read_evaluation"]

_FORMAT = "xgen-distill-evaluation"
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationResults(Record):
    """What one student's samples are worth on one file of tasks.

    Attributes:
        student: identity of the model.
        benchmark: where all tasks are from, `"humaneval"` say; empty where they are of several.
        tasks: how many.
        leaked: ids of those that the training data has; None where nobody looked.
        level: the sandbox's.
        scores: of every setting and step.
        unanswered: tasks without samples, by setting and reason; they are in no figure, and another
            start tries them again.
        calls, prompt_tokens, completion_tokens: asked of the student, as it counts them; answers
            that were known count as well.
        money: for them; None without prices.
    """

    student: str
    benchmark: str
    tasks: int
    leaked: tuple[str, ...] | None
    level: str
    scores: tuple[StepScores, ...]
    unanswered: Mapping[str, Mapping[str, int]] = field(
        default_factory=dict[str, Mapping[str, int]]
    )
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    money: float | None = None

    def steps(self) -> Iterator[tuple[str, dict[str, tuple[Metric, Metric | None]]]]:
        """Yield each step's label with its pass@k over all settings: on all tasks, on clean ones.

        Of two settings that compute one k the first counts.
        """
        labels = dict.fromkeys(score.label for score in self.scores)
        for label in labels:
            found: dict[str, tuple[Metric, Metric | None]] = {}
            for score in self.scores:
                if score.label == label:
                    for name, metric in score.metrics.items():
                        found.setdefault(name, (metric, score.clean.get(name)))
            yield label, found

    def write(self, path: Path) -> None:
        """Write `results.json`; equal results, equal bytes."""
        write_json(path, {"format": _FORMAT, "version": _VERSION, **self.to_json()})


def read_evaluation(directory: Path | str) -> EvaluationResults:
    """The figures of a finished evaluation.

    Raises:
        InputError: there is none.
        FormatError: it is of another format or version.
    """
    path = Path(directory) / "results.json"
    header = check_format(read_json(path), name=_FORMAT, version=_VERSION, path=path)
    fields = {name: value for name, value in header.items() if name not in ("format", "version")}
    try:
        return decode(EvaluationResults, fields)
    except CodecError as error:
        raise FormatError(f"{path}: not of this release: {error}; evaluate again") from error
