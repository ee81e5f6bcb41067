"""Scores of a run: what counts, how sure it is, and what may be compared."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Sequence

import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import PairedTest

from xgen_core import InputError
from xgen_core.concurrency import Failure
from xgen_core.report import Table
from xgen_ldp import ENGLISH, Direction, Finding, Language, Line, Translation, find_language
from xgen_ldp.evaluation import RunScores, Scoring, score_run, score_sections
from xgen_ldp.evaluation.comparison import compare
from xgen_ldp.evaluation.measured import Measured, Measures
from xgen_ldp.evaluation.published import GroupColumn, PairColumn, published_tables
from xgen_ldp.evaluation.tokenizers import bleu_tokenizer, check_tokenizer
from xgen_ldp.translation import Attempt

STORY = (
    "the river rose again after two days of rain and many small boats were carried past old stone "
    "bridges towards a quiet bay where nobody had ever seen them before"
)
WORDS = STORY.split()
FAST = Scoring(resamples=200)


def into(code: str) -> Direction:
    return Direction(source=find_language(code), target=ENGLISH)


def sentences(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=12)) for _ in range(count)]


def damaged(texts: Sequence[str], share: float, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [
        " ".join(draw.choice(WORDS) if draw.random() < share else word for word in text.split())
        for text in texts
    ]


def outcomes(
    references: Sequence[str | None], texts: Sequence[str | None]
) -> list[tuple[Line, Translation | Failure]]:
    pairs: list[tuple[Line, Translation | Failure]] = []
    for number, (reference, text) in enumerate(zip(references, texts, strict=True), 1):
        line = Line(id=f"made:{number}", text="x", reference=reference)
        done = (
            Failure(reason="no answer", kind="ModelError")
            if text is None
            else Translation(id=line.id, attempts=(Attempt(text=text),))
        )
        pairs.append((line, done))
    return pairs


def table(scores: RunScores, title: str, place: int = 0) -> Table:
    section = next(s for s in score_sections(scores) if s.title == title)
    return [block for block in section.blocks if isinstance(block, Table)][place]


def test_scores_are_sacrebleus_of_the_lines_with_references() -> None:
    references, direction = sentences(30, 1), into("npi")
    texts = damaged(references, 0.3, 2)
    given = [*outcomes(references, texts), *outcomes([None], ["no reference"])]
    one = score_run({(direction, "ldp"): given}, FAST).of(direction, "ldp")
    chrf, bleu = CHRF(word_order=2), BLEU()
    assert one.figures["chrF++"].value == chrf.corpus_score(texts, [references]).score
    assert one.figures["BLEU"].value == bleu.corpus_score(texts, [references]).score
    assert one.figures["chrF++"].signature == chrf.get_signature().format()
    assert one.figures["BLEU"].signature == bleu.get_signature().format()
    assert (one.lines, one.scored) == (31, 30)
    low, high = one.figures["chrF++"].interval or (0, 0)
    assert low < one.figures["chrF++"].value < high


def test_a_failed_line_is_scored_as_empty_and_a_rejected_one_as_written() -> None:
    references, direction = sentences(12, 1), into("npi")
    given = outcomes(references, [None, *references[1:]])
    line, _ = given[1]
    finding = Finding(reason="loop", language="eng_Latn")
    attempt = Attempt(text=references[1], findings=(finding,))
    given[1] = (line, Translation(id=line.id, attempts=(attempt,)))
    scores = score_run({(direction, "ldp"): given}, FAST)
    one = scores.of(direction, "ldp")
    as_empty = CHRF(word_order=2).corpus_score(["", *references[1:]], [references]).score
    assert one.figures["chrF++"].value == as_empty < 100
    assert (one.accepted, one.rejected, one.failed) == (10, {"loop": 1}, {"ModelError": 1})
    shown = table(scores, "Accepted and rejected")
    assert shown.columns[-2:] == ("loop", "ModelError")
    assert shown.rows[0][-2:] == (1, 1)


def test_a_models_decomposed_letters_count_as_those_of_the_reference() -> None:
    reference = unicodedata.normalize("NFC", "Ọjọ́ dára fún gbogbo ènìyàn ní ìlú yìí")
    written = unicodedata.normalize("NFD", reference) + "\n"
    direction = Direction(source=ENGLISH, target=find_language("yor"))
    one = score_run({(direction, "ldp"): outcomes([reference], [written])}, FAST)
    assert one.scored[0].figures["chrF++"].value == pytest.approx(100)
    assert one.scored[0].figures["chrF++"].interval is None  # one line says nothing of spread


def test_without_references_only_acceptance_is_told() -> None:
    scores = score_run({(into("npi"), "ldp"): outcomes([None, None], ["a", "b"])}, FAST)
    assert scores.scored[0].figures == {}
    assert [section.title for section in score_sections(scores)] == ["Accepted and rejected"]


def test_systems_of_one_direction_must_have_the_same_lines() -> None:
    a, b = outcomes(["one"], ["one"]), outcomes(["two"], ["two"])
    with pytest.raises(ValueError, match="npi_Deva-eng_Latn, second"):
        score_run({(into("npi"), "first"): a, (into("npi"), "second"): b}, FAST)


def three_languages(scoring: Scoring = FAST) -> RunScores:
    given: dict[tuple[Direction, str], list[tuple[Line, Translation | Failure]]] = {}
    for seed, code in enumerate(("npi", "hin", "tam")):
        references = sentences(60, seed)
        for system, share in (("few-shot", 0.5), ("ldp", 0.2)):
            texts = damaged(references, share, seed)
            given[into(code), system] = outcomes(references, texts)
    return score_run(given, scoring)


def test_the_same_run_gives_the_same_bytes_and_survives_json() -> None:
    scores = three_languages()
    written = json.dumps(scores.to_json())
    assert written == json.dumps(three_languages().to_json())
    assert RunScores.from_json(json.loads(written)) == scores
    assert written != json.dumps(three_languages(Scoring(resamples=200, seed=1)).to_json())


def test_systems_are_compared_by_direction_and_by_group() -> None:
    scores = three_languages()
    for one in (*scores.comparisons, *scores.mean_comparisons):
        assert (one.first, one.second) == ("few-shot", "ldp")
        assert one.difference > 0
        assert one.p <= one.corrected <= 0.05
        low, high = one.interval or (0, 0)
        assert 0 < low < one.difference < high
    assert len(scores.comparisons) == 3 * 2
    assert scores.comparisons[0].corrected == pytest.approx(3 * scores.comparisons[0].p)
    shown = table(scores, "Differences between systems")
    assert {row[-1] for row in shown.rows} == {"better"}
    mean = scores.means[0]
    chrf = [one.figures["chrF++"].value for one in scores.scored if one.system == mean.system]
    assert mean.figures["chrF++"].value == pytest.approx(sum(chrf) / 3)
    assert (mean.group, mean.of, len(mean.present), mean.whole) == ("indic13", 13, 3, False)
    spread = mean.figures["chrF++"].stderr, scores.scored[0].figures["chrF++"].stderr
    assert spread[0] is not None
    assert spread[1] is not None
    assert spread[0] < spread[1]


def measured(texts: Sequence[str], references: Sequence[str]) -> Measured:
    return Measures(Scoring(resamples=2000)).measure(texts, references, ENGLISH)["chrF++"]


def test_paired_bootstrap_agrees_with_sacrebleus(monkeypatch: pytest.MonkeyPatch) -> None:
    references = sentences(80, 5)
    a, b = damaged(references, 0.40, 6), damaged(references, 0.37, 7)
    ours = compare(
        measured(a, references),
        measured(b, references),
        names=("a", "b"),
        metric="chrF++",
        where="here",
    )
    monkeypatch.setenv("SACREBLEU_SEED", "7")
    test = PairedTest(
        [("a", a), ("b", b)],
        {"CHRF": CHRF(word_order=2, references=[references])},
        None,
        test_type="bs",
        n_samples=2000,
    )
    _, theirs = test()
    result = theirs["chrF2++"][1]
    assert not isinstance(result, str)
    assert result.p_value is not None
    assert 0.005 < result.p_value < 0.3  # neither 0 nor 1, so that agreement says something
    assert ours.one_sided == pytest.approx(result.p_value, abs=0.03)
    assert ours.p > 1.5 * ours.one_sided  # sacrebleu's looks at one side only


def test_a_system_against_itself_shows_no_difference() -> None:
    references = sentences(40, 5)
    one = measured(damaged(references, 0.4, 6), references)
    found = compare(one, one, names=("a", "a"), metric="chrF++", where="here")
    assert (found.difference, found.p) == (0, 1)


@pytest.mark.parametrize(("lines", "p"), [(1, 1.0), (3, 0.25), (5, 0.0625)])
def test_a_few_lines_that_all_say_the_same_are_not_taken_for_proof(lines: int, p: float) -> None:
    references = [STORY] * lines
    a, b = ["the river"] * lines, [STORY[:80]] * lines
    found = compare(
        measured(a, references),
        measured(b, references),
        names=("a", "b"),
        metric="chrF++",
        where="here",
    )
    assert (found.p, found.interval is None) == (p, lines == 1)
    assert found.difference > 10


def test_scores_of_two_signatures_are_not_compared() -> None:
    references = sentences(10, 5)
    measures = Measures(FAST).measure(references, references, ENGLISH)
    with pytest.raises(InputError, match="cannot be compared"):
        compare(measures["BLEU"], measures["chrF++"], names=("a", "b"), metric="BLEU", where="here")


def test_a_mean_over_languages_with_two_tokenizers_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from xgen_ldp.evaluation import groups

    def language_group(name: str) -> tuple[Language, ...]:
        return find_language("tha"), find_language("npi")

    monkeypatch.setattr(groups, "language_group", language_group)
    references = sentences(5, 1)
    scores = score_run(
        {
            (Direction(source=ENGLISH, target=find_language(code)), "ldp"): outcomes(
                references, references
            )
            for code in ("tha", "npi")
        },
        FAST,
    )
    assert scores.means
    assert all(set(mean.figures) == {"chrF++"} for mean in scores.means)
    caption = table(scores, "Scores").caption
    assert "BLEU into Thai: nrefs:1|case:mixed|eff:no|tok:char" in caption
    assert "BLEU into Nepali: nrefs:1|case:mixed|eff:no|tok:13a" in caption


@pytest.mark.parametrize(
    ("code", "name", "note"),
    [
        ("eng", "13a", ""),
        ("npi", "13a", ""),
        ("zho", "zh", "zh"),
        ("zho_Hant", "zh", "zh"),
        ("tha", "char", "without spaces"),
        ("khm_Khmr", "char", "without spaces"),
        ("jpn", "char", "ja-mecab"),
        ("kor", "13a", "ko-mecab"),
    ],
)
def test_bleu_is_tokenized_by_language_and_says_so(code: str, name: str, note: str) -> None:
    found = bleu_tokenizer(find_language(code))
    assert found.name == name
    assert (note in found.note) if note else found.note == ""


def test_a_tokenizer_that_is_not_one_is_refused() -> None:
    assert check_tokenizer("intl") == "intl"
    with pytest.raises(InputError, match="intl"):
        check_tokenizer("int")
    with pytest.raises(InputError, match="--spm-file"):
        check_tokenizer("flores200")


def test_published_tables_hold_what_the_slides_show() -> None:
    groups, pairs = published_tables()
    column = GroupColumn(group="indic13", kind="into-english")
    assert [c.heading for c in groups.columns] == [
        "Indic13-En",
        "En-Indic13",
        "Afri21-En",
        "En-Afri21",
    ]
    assert groups.value("BLOOM-175B, LDP", column) == 47.62
    assert groups.value("BLOOM-175B, LDP", column, "BLEU") == 22.38
    assert len(groups.rows) == 9
    low = PairColumn(source="swh_Latn", target="tel_Telu")
    assert pairs.value("InstructGPT, LDP", low) == 25.12
    assert (len(pairs.rows), len(pairs.columns)) == (4, 10)
    # the abstract's "up to 3 chrF++" and the slides' reading of the fine-tuned model
    tamil = PairColumn(source="tam_Taml", target="swh_Latn")
    gain = pairs.value("BLOOM-175B, LDP", tamil) - pairs.value(
        "BLOOM-175B, supervised 8-shot", tamil
    )
    assert gain == pytest.approx(3.16)


def test_a_run_stands_beside_published_means_and_pairs() -> None:
    scores = three_languages()
    means = table(scores, "Beside published figures")
    assert means.columns[1] == "Indic13-En"
    assert means.rows[1][0] == "ldp, this run"
    assert f"{means.rows[1][1]}".endswith("(3 of 13)")
    assert means.rows[1][2] is None
    assert means.rows[3][:2] == ("BLOOM-175B, LDP", "47.62 / 22.38")
    assert len(means.rows) == 2 + 9

    direction = Direction(source=find_language("vie"), target=find_language("fra"))
    references = sentences(5, 1)
    pair = score_run({(direction, "ldp"): outcomes(references, references)}, FAST)
    beside = table(pair, "Beside published figures")
    assert beside.columns[1:3] == ("Vi-Fr", "Fr-Vi")
    assert beside.rows[0][:3] == ("ldp, this run", "100.00", None)
    assert beside.rows[-1][:3] == ("InstructGPT, LDP", "51.19", "45.80")
