"""Which exemplars stand in prompts into English."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgen_core import InputError
from xgen_ldp import ENGLISH, Bank, find_language, open_bank
from xgen_ldp.exemplars import PAPER_LANGUAGES, Choice, overlap, words

BANK = open_bank()
CODES = sorted(language.code for language in BANK.languages)


@given(
    count=st.integers(1, 8),
    policy=st.sampled_from(["languages", "script", "diversity"]),
    named=st.lists(st.sampled_from(CODES), max_size=5),
    seed=st.integers(0, 10**6),
    without=st.sampled_from(CODES),
    barred=st.integers(1, 12),
)
def test_languages_and_sentences_are_all_different(
    count: int, policy: str, named: list[str], seed: int, without: str, barred: int
) -> None:
    choice = Choice.from_json({"count": count, "policy": policy, "languages": named})
    chosen = choice.choose(
        BANK,
        seed=seed,
        without=[find_language(without)],
        allows=lambda exemplar: exemplar.id != f"bank:{barred}",
    )
    assert len(chosen) == count
    assert len({exemplar.other.code for exemplar in chosen}) == count
    assert len({exemplar.id for exemplar in chosen}) == count
    assert all(exemplar.output.language == ENGLISH for exemplar in chosen)
    assert without not in {exemplar.other.code for exemplar in chosen}
    assert f"bank:{barred}" not in {exemplar.id for exemplar in chosen}


def test_the_papers_languages_come_first_and_others_fill_a_place_that_is_free() -> None:
    assert {e.other.code for e in Choice().choose(BANK, seed=5)} == set(PAPER_LANGUAGES)
    french = Choice().choose(BANK, seed=5, without=[find_language("fra")])
    others = {e.other.code for e in french} - set(PAPER_LANGUAGES)
    assert len(french) == 4
    assert len(others) == 1
    assert find_language(others.pop()).script not in {"Arab", "Hans", "Latn"}


def test_named_languages_are_taken_in_their_order() -> None:
    choice = Choice(count=2, languages=("Russian", "el", "deu"))
    assert {e.other.code for e in choice.choose(BANK, seed=0)} == {"rus_Cyrl", "ell_Grek"}


def test_another_seed_chooses_other_sentences_and_the_same_seed_the_same() -> None:
    first = Choice().choose(BANK, seed=1)
    assert first == Choice().choose(BANK, seed=1)
    assert len({Choice().choose(BANK, seed=seed) for seed in range(10)}) > 5


def test_the_order_of_the_bank_counts_for_nothing() -> None:
    turned = Bank(exemplars=BANK.exemplars[::-1])
    for policy in ("languages", "script", "diversity"):
        choice = Choice.from_json({"count": 6, "policy": policy})
        assert choice.choose(turned, seed=3) == choice.choose(BANK, seed=3)


def test_scripts_differ_as_far_as_they_reach() -> None:
    count = len({language.script for language in BANK.languages})
    for seed in range(5):
        chosen = Choice(count=count, policy="script").choose(BANK, seed=seed)
        assert len({e.other.script for e in chosen}) == count


def test_diverse_sentences_share_fewer_words() -> None:
    def shared(policy: str, seed: int) -> float:
        choice = Choice.from_json({"count": 6, "policy": policy})
        chosen = [words(e.output.text) for e in choice.choose(BANK, seed=seed)]
        return max(overlap(a, b) for a in chosen for b in chosen if a is not b)

    assert sum(shared("diversity", s) for s in range(10)) < sum(
        shared("script", s) for s in range(10)
    )


def test_too_few_languages_are_told_in_one_line(tmp_path: Path) -> None:
    kept = [e for e in BANK.exemplars if e.other.code in ("fra_Latn", "rus_Cyrl")]
    path = tmp_path / "bank.jsonl"
    path.write_text("\n".join(json.dumps(e.to_json()) for e in kept), "utf-8")
    with pytest.raises(InputError, match=r"1 languages besides French, and 4 .*exemplars=1"):
        Choice().choose(open_bank(path), seed=0, without=[find_language("fra")])
    with pytest.raises(InputError, match="no exemplars of Thai; it has fra_Latn, rus_Cyrl"):
        Choice(count=1, languages=("tha",)).choose(open_bank(path), seed=0)
    assert {e.other.code for e in Choice(count=2).choose(open_bank(path), seed=0)} == {
        "fra_Latn",
        "rus_Cyrl",
    }


def test_a_language_is_left_out_under_each_of_its_codes() -> None:
    traditional = find_language("zho_Hant")
    chosen = Choice(count=12).choose(BANK, seed=0, without=[traditional])
    assert "zho_Hans" not in {exemplar.other.code for exemplar in chosen}
