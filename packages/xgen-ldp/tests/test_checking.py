"""What is wrong with a model's line, and what is not."""

from __future__ import annotations

import random

import pytest

from xgen_data.language import Profile, build_profile
from xgen_ldp import ENGLISH, Checker, Language, Side, find_language

FRENCH, NEPALI, CHINESE = find_language("fra"), find_language("npi"), find_language("zho_Hans")
SWAHILI, ZULU, XHOSA = find_language("swh"), find_language("zul"), find_language("xho")
BAMBARA, NOBODYS = find_language("bam"), find_language("qaa_Latn")
GIVEN = Side(
    language=ENGLISH, text="My sister bought two red baskets at the market before it rained."
)
GOOD = {
    FRENCH: "Ma sœur a acheté deux paniers rouges au marché avant la pluie.",
    NEPALI: "मेरी बहिनीले पानी पर्नुअघि बजारबाट दुईवटा राता टोकरी किनिन्।",
    CHINESE: "下雨之前，我妹妹在市场上买了两个红色的篮子。",
    SWAHILI: "Dada yangu alinunua vikapu viwili vyekundu sokoni kabla ya mvua kunyesha.",
}


def reasons(text: str, language: Language, given: Side = GIVEN, **more: bool) -> list[str]:
    checked = Checker().check(given, text, language, shown=["Je suis désolé."], **more)
    assert all(finding.language == language.code for finding in checked.findings)
    return [finding.reason for finding in checked.findings]


@pytest.mark.parametrize("language", GOOD, ids=lambda language: language.code)
def test_translations_are_accepted_both_ways(language: Language) -> None:
    assert Checker().check(GIVEN, GOOD[language], language).notes == ()
    assert reasons(GOOD[language], language) == []
    assert reasons(GIVEN.text, ENGLISH, Side(language=language, text=GOOD[language])) == []


@pytest.mark.parametrize(
    ("text", "language", "reason"),
    [
        ("", FRENCH, "empty"),
        (GIVEN.text.upper(), FRENCH, "copy"),
        (f"“{GIVEN.text}”", SWAHILI, "copy"),
        ("My sister bought two red baskets at the market before the rain.", SWAHILI, "copy"),
        ("je suis désolé", FRENCH, "exemplar"),
        (GOOD[NEPALI], FRENCH, "wrong-script"),
        (GOOD[FRENCH], CHINESE, "wrong-script"),
        (GOOD[FRENCH], SWAHILI, "wrong-language"),
        ("मेरी बहन ने बारिश से पहले बाज़ार से दो लाल टोकरियाँ खरीदीं।", NEPALI, "wrong-language"),
        (
            "Her niece purchased several crimson containers from that shop.",
            BAMBARA,
            "wrong-language",
        ),
        ("Oui.", FRENCH, "too-short"),
        (" ".join([GOOD[FRENCH], GOOD[FRENCH].replace("sœur", "mère"), "x"]) * 3, FRENCH, "loop"),
        ("ma sœur a acheté " * 12, FRENCH, "loop"),
        ("Ma sœur a acheté deux paniers paniers paniers paniers", FRENCH, "loop"),
        ("哈哈哈哈哈哈", CHINESE, "loop"),
    ],
)
def test_the_first_reason_says_what_is_wrong(text: str, language: Language, reason: str) -> None:
    assert reasons(text, language)[0] == reason


def test_what_goes_on_too_long_is_refused() -> None:
    given = Side(language=ENGLISH, text="It rained.")
    assert reasons(GIVEN.text.replace("My", "Her") + " Nobody knew why.", ENGLISH, given) == [
        "too-long"
    ]


def test_a_cut_off_answer_is_refused_for_that_too() -> None:
    assert reasons(GOOD[FRENCH], FRENCH, truncated=True) == ["truncated"]
    assert reasons("oui " * 40, FRENCH, truncated=True)[0] == "loop"


@pytest.mark.parametrize(
    ("source", "text", "language"),
    [
        ("BBC News, 2018", "BBC News, 2018", FRENCH),
        ("Anna Müller", "Anna Müller", SWAHILI),
        ("NASA", "NASA", NEPALI),
        ("1,000,000,000", "1.000.000.000", FRENCH),
        ("No, no, no!", "Non, non, non !", FRENCH),
        ("Peter Jones spoke to BBC News in London.", "Peter Jones 对伦敦 BBC News 说。", CHINESE),
        ("Mary Smith met Peter Jones.", "Mary Smith alikutana na Peter Jones.", SWAHILI),
    ],
)
def test_names_figures_and_short_lines_trip_nothing(
    source: str, text: str, language: Language
) -> None:
    assert reasons(text, language, Side(language=ENGLISH, text=source)) == []


def test_a_source_that_repeats_itself_may_be_translated() -> None:
    given = Side(
        language=ENGLISH, text="work and work and work and work and work and work and work"
    )
    assert "loop" not in reasons(
        "travail et travail et travail et travail et travail", FRENCH, given
    )


def test_a_language_that_nobody_knows_is_let_pass_and_said() -> None:
    text = "Qix wobbuz tharnkel mivvoq estrugh palzin ondurek hesht clavvim."
    checked = Checker().check(GIVEN, text, NOBODYS)
    assert checked.findings == ()
    [note] = checked.notes
    assert note.startswith("language: ")


def test_zulu_and_xhosa_are_not_told_apart_without_a_profile() -> None:
    xhosa = "Abantu bonke bazalwa bekhululekile kwaye belingana ngesidima nangamalungelo."
    checked = Checker().check(GIVEN, xhosa, ZULU)
    assert [finding.reason for finding in checked.findings] == []


def invented(seed: int, letters: str) -> list[str]:
    """Lines of a language that only this test knows."""
    rng = random.Random(seed)
    words = ["".join(rng.choices(letters, k=rng.randint(3, 8))) for _ in range(60)]
    return [" ".join(rng.choices(words, k=12)) for _ in range(120)]


def test_a_profile_answers_where_no_identifier_does() -> None:
    own, other = invented(0, "qxzkwuaivo"), invented(1, "bdgmnpeirl")
    checker = Checker(profiles={"qaa_Latn": build_profile(own[:100])})
    good = checker.check(GIVEN, own[110], NOBODYS)
    assert (good.findings, good.notes) == ((), ())
    [finding] = checker.check(GIVEN, other[0], NOBODYS).findings
    assert finding.reason == "wrong-language"
    assert "not like the text given" in finding.detail


def test_profiles_of_close_languages_decide_between_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    likes = {"zul_Latn": True, "xho_Latn": False}
    asked: list[int] = []

    def is_like(self: Profile, text: str, rivals: list[Profile]) -> bool:
        asked.append(len(rivals))
        return likes[next(code for code, p in checker.profiles.items() if p is self)]

    profile = build_profile(invented(0, "qxzkwuaivo"))
    twin = Profile.from_json(profile.to_json())
    checker = Checker(profiles={"zul_Latn": profile, "xho_Latn": twin})
    monkeypatch.setattr(Profile, "is_like", is_like)
    xhosa = "Abantu bonke bazalwa bekhululekile kwaye belingana ngesidima nangamalungelo."
    assert checker.check(GIVEN, xhosa, ZULU).findings == ()
    assert asked == [1]


def test_without_an_identifier_it_says_so_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    checked = Checker().check(GIVEN, GOOD[FRENCH], SWAHILI)
    assert checked.findings == ()
    [note] = checked.notes
    assert "pip install 'xgen-data[languages]'" in note
    assert Checker().check(GIVEN, GIVEN.text, SWAHILI).findings[0].reason == "copy"
