"""Corpora as they lie on disk: layouts, numbering, encodings, and files that are not aligned."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import pytest

from xgen_core import InputError
from xgen_ldp import ENGLISH, Direction, find_language
from xgen_ldp.corpora import Corpus, aligned_corpus, open_corpus

NEPALI, ZULU = find_language("npi"), find_language("zul")
INTO = Direction(source=NEPALI, target=ENGLISH)


def write(path: Path, lines: Sequence[str], end: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}{end}" for line in lines).encode("utf-8"))
    return path


@pytest.fixture
def flores(tmp_path: Path) -> Path:
    for split in ("dev", "devtest"):
        write(tmp_path / split / f"npi_Deva.{split}", [f"{split} नेपाली", "दुई"])
        write(tmp_path / split / f"eng_Latn.{split}", [f"{split} Nepali", "two"])
    return tmp_path


def test_flores_is_read_from_its_root_or_from_a_split(flores: Path) -> None:
    corpus = open_corpus(flores)
    assert [language.code for language in corpus.languages] == ["eng_Latn", "npi_Deva"]
    line = corpus.lines(INTO)[0]
    assert (line.id, line.reference) == ("flores200.devtest:1", "devtest Nepali")
    assert "CC BY-SA" in corpus.title
    assert open_corpus(flores, "dev").ids == ("flores200.dev:1", "flores200.dev:2")
    assert open_corpus(flores / "dev").ids == open_corpus(flores, "dev").ids
    with pytest.raises(InputError, match="no devtest files"):
        open_corpus(flores / "dev", "devtest")
    with pytest.raises(InputError, match="devtest and dev"):
        open_corpus(flores, "test")


def test_ntrex_has_the_same_ids_whole_or_in_part(tmp_path: Path) -> None:
    for part in ("", ".first500"):
        lines = ["one", "two"] if part else ["one", "two", "three"]
        write(tmp_path / part / f"newstest2019-src.eng{part}.txt", lines, "\r\n")
        for code in ("nep", "zho-CN", "fra-CA"):
            write(tmp_path / part / f"newstest2019-ref.{code}{part}.txt", lines)
    whole, part = open_corpus(tmp_path), open_corpus(tmp_path / ".first500")
    codes = ["eng_Latn", "fra-CA", "npi_Deva", "zho_Hans"]
    assert [language.code for language in whole.languages] == codes
    assert whole.ids[:2] == part.ids == ("newstest2019:1", "newstest2019:2")
    assert "first500" in part.title
    regional = whole.language("fra-CA")
    assert (regional.name, regional.script) == ("French (CA)", "Latn")
    with pytest.raises(InputError, match="zul"):
        whole.language("zul")


def test_a_directory_of_language_codes_is_a_corpus() -> None:
    with_codes = Path(str(files("xgen_ldp.exemplars") / "sentences"))
    corpus = open_corpus(with_codes)
    assert len(corpus.languages) >= 8
    for language in corpus.languages:
        if language != ENGLISH:
            lines = corpus.lines(Direction(source=language, target=ENGLISH))
            assert [line.id for line in lines] == list(corpus.ids)
            assert all(line.reference for line in lines)


def test_what_is_no_corpus_says_what_one_would_be(tmp_path: Path) -> None:
    write(tmp_path / "README.txt", ["nothing"])
    with pytest.raises(InputError, match=r"npi_Deva\.devtest.*newstest2019-ref\.npi\.txt"):
        open_corpus(tmp_path)
    with pytest.raises(InputError, match="directory of a corpus"):
        open_corpus(tmp_path / "README.txt")
    for name in ("npi.txt", "npi_Deva.txt"):
        write(tmp_path / name, ["one"])
    with pytest.raises(InputError, match="both Nepali"):
        open_corpus(tmp_path)


def pair(tmp_path: Path, source: Sequence[str], reference: Sequence[str]) -> Corpus:
    return aligned_corpus(
        INTO, write(tmp_path / "a.npi", source), write(tmp_path / "a.eng", reference)
    )


def test_empty_lines_keep_their_numbers_and_are_counted(tmp_path: Path) -> None:
    corpus = pair(tmp_path, ["एक", "", "तीन", "चार"], ["one", "two", "  ", "four"])
    lines = corpus.lines(INTO)
    assert [(line.id, line.reference) for line in lines] == [
        ("a.npi:1", "one"),
        ("a.npi:3", None),
        ("a.npi:4", "four"),
    ]
    assert corpus.file(NEPALI).empty == (2,)
    assert corpus.file(ENGLISH).empty == (3,)
    assert len(corpus.ids) == 4


def test_without_references_lines_have_none(tmp_path: Path) -> None:
    corpus = aligned_corpus(INTO, write(tmp_path / "a.npi", ["एक", "दुई"]), None)
    assert [line.reference for line in corpus.lines(INTO)] == [None, None]
    with pytest.raises(InputError, match="eng_Latn"):
        corpus.lines(Direction(source=ENGLISH, target=NEPALI))


def test_text_is_read_composed_and_every_change_is_counted(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "Ọjọ́ dára")
    corpus = pair(tmp_path, ["\ufeffएक", f" {decomposed} ", "तीन\u2028लाइन"], ["a", "b", "c"])
    texts = [line.text for line in corpus.lines(INTO)]
    assert texts == ["एक", unicodedata.normalize("NFC", decomposed), "तीन लाइन"]
    account = corpus.file(NEPALI)
    assert (account.composed, account.joined, account.lines) == (1, 1, 3)
    assert account.file.sha256 != corpus.file(ENGLISH).file.sha256
    assert type(account).from_json(account.to_json()) == account


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"one\r\ntwo\r\nthr\xe9e\n", r":3: not UTF-8 text \(byte 0xe9\)"),
        ("eins".encode("utf-16"), "looks like UTF-16LE"),
        (b"", "empty"),
    ],
)
def test_another_encoding_is_refused_by_line(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "x.eng"
    path.write_bytes(content)
    corpus = aligned_corpus(INTO, write(tmp_path / "a.npi", ["एक"]), path)
    with pytest.raises(InputError, match=told):
        corpus.lines(INTO)


def translated(count: int) -> tuple[list[str], list[str]]:
    """Texts and others that are as long and have the same numbers, as translations have."""
    draw = random.Random(3)
    ours: list[str] = []
    theirs: list[str] = []
    for _ in range(count):
        length = draw.randint(3, 40)
        number = f" {draw.randint(2, 5000)}" if draw.random() < 0.3 else ""
        ours.append("मान " * length + number)
        theirs.append("word " * max(1, length + draw.randint(-2, 2)) + number)
    return ours, theirs


def test_a_lost_line_is_found_by_lengths_and_numbers(tmp_path: Path) -> None:
    source, reference = translated(200)
    assert len(pair(tmp_path, source, reference).lines(INTO)) == 200
    with pytest.raises(InputError, match=r"has 200 lines and .*a\.eng 199") as lost:
        pair(tmp_path, source, [*reference[:120], *reference[121:]]).lines(INTO)
    assert about_line(lost.value) == pytest.approx(121, abs=4)
    with pytest.raises(InputError) as added:
        pair(tmp_path, source, [*reference[:50], "one too many", *reference[50:]]).lines(INTO)
    assert about_line(added.value) == pytest.approx(51, abs=4)


def test_as_many_lines_that_are_shifted_are_refused_too(tmp_path: Path) -> None:
    source, reference = translated(200)
    shifted = [*reference[:80], *reference[81:150], "put in", *reference[150:]]
    with pytest.raises(InputError, match=r"has 200 lines and .* 200") as error:
        pair(tmp_path, source, shifted).lines(INTO)
    assert about_line(error.value) == pytest.approx(81, abs=4)


def test_a_file_that_is_cut_off_differs_from_there_on(tmp_path: Path) -> None:
    source, reference = translated(200)
    with pytest.raises(InputError) as error:
        pair(tmp_path, source, reference[:90]).lines(INTO)
    assert about_line(error.value) == 91


def test_a_gap_on_one_side_shows_where_files_part(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="about line 2 on"):
        pair(tmp_path, ["एक", "", "तीन"], ["one", "two"]).lines(INTO)
    with pytest.raises(InputError, match="cannot be told"):
        pair(tmp_path, ["एक", "दुई", "तीन"], ["one", "two"]).lines(INTO)


def about_line(error: InputError) -> int:
    return int(f"{error}".partition("about line ")[2].split()[0])
