"""BLEU and chrF++ of a corpus, by sacrebleu, with what resampling needs; BLEU of a sentence.

Neither of the first two is a mean over sentences: each is computed from counts summed over the
corpus. So a bootstrap resamples the sentences' counts, and sums them anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sacrebleu.metrics.base import Metric as SacreMetric
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.tokenizers.tokenizer_base import BaseTokenizer

__all__ = ["CorpusScore", "bleu", "chrf", "sentence_bleu"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusScore:
    """A corpus metric on one system's output.

    Attributes:
        value: 0 to 100.
        signature: sacrebleu's: tokenization, case, smoothing, version. Scores of two signatures
            cannot be compared.
        statistics: counts of each sentence, `[sentences, k]`.
        metric: from summed counts to a score.
    """

    value: float
    signature: str
    statistics: np.ndarray
    metric: SacreMetric

    def of(self, sentences: Sequence[int] | np.ndarray) -> float:
        """The score of these sentences; one named twice counts twice."""
        return _value(self.metric, self.statistics[np.asarray(sentences, dtype=np.intp)])

    def weighted(self, weights: np.ndarray) -> np.ndarray:
        """Scores `[r]` of r resamples, given how often each sentence counts in them.

        Args:
            weights: whole numbers, `[r, sentences]`.
        """
        # doubles multiply many times faster than integers, and are exact up to 2^53
        sums = weights.astype(np.float64) @ self.statistics.astype(np.float64)
        return np.array([_of_sums(self.metric, row) for row in sums.astype(np.int64).tolist()])


def bleu(
    texts: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    tokenize: str | BaseTokenizer = "13a",
    lowercase: bool = False,
) -> CorpusScore:
    """BLEU (Papineni et al. 2002).

    Args:
        texts: one a sentence.
        references: one or more for each sentence, as many for all.
        tokenize: sacrebleu's name of the tokenization: `zh` for Chinese, `ja-mecab` for Japanese;
            or a tokenizer of your own, whose signature becomes part of the score's.
        lowercase: whether case counts for nothing.

    Raises:
        ValueError: no sentences, or not as many references for each.
    """
    if isinstance(tokenize, str):
        return _score(BLEU(tokenize=tokenize, lowercase=lowercase), texts, references)
    metric = BLEU(tokenize="none", lowercase=lowercase)
    metric.tokenizer, metric.tokenizer_signature = tokenize, tokenize.signature()
    return _score(metric, texts, references)


def sentence_bleu(text: str, references: Sequence[str], *, lowercase: bool = False) -> float:
    """BLEU of one sentence, 0 to 100, as FeTaQA is scored: of the orders that it has words for.

    The mean over sentences is not the BLEU of their corpus.

    Raises:
        ValueError: no references.
    """
    if isinstance(references, str) or not references:
        raise ValueError(f"expected a list of references, got {references!r:.60}")
    metric = BLEU(effective_order=True, lowercase=lowercase)
    return float(metric.sentence_score(text, list(references)).score)


def chrf(
    texts: Sequence[str], references: Sequence[Sequence[str]], *, word_order: int = 2
) -> CorpusScore:
    """chrF++ (Popović 2017): character 6-grams and word 2-grams; chrF with `word_order` 0.

    Raises:
        ValueError: as `bleu`.
    """
    return _score(CHRF(word_order=word_order), texts, references)


def _score(
    metric: SacreMetric, texts: Sequence[str], references: Sequence[Sequence[str]]
) -> CorpusScore:
    if not texts or len(texts) != len(references):
        raise ValueError(f"{len(texts)} texts, but references of {len(references)}")
    if any(isinstance(r, str) or len(r) != len(references[0]) or not r for r in references):
        raise ValueError("expected a list of references for each text, as many for all")
    streams = [list(stream) for stream in zip(*references, strict=True)]
    # sacrebleu's own bootstrap goes through these two; its public doors give no sentence counts
    counts = metric._extract_corpus_statistics(list(texts), streams)  # pyright: ignore[reportPrivateUsage]
    statistics = np.asarray(counts, dtype=np.int64)
    return CorpusScore(
        value=_value(metric, statistics),
        signature=metric.get_signature().format(),
        statistics=statistics,
        metric=metric,
    )


def _value(metric: SacreMetric, statistics: np.ndarray) -> float:
    return _of_sums(metric, statistics.sum(axis=0).tolist())


def _of_sums(metric: SacreMetric, sums: list[int]) -> float:
    return float(metric._compute_score_from_stats(sums).score)  # pyright: ignore[reportPrivateUsage]
