"""Metrics of texts; every expected number is by hand."""

import numpy as np
import pytest
from sacrebleu.tokenizers.tokenizer_base import BaseTokenizer

from xgen_eval.metrics import (
    best_subspan_em,
    exact_match,
    hotpot_f1,
    normalize_answer,
    rouge,
    string_match_all,
    string_match_part,
    token_f1,
)
from xgen_eval.metrics.stemming import porter_stem
from xgen_eval.metrics.translation import bleu, chrf


def test_the_normal_form_drops_case_punctuation_articles_and_spaces():
    assert normalize_answer("  The U.S.A., an  answer!\n") == "usa answer"
    assert normalize_answer("theatre") == "theatre"


def test_exact_match_takes_any_reference():
    assert exact_match("The Beatles.", ["Queen", "beatles"]) == 1
    assert exact_match("Beatles band", ["beatles"]) == 0
    with pytest.raises(ValueError, match="list of references"):
        exact_match("x", "x")


def test_token_f1_counts_words_as_often_as_both_have_them():
    # 2 of 4 words given, 2 of 3 wanted: 2 · 1/2 · 2/3 / (1/2 + 2/3) = 4/7
    assert token_f1("red red green blue", ["red green grass"]) == pytest.approx(4 / 7)
    assert token_f1("blue", ["red", "blue"]) == 1
    assert token_f1("", ["the"]) == 0


def test_hotpot_takes_yes_and_no_as_a_whole():
    assert hotpot_f1("yes it is", ["yes"]) == 0
    assert token_f1("yes it is", ["yes"]) == 0.5
    assert hotpot_f1("Yes.", ["yes"]) == 1
    assert hotpot_f1("no", ["no one"]) == 0
    assert hotpot_f1("red car", ["a red bus"]) == 0.5


def test_a_subspan_counts_in_the_first_line_only():
    assert best_subspan_em("It was the Wilhelm Röntgen.", ["Wilhelm  röntgen"]) == 1
    assert best_subspan_em("I do not know\nWilhelm Röntgen", ["Wilhelm Röntgen"]) == 0


def test_ruler_matches_all_or_part_whatever_the_case():
    assert string_match_all("abc and DEF", ["ABC", "def", "ghi", "jkl"]) == 0.5
    assert string_match_part("abc", ["x", "ABC"]) == 1
    assert string_match_part("abc", ["x", "y"]) == 0


def test_rouge_by_hand():
    scores = rouge("the cat sat\non the mat", "the cat lay\non a mat")
    assert scores["rouge1"] == pytest.approx(2 * 4 / 12)  # the, cat, on, mat
    assert scores["rouge2"] == pytest.approx(2 * 1 / 10)  # the cat
    assert scores["rougeL"] == pytest.approx(2 * 4 / 12)
    assert scores["rougeLsum"] == pytest.approx(2 * 4 / 12)
    swapped = rouge("on the mat\nthe cat sat", "the cat sat\non the mat")
    assert (swapped["rougeL"], swapped["rougeLsum"]) == (0.5, 1)
    assert set(rouge("", "a").values()) == {0}
    assert rouge("runs", "running", stemming=True)["rouge1"] == 1
    assert rouge("runs", "running")["rouge1"] == 0


def test_rouge_of_other_scripts():
    hindi, other = "नदी का पानी ठंडा है।", "नदी का पानी गर्म है"
    assert rouge(hindi, hindi)["rougeL"] == 0  # as rouge-score has it
    assert rouge(hindi, hindi, unit="word")["rougeL"] == 1
    assert rouge(hindi, other, unit="word")["rougeL"] == pytest.approx(2 * 4 / 10)
    assert rouge("河水很冷。", "河水不冷", unit="character")["rougeL"] == pytest.approx(2 * 3 / 8)
    assert rouge("河水很冷。", "河水不冷", unit="word")["rougeL"] == 0
    assert rouge("Ịmụ IGWE", "ịmụ igwe", unit="word")["rouge2"] == 1
    assert rouge("می\u200cروم", "میروم", unit="word")["rouge1"] == 1
    with pytest.raises(ValueError, match="stemming"):
        rouge(hindi, hindi, unit="word", stemming=True)


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("caresses", "caress"),
        ("ponies", "poni"),
        ("dies", "die"),
        ("agreed", "agre"),
        ("hopping", "hop"),
        ("falling", "fall"),
        ("filing", "file"),
        ("happy", "happi"),
        ("enjoy", "enjoy"),
        ("relational", "relat"),
        ("vietnamization", "vietnam"),
        ("hopefulness", "hope"),
        ("electricity", "electr"),
        ("adoption", "adopt"),
        ("controlling", "control"),
        ("skies", "sky"),
        ("geologically", "geolog"),
    ],
)
def test_stems(word, stem):
    assert porter_stem(word) == stem


def test_corpus_metrics_are_sacrebleus_and_can_be_resampled():
    texts = ["the cat sat on the mat", "a dog ran in the park", "hello there my old friend"]
    references = [[t] for t in texts]
    for metric in (bleu, chrf):
        assert metric(texts, references).value == pytest.approx(100)
        changed = metric(["the cat sat on a mat", *texts[1:]], references)
        assert 50 < changed.value < 100
        assert changed.of([0, 1, 2]) == pytest.approx(changed.value)
        assert changed.of([1, 2, 2]) == pytest.approx(100)
        assert changed.of([0, 0]) < changed.value
        drawn = [[0, 1, 2], [1, 2, 2], [0, 0, 2]]
        weights = np.array([np.bincount(row, minlength=3) for row in drawn])
        assert changed.weighted(weights).tolist() == [changed.of(row) for row in drawn]
    assert "tok:13a" in bleu(texts, references).signature
    assert "nw:2" in chrf(texts, references).signature
    # brevity: 3 of 6 words, all of them right, so BLEU is e^(1 - 6/3)
    short = bleu(["a b c d"], [["a b c d e f g h"]])
    assert short.value == pytest.approx(100 * 2.718281828459045**-1)


class Letters(BaseTokenizer):
    def signature(self):
        return "letters"

    def __call__(self, line):
        return " ".join(line)


def test_bleu_takes_a_tokenizer_of_your_own_with_its_signature():
    own = bleu(["abcdx"], [["abcde"]], tokenize=Letters())
    named = bleu(["abcdx"], [["abcde"]], tokenize="char")
    assert own.value == named.value > bleu(["abcdx"], [["abcde"]]).value
    assert own.signature == named.signature.replace("tok:char", "tok:letters")


def test_translations_without_their_references_are_refused():
    with pytest.raises(ValueError, match="2 texts, but references of 1"):
        bleu(["a", "b"], [["a"]])
    with pytest.raises(ValueError, match="list of references"):
        chrf(["a"], ["a"])
