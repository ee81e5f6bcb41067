"""How tasks are to be made: what is asked of the teacher, and what is kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from xgen_core import ModelInfo
from xgen_core.records import Record
from xgen_distill.configuration import Sampling
from xgen_distill.generation.filters import Filters
from xgen_distill.generation.novelty import JACCARD, ROUGE_L
from xgen_distill.tasks.splitting import SHOWN
from xgen_eval.execution import Limits
from xgen_eval.inputs import DataFile

__all__ = ["Generation", "GenerationRecipe"]

_LISTS = Sampling(temperature=1.0, top_p=1.0, max_tokens=3072)
_REWRITING = Sampling(temperature=1.0, top_p=1.0, max_tokens=512)
_ANSWERS = Sampling(temperature=0.0, top_p=1.0, max_tokens=1024)
_LIMITS = Limits(wall_seconds=5.0, cpu_seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation(Record):
    """Everything that decides which tasks are made, but how many.

    Seeds, length and sampling of lists, their number in a wave, the filters and the threshold of
    ROUGE-L are CodeAlpaca's.

    Attributes:
        seeds: shown in a prompt.
        asked: tasks in a list, the seeds included.
        wave: lists that are asked for before it is seen whether more are needed.
        filters: of instructions.
        rouge_l, jaccard: see `Novelty`.
        barren: waves without a new task after which no more are asked for.
        calls: asked of the teacher for each task; PERsD's five.
        fewest: of them that must be tests in the end.
        shown: tests that are shown.
        lists, rewriting, answers: how the teacher is sampled for lists of tasks, for rewritten
            instructions, and for solutions, judgements and tests.
        limits: of each run of a solution.
        seed: of requests and of what is drawn.
    """

    seeds: int = 3
    asked: int = 20
    wave: int = 5
    filters: Filters = field(default_factory=Filters)
    rouge_l: float = ROUGE_L
    jaccard: float = JACCARD
    barren: int = 3
    calls: int = 5
    fewest: int = 5
    shown: int = SHOWN
    lists: Sampling = _LISTS
    rewriting: Sampling = _REWRITING
    answers: Sampling = _ANSWERS
    limits: Limits = _LIMITS
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.seeds, self.wave, self.barren, self.shown) < 1:
            raise ValueError(f"seeds, wave, barren and shown must be at least 1, got {self}")
        if self.asked <= self.seeds:
            raise ValueError(f"a list has more than its {self.seeds} seeds, got asked={self.asked}")
        if not 1 <= self.fewest <= self.calls:
            raise ValueError(f"expected 1 ≤ fewest ≤ calls, got {self.fewest} and {self.calls}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRecipe(Record):
    """What made tasks rest on; how many are made is no part of it, so a run goes on to more.

    Attributes:
        files: with the seeds.
        seeds: fingerprint of the seeds, where they are of no file.
        teacher: who is asked.
        generation: how.
    """

    files: tuple[DataFile, ...]
    seeds: str
    teacher: ModelInfo
    generation: Generation
