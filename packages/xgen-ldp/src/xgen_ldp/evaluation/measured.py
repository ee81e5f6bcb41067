"""A system's scores on lines with references, and how they vary when the lines are drawn anew."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xgen_eval.metrics.translation import CorpusScore, bleu, chrf
from xgen_eval.statistics.bootstrap import resampled
from xgen_ldp.evaluation.pieces import PieceTokenizer
from xgen_ldp.evaluation.scores import Figure, Scoring
from xgen_ldp.evaluation.tokenizers import bleu_tokenizer, check_tokenizer
from xgen_ldp.languages import Language

__all__ = ["Measured", "Measures", "composed", "figure_of"]

Floats = npt.NDArray[np.float64]
_TAILS = (0.025, 0.975)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One score with its resamples.

    Attributes:
        value: 0 to 100.
        signature: sacrebleu's.
        resamples: the score of each resample, `[r]`. Scores of the same number of lines have the
            same draws of them, so that differences of resamples are those of a paired bootstrap.
        lines: behind it.
    """

    value: float
    signature: str
    resamples: Floats
    lines: int

    @property
    def figure(self) -> Figure:
        """With its standard error and 95 % interval."""
        return figure_of(self.value, self.resamples, self.signature, lines=self.lines)


class Measures:
    """The metrics of a run.

    Attributes:
        scoring: how it is scored.
        pieces: spBLEU's tokenizer; None where no file was given.
    """

    def __init__(self, scoring: Scoring) -> None:
        """Load what they need.

        Raises:
            InputError: no such tokenizer, no such SentencePiece file, or not one.
            MissingExtraError: what it needs is not installed.
        """
        self.scoring = scoring
        if scoring.tokenizer:
            check_tokenizer(scoring.tokenizer)
        self.pieces = (
            PieceTokenizer(scoring.spm_file, scoring.spm_name) if scoring.spm_file else None
        )

    def measure(
        self, texts: Sequence[str], references: Sequence[str], language: Language
    ) -> dict[str, Measured]:
        """Scores by metric, chrF++ first.

        Args:
            texts: one a line, compared as they are.
            references: one for each.
            language: of both.

        Raises:
            ValueError: no texts, or not as many references.
        """
        ours = [[reference] for reference in references]
        tokenizer = self.scoring.tokenizer or bleu_tokenizer(language).name
        scores = {"chrF++": chrf(texts, ours), "BLEU": bleu(texts, ours, tokenize=tokenizer)}
        if self.pieces is not None:
            scores["spBLEU"] = bleu(texts, ours, tokenize=self.pieces)
        return {name: self._resampled(score) for name, score in scores.items()}

    def note(self, language: Language) -> str:
        """Why BLEU has not its usual tokenizer; empty where it has, or where one was asked for."""
        return "" if self.scoring.tokenizer else bleu_tokenizer(language).note

    def _resampled(self, score: CorpusScore) -> Measured:
        n = len(score.statistics)
        numbers = np.arange(n, dtype=np.float64)[:, None]
        parts: list[Floats] = []
        for drawn in resampled(numbers, self.scoring.resamples, self.scoring.seed):
            rows = len(drawn)
            cells = drawn[..., 0].astype(np.intp) + n * np.arange(rows)[:, None]
            counts = np.bincount(cells.ravel(), minlength=rows * n).reshape(rows, n)
            parts.append(score.weighted(counts))
        return Measured(
            value=score.value,
            signature=score.signature,
            resamples=np.concatenate(parts),
            lines=n,
        )


def composed(text: str) -> str:
    """A model's text as it is scored: one line in Unicode NFC, as references are read."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


def figure_of(value: float, resamples: Floats, signature: str, *, lines: int) -> Figure:
    """A figure, given what the bootstrap made of it."""
    if lines < 2:
        return Figure(value=value, signature=signature)
    low, high = np.quantile(resamples, _TAILS)
    return Figure(
        value=value,
        stderr=float(np.std(resamples, ddof=1)),
        interval=(float(low), float(high)),
        signature=signature,
    )
