"""Languages by any of their codes."""

from __future__ import annotations

import pytest

from xgen_core import InputError
from xgen_ldp import ENGLISH, find_language, language_group


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
