"""Languages by any of their codes."""

from __future__ import annotations

import pytest

from xgen_core import InputError
from xgen_ldp import ENGLISH, find_language, language_group
from xgen_ldp.languages.language import known_languages


@pytest.mark.parametrize("code", ["npi_Deva", "npi", "ne", "Nepali", "nep"])
def test_a_language_goes_by_many_codes(code: str) -> None:
    assert find_language(code).code == "npi_Deva"
    assert find_language(code).script == "Deva"


def test_a_code_that_nobody_knows_works_and_says_so() -> None:
    language = find_language("qaa_Cyrl")
    assert (language.code, language.script, language.known) == ("qaa_Cyrl", "Cyrl", False)
    assert find_language("qaa").script is None


def test_what_is_no_code_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="nepali"):
        find_language("Nepalli")


def test_groups_have_the_size_in_their_name() -> None:
    assert len(language_group("indic13")) == 13
    assert len(language_group("afri21")) == 21
    assert ENGLISH in language_group("high")
    with pytest.raises(InputError, match="indic13"):
        language_group("indic")


NTREX = """
afr amh arb aze-Latn bak bel bem ben bod bos bul cat ces ckb-Arab cym dan deu dzo ell
est eus ewe fao fas fij fil fin fra gle glg guj hau heb hin hrv hun hye ibo ind isl ita jpn
kan kat kaz khm kin kir kmr kor lao lav lit ltz mal mar mkd mlg mlt mon mri msa mya nep nld nno nob
nso nya orm pan pol por prs pus ron rus sin slk slv smo sna-Latn snd-Arab som spa sqi
srp-Cyrl ssw swa swe tam tat tel tgk-Cyrl tha tir tsn tuk tur uig ukr urd uzb vie wol xho yor yue
zho-CN zho-TW zul
"""


def test_all_of_flores_200_is_there_each_by_codes_of_its_own() -> None:
    known = known_languages()
    assert len({language.code for language in known}) == len(known) == 204
    assert len({language.name for language in known}) == 204
    for language in known:
        bare, *others = language.codes
        assert language.code == f"{bare}_{language.script}"
        assert {find_language(code) for code in (language.code, language.name, *others)} == {
            language
        }
        assert find_language(bare).codes[0] == bare  # of two scripts the one that comes first


def test_names_of_ntrexs_files_are_found() -> None:
    found = {code: find_language(code) for code in NTREX.split()}
    assert all(language.known for language in found.values())
    assert found["zho-TW"].script == "Hant"
    assert found["swa"].code == "swh_Latn"
    assert not find_language("div").known  # in NTREX-128 and not in FLORES-200
