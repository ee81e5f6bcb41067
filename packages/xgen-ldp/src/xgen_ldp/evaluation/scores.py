"""What a run's translations are worth: figures by direction and system, and how sure they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from xgen_core.records import Record
from xgen_eval.inputs import DataFile
from xgen_ldp.line import Direction

__all__ = [
    "METRICS",
    "Comparison",
    "Figure",
    "GroupMean",
    "Kind",
    "RunScores",
    "Scored",
    "Scoring",
    "group_title",
]

METRICS = ("chrF++", "BLEU", "spBLEU")
"""The first is the one that systems are judged by; the last needs a file of pieces."""

Kind = Literal["into-english", "from-english"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring(Record):
    """How a run is scored; part of its recipe.

    Attributes:
        tokenizer: BLEU's, by sacrebleu's name; empty for the one that fits the target language.
        spm_file: SentencePiece model for spBLEU; empty: no spBLEU.
        spm_name: what sacrebleu calls it: `flores200`, `flores101`, `spBLEU-1K`. Empty: as its
            file's name tells, or else by its content.
        resamples: of the bootstrap.
        seed: decides the resamples.
    """

    tokenizer: str = ""
    spm_file: str = ""
    spm_name: str = ""
    resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resamples < 100:
            raise ValueError(f"resamples: expected at least 100, got {self.resamples}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure(Record):
    """One score.

    Attributes:
        value: 0 to 100.
        stderr: one standard error, by bootstrap over lines; None for a single line.
        interval: the 95 % interval, by the same.
        signature: sacrebleu's. Figures of two signatures are not comparable.
    """

    value: float
    stderr: float | None = None
    interval: tuple[float, float] | None = None
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored(Record):
    """One system in one direction.

    Every line with a reference is scored by what the system wrote, accepted or not, as papers do; a
    line without an answer is scored as an empty one.

    Attributes:
        direction: from which language into which.
        system: the method's or the file's name.
        lines: how many it was given.
        scored: how many of them have a reference.
        accepted: of all lines, those whose translation was accepted.
        rejected: of all lines, by their translation's first reason.
        failed: of all lines, those without an answer, by the error's class.
        figures: by metric; empty where no line has a reference.
        notes: on how it was scored.
    """

    direction: Direction
    system: str
    lines: int
    scored: int
    accepted: int
    rejected: Mapping[str, int] = field(default_factory=dict[str, int])
    failed: Mapping[str, int] = field(default_factory=dict[str, int])
    figures: Mapping[str, Figure] = field(default_factory=dict[str, Figure])
    notes: tuple[str, ...] = ()

    @property
    def acceptance(self) -> float:
        """Share of the lines whose translation was accepted, 0 to 1."""
        return self.accepted / self.lines


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMean(Record):
    """The mean over a group's languages of one system, each language counting alike.

    Attributes:
        group: `"indic13"`, as `language_group` knows it.
        kind: into English or from it.
        system: whose.
        present: codes of the languages that the run has.
        of: how many the group has.
        figures: by metric, without a signature of more than one tokenizer: a metric of which the
            languages have different ones is left out. Intervals are of the choice of lines, not of
            the choice of languages.
    """

    group: str
    kind: Kind
    system: str
    present: tuple[str, ...]
    of: int
    figures: Mapping[str, Figure]

    @property
    def whole(self) -> bool:
        """Whether the run has all languages of the group."""
        return len(self.present) == self.of

    @property
    def title(self) -> str:
        """`"Indic13 → English"`."""
        return group_title(self.group, self.kind)


def group_title(group: str, kind: Kind) -> str:
    """`"Indic13 → English"`, or the reverse."""
    name = group.capitalize()
    return f"{name} → English" if kind == "into-english" else f"English → {name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Record):
    """Two systems on the same lines, by paired bootstrap. Differences are second minus first.

    Attributes:
        where: a direction's name, or a group's title for differences of means.
        metric: of `METRICS`.
        first, second: systems.
        difference: of their scores.
        interval: the 95 % interval of the difference; None for a single line.
        p: probability of a difference at least as large, of either sign, if there were none.
        corrected: by Holm over all comparisons of the metric over directions, or over groups.
        one_sided: p as sacrebleu's `--paired-bs` computes it, about half of `p` where the systems
            are far apart; to be compared with figures of others, not to be judged by.
        lines: that both were scored on.
        signature: of both.
    """

    where: str
    metric: str
    first: str
    second: str
    difference: float
    interval: tuple[float, float] | None
    p: float
    corrected: float
    one_sided: float
    lines: int
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunScores(Record):
    """All figures of a run.

    Attributes:
        scoring: how they were computed.
        spm: the file of pieces of spBLEU, by content.
        scored: in the order of the run.
        means: over groups of which the run has at least two languages.
        comparisons: of each system with the first of its direction.
        mean_comparisons: of the means, likewise.
    """

    scoring: Scoring
    spm: DataFile | None = None
    scored: tuple[Scored, ...] = ()
    means: tuple[GroupMean, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    mean_comparisons: tuple[Comparison, ...] = ()

    def of(self, direction: Direction, system: str) -> Scored:
        """One system in one direction.

        Raises:
            KeyError: the run does not have it.
        """
        for one in self.scored:
            if (one.direction.name, one.system) == (direction.name, system):
                return one
        raise KeyError(f"{direction.name}, {system}")
