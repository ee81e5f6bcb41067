"""One training item beside one benchmark task: what they share, and what that means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from xgen_core.records import Record

__all__ = ["KINSHIPS", "NGRAMS", "WORDING", "Evidence", "Kinship"]

Kinship = Literal["leak", "similar", "unrelated"]
"""`leak`: the training data has this task. `similar`: it has one like it. `unrelated`: neither,
though something made the pair worth looking at."""

KINSHIPS: tuple[Kinship, ...] = get_args(Kinship)

NGRAMS = (8, 10, 13)
"""Lengths of shared runs of words that are looked for. 13 is that of GPT-3's decontamination
(Brown et al. 2020)."""

WORDING = 0.5
"""ROUGE-L of two instructions above which a pair is looked at. It decides nothing alone: of MBPP's
307 one-sentence tasks 283 have a training task above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence(Record):
    """A pair with what was found.

    Attributes:
        task: id of the benchmark's task.
        item: id of the training item.
        ngram: length of the longest of `NGRAMS` that the instructions share; 0 for none.
        words: those that they share.
        rouge_l: F-measure of the instructions.
        same_name: whether the functions have one name, and not one that any function may have.
        same_tree: whether a training solution is the benchmark's but for names, annotations,
            docstrings and layout; of functions of 30 nodes or more.
        passes: whether a training solution passes all tests of the benchmark's task under that
            task's name; None where none was run.
        agrees: whether it also agrees with the benchmark's solution on inputs near those of the
            tests (see `probe`); None where it passes none, or there are no such inputs.
        outcome: of the last that was run, or why none was.
        verdict: by `judged`.
    """

    task: str
    item: str
    ngram: int = 0
    words: str = ""
    rouge_l: float = 0.0
    same_name: bool = False
    same_tree: bool = False
    passes: bool | None = None
    agrees: bool | None = None
    outcome: str = ""
    verdict: Kinship = "unrelated"

    def judged(self) -> Evidence:
        """The same with its verdict.

        - `leak`: equal trees, 13 words in a row shared, or a training solution that passes all
          tests of the benchmark's task and does not disagree with its solution beyond them.
        - `similar`: a training solution that passes and disagrees, 10 words in a row shared, or two
          of: 8 words in a row, the same name, ROUGE-L above `WORDING`.
        - `unrelated`: the rest. ROUGE-L alone proves nothing, however high.
        """
        verdict: Kinship = "unrelated"
        hints = (self.ngram >= NGRAMS[0]) + self.same_name + (self.rouge_l > WORDING)
        solves = self.passes and self.agrees is not False
        if self.same_tree or self.ngram >= NGRAMS[2] or solves:
            verdict = "leak"
        elif self.passes or self.ngram >= NGRAMS[1] or hints >= 2:
            verdict = "similar"
        return replace(self, verdict=verdict)
