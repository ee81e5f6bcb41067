"""Lines in little-known languages: cld2, and its vote with py3langid."""

from __future__ import annotations

import unicodedata

import pytest

from xgen_core import InputError, MissingExtraError
from xgen_data.language import UNKNOWN, backends, close_languages, identify, recognised
from xgen_data.language import standard_code as standard

LINES = {  # our own sentences
    "en": "My sister bought two red baskets at the market before it rained.",
    "fr": "Ma sœur a acheté deux paniers rouges au marché avant la pluie.",
    "ru": "Моя сестра купила на рынке две красные корзины перед дождём.",
    "hi": "मेरी बहन ने बारिश से पहले बाज़ार से दो लाल टोकरियाँ खरीदीं।",
    "ne": "मेरी बहिनीले पानी पर्नुअघि बजारबाट दुईवटा राता टोकरी किनिन्।",
    "bn": "আমার বোন বৃষ্টির আগে বাজার থেকে দুটি লাল ঝুড়ি কিনেছে।",
    "ta": "என் தங்கை மழைக்கு முன் சந்தையில் இரண்டு சிவப்பு கூடைகளை வாங்கினாள்.",
    "ar": "اشترت أختي سلتين حمراوين من السوق قبل أن ينزل المطر.",
    "he": "אחותי קנתה שני סלים אדומים בשוק לפני שירד גשם.",
    "sw": "Dada yangu alinunua vikapu viwili vyekundu sokoni kabla ya mvua kunyesha.",
    "yo": "Àbúrò mi obìnrin ra apẹ̀rẹ̀ pupa méjì ní ọjà kí òjò tó rọ̀.",
    "zh": "下雨之前，我妹妹在市场上买了两个红色的篮子。",
    "vi": "Em gái tôi mua hai chiếc giỏ đỏ ở chợ trước khi trời mưa.",
}
pytestmark = pytest.mark.skipif(
    "votes" not in backends(), reason="pip install 'xgen-data[languages]'"
)


@pytest.mark.parametrize("backend", ["cld2", "votes"])
def test_single_lines_get_standard_codes(backend) -> None:
    assert [v.code for v in identify(list(LINES.values()), backend=backend)] == list(LINES)


def test_composed_and_decomposed_letters_are_the_same_line() -> None:
    forms = [unicodedata.normalize(form, LINES["yo"]) for form in ("NFC", "NFD")]
    assert forms[0] != forms[1]
    assert [v.code for v in identify(forms, backend="votes")] == ["yo", "yo"]


def test_names_and_figures_in_it_do_not_make_a_line_english() -> None:
    line = "Peter Jones na Holly Willoughby walisema kwa BBC News na CNN kuwa watarudi London 2019."
    assert identify([line], backend="votes")[0].code == "sw"


def test_nobody_knows_is_a_verdict() -> None:
    invented = "Qix wobbuz tharnkel mivvoq estrugh palzin ondurek hesht clavvim."
    assert identify([invented, "2 + 2 = 4", ""], backend="votes") == [(UNKNOWN, 0.0)] * 3


def test_damaged_characters_are_passed_over() -> None:
    damaged = LINES["en"].replace(" ", " \x00\ud800\ufffe ", 3)
    for backend in ("cld2", "votes"):
        assert identify([damaged], backend=backend)[0].code == "en"


def test_capitals_change_nothing() -> None:
    assert identify([LINES["sw"].upper()], backend="votes")[0].code == "sw"


def test_what_a_backend_may_say_is_listed() -> None:
    assert {"zu", "xh", "wo", "he", "jv", "zh"} <= recognised("votes")
    assert not recognised("votes") & {"iw", "jw", "bm", "fon", "tum", "wuu", "zxx", "un"}
    assert recognised("cld2") < recognised("votes")
    with pytest.raises(InputError, match="cld2 or votes"):
        recognised("fasttext")


def test_codes_have_one_spelling_and_families() -> None:
    assert [standard(code) for code in ("iw", "zh-Hant", "arz", "qaa")] == ["he", "zh", "ar", "qaa"]
    assert "xh" in close_languages("zu")
    assert close_languages("ne") == {"ne"}


def test_a_missing_backend_names_its_extra(monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for backend in ("cld2", "votes"):
        with pytest.raises(MissingExtraError, match=r"xgen-data\[languages\]"):
            identify(["text"], backend=backend)
