"""Unlabelled text: what is kept of it, and what is said of the rest."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path

import pytest

from xgen_core import InputError
from xgen_ldp import find_language
from xgen_ldp.harvest import Window, harvest_file
from xgen_ldp.texts import read_texts

NEPALI, CHINESE = find_language("npi"), find_language("zho_Hans")
FRENCH, SWAHILI, NOBODYS = find_language("fra"), find_language("swh"), find_language("qaa")
GOOD = "मेरी बहिनीले पानी पर्नुअघि बजारबाट दुईवटा राता टोकरी किनिन्।"
FRENCH_LINE = "Ma sœur a acheté deux paniers rouges au marché avant la pluie."


def write(path: Path, *lines: str | bytes) -> Path:
    encoded = (line if isinstance(line, bytes) else line.encode() for line in lines)
    path.write_bytes(b"\n".join(encoded) + b"\n")
    return path


def test_every_line_has_its_fate_and_is_counted(tmp_path: Path) -> None:
    file = write(
        tmp_path / "npi.txt",
        GOOD,
        b"\xff\xfe\x00 damaged",
        "",
        " \t ",
        "1 + 1 = 2; 3 + 4 = 7",
        "पानी",
        GOOD * 20,
        "Моя сестра купила на рынке две красные корзины.",
        "मेरी बहिनीले पानी पर्नुअघि बजारबाट two red baskets of fruit",
        "मेरी बहन ने बारिश से पहले बाज़ार से दो लाल टोकरियाँ खरीदीं।",
        f"  {GOOD.replace(' ', '   ')} ",
        "आज बिहान काठमाडौँमा पानी पर्‍यो, तर दिउँसो घाम लाग्यो।",
        "यो पुस्तकालय शनिबार बन्द हुन्छ।",
    )
    made = harvest_file(file, NEPALI, exclude=["यो पुस्तकालय शनिबार बन्द हुन्छ।"])
    assert made.counts == {
        "identified": 2,
        "encoding": 1,
        "empty": 2,
        "no-letters": 1,
        "too-short": 1,
        "too-long": 1,
        "wrong-script": 1,
        "mixed-script": 1,
        "wrong-language": 1,
        "duplicate": 1,
        "excluded": 1,
    }
    assert [line.id for line in made.lines] == ["npi.txt:1", "npi.txt:12"]
    assert sum(made.counts.values()) == made.read == 13
    [encoding] = [note for note in made.notes if "UTF-8" in note]
    assert encoding.startswith("npi.txt: 1 of 13 lines are left out, not UTF-8 (line 2)")
    assert made.table().rows[1] == ("not UTF-8", 1, "npi.txt:2")


def test_leaked_english_is_told_from_other_languages(tmp_path: Path) -> None:
    file = write(
        tmp_path / "f.txt",
        FRENCH_LINE,
        "My sister bought two red baskets at the market before it rained.",
        "Dada yangu alinunua vikapu viwili vyekundu sokoni kabla ya mvua kunyesha.",
    )
    assert harvest_file(file, FRENCH).counts == {"identified": 1, "english": 1, "wrong-language": 1}


def test_text_comes_composed_and_without_control_characters(tmp_path: Path) -> None:
    file = write(tmp_path / "f.txt", unicodedata.normalize("NFD", f"\ufeff\x07{FRENCH_LINE}\x00"))
    assert [line.text for line in harvest_file(file, FRENCH).lines] == [FRENCH_LINE]


def test_names_of_another_script_do_not_make_a_line_mixed(tmp_path: Path) -> None:
    line = "据 BBC News 报道，Holly Willoughby 和 Peter Jones 昨天到达北京。"
    assert len(harvest_file(write(tmp_path / "z.txt", line), CHINESE).lines) == 1


def test_utf_16_with_its_mark_is_read(tmp_path: Path) -> None:
    file = tmp_path / "f.txt"
    file.write_bytes(f"{FRENCH_LINE}\r\n{FRENCH_LINE}\r\n".encode("utf-16"))
    made = harvest_file(file, FRENCH)
    assert made.encoding == "utf-16"
    assert made.counts == {"identified": 1, "duplicate": 1}


def test_a_language_that_nobody_knows_works_and_says_so(tmp_path: Path) -> None:
    words = ["qix", "wobbuz", "tharnkel", "mivvoq", "estrugh", "palzin", "ondurek", "clavvim"]
    lines = [" ".join(words[(i * j) % 8] for j in range(1, 9)) + f" {i}" for i in range(60)]
    made = harvest_file(write(tmp_path / "q.txt", *lines), NOBODYS)
    assert made.counts == {"unknown": 60}
    assert made.notes == ("q.txt: nobody can tell whether its lines are qaa",)
    profile = made.profile()
    assert profile is not None
    assert profile.is_like(lines[3])
    assert not profile.is_like(FRENCH_LINE)


def test_too_few_lines_have_no_profile(tmp_path: Path) -> None:
    assert harvest_file(write(tmp_path / "f.txt", FRENCH_LINE), FRENCH).profile() is None


def test_it_stops_after_so_many(tmp_path: Path) -> None:
    lines = [FRENCH_LINE.replace("deux", number) for number in ("deux", "trois", "quatre")]
    made = harvest_file(write(tmp_path / "f.txt", *lines), FRENCH, limit=2)
    assert (len(made.lines), made.read) == (2, 2)


def test_standard_input_is_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.TextIOWrapper(io.BytesIO(FRENCH_LINE.encode()))
    monkeypatch.setattr("sys.stdin", given)
    assert [line.id for line in harvest_file("-", FRENCH).lines] == ["stdin:1"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        ("é\nè\n".encode("latin-1"), "2 of 2 are not UTF-8; iconv"),
        (GOOD.encode(), "no line of it is of use as Swahili: 1 of 1 are in another script"),
    ],
)
def test_nothing_of_use_is_refused_with_the_reason(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "f.txt"
    file.write_bytes(content)
    with pytest.raises(InputError, match=message):
        harvest_file(file, SWAHILI)
    with pytest.raises(InputError, match="cannot be read"):
        harvest_file(tmp_path / "none.txt", SWAHILI)


def test_a_window_that_nothing_fits_is_an_error() -> None:
    with pytest.raises(ValueError, match="shortest <= longest"):
        Window(shortest=20, longest=10)


def test_the_texts_of_a_run_are_harvested_and_its_checker_knows_them(tmp_path: Path) -> None:
    names = ["Ali", "Asha", "Juma", "Neema", "Rehema", "Baraka", "Zawadi", "Musa"]
    lines = [
        f"{names[i % 8]} alinunua vikapu {['viwili', 'vitatu', 'vinne'][i % 3]} vyekundu sokoni "
        f"kabla ya mvua kunyesha siku ya {i}."
        for i in range(60)
    ]
    file = write(tmp_path / "swh.txt", *lines, FRENCH_LINE)
    texts = read_texts({"sw": str(file)})
    assert len(texts.unlabelled["swh_Latn"]) == 60
    assert texts.notes == ("swh.txt: 1 of 61 lines are left out, in another language (line 61)",)
    assert list(texts.checker.profiles) == ["swh_Latn"]
