"""ROUGE and stems equal those of rouge-score and NLTK on generated texts."""

import itertools
import random

import pytest

from xgen_eval.metrics import rouge
from xgen_eval.metrics.stemming import porter_stem

PorterStemmer = pytest.importorskip("nltk.stem.porter").PorterStemmer
RougeScorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer

ROOTS = "relat commun generali happ controll fil spi agre y sky vocalic oper geolog roll succeed"
ENDS = (
    " s es ies ied y ed eed ing ation ational ator alism aliti iviti biliti bli alli fulli entli "
    "ousli eli izer ization iveness fulness ousness logi icate ative alize iciti ical ful ness al "
    "ance ence er ic able ible ant ement ment ent ion sion tion ou ism ate iti ous ive ize e ll"
)


def test_stems_of_every_ending_are_nltks():
    stemmer = PorterStemmer()
    words = {
        root + first + second
        for root in ROOTS.split()
        for first, second in itertools.product(ENDS.split(" "), repeat=2)
    }
    assert len(words) > 30_000
    assert {w: porter_stem(w) for w in words} == {w: stemmer.stem(w) for w in words}


@pytest.mark.parametrize("stemming", [False, True])
def test_rouge_is_rouge_scores(stemming):
    rng = random.Random(0)
    words = [r + e for r in ROOTS.split() for e in ("s", "ing", "ational", "")] + [
        "a",
        "Ünicode",
        "3-4",
    ]

    def text():
        return "".join(
            rng.choice(words) + rng.choice(["\n", ". ", " "]) for _ in range(rng.randrange(60))
        )

    scorer = RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"], use_stemmer=stemming)
    for _ in range(300):
        given, reference = text(), text()
        wanted = {k: v.fmeasure for k, v in scorer.score(reference, given).items()}
        assert rouge(given, reference, stemming=stemming) == pytest.approx(wanted, abs=1e-12)
