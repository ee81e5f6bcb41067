"""Output files of other systems."""

from __future__ import annotations

from pathlib import Path

import pytest

from xgen_core import InputError
from xgen_ldp import ENGLISH, Checker, Direction, Line, find_language
from xgen_ldp.hypotheses import read_hypotheses

DIRECTION = Direction(source=ENGLISH, target=find_language("npi"))
LINES = (
    Line(id="devtest:2", text="Water is cold."),
    Line(id="devtest:4", text="The sun is warm."),
)


def test_a_systems_lines_are_checked_like_a_models(tmp_path: Path) -> None:
    file = tmp_path / "nllb.txt"
    file.write_text("पानी चिसो छ ।\nThe sun is warm.\n", "utf-8")
    found = read_hypotheses(file, DIRECTION, LINES)
    first, second = (found.translation(line, Checker()) for line in LINES)
    assert (first.id, first.text, first.calls) == ("devtest:2", "पानी चिसो छ ।", ())
    assert first.accepted
    assert second.text == "The sun is warm."
    assert "copy" in [finding.reason for finding in second.last.findings]
    assert found.file.name == "nllb.txt"


def test_a_directory_has_a_file_for_each_direction(tmp_path: Path) -> None:
    (tmp_path / "eng_Latn-npi_Deva.txt").write_text("एक\nदुई", "utf-8")
    assert list(read_hypotheses(tmp_path, DIRECTION, LINES).texts.values()) == ["एक", "दुई"]
    other = Direction(source=ENGLISH, target=find_language("ibo"))
    with pytest.raises(InputError, match=r"eng_Latn-ibo_Latn\.txt: no such file"):
        read_hypotheses(tmp_path, other, LINES)


def test_a_file_of_the_whole_corpus_serves_a_sample(tmp_path: Path) -> None:
    file = tmp_path / "whole.txt"
    file.write_text("एक\nदुई\nतीन\nचार\n", "utf-8")
    found = read_hypotheses(file, DIRECTION, LINES, corpus=4)
    assert found.texts == {"devtest:2": "दुई", "devtest:4": "चार"}


def test_what_is_not_written_is_empty_and_rejected(tmp_path: Path) -> None:
    file = tmp_path / "nllb.txt"
    file.write_text("\nघाम न्यानो छ ।\n", "utf-8")
    made = read_hypotheses(file, DIRECTION, LINES).translation(LINES[0], Checker())
    assert (made.text, [finding.reason for finding in made.last.findings]) == ("", ["empty"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("एक\n", r"1 lines for 2 .* \(or 4, the whole corpus\): .* devtest:4"),
        ("", r"0 lines for 2 .* devtest:2"),
        ("एक\n\nदुई\n", r"3 lines for 2 .* line 2, which is empty"),
        ("एक\nदुई\nतीन\n", r"3 lines for 2 .* line 3"),
    ],
)
def test_misaligned_files_are_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "nllb.txt"
    file.write_text(text, "utf-8")
    with pytest.raises(InputError, match=message) as caught:
        read_hypotheses(file, DIRECTION, LINES, corpus=4)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(file))


def test_a_wrong_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "nllb.txt"
    file.write_bytes("एक\n".encode() + "été\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"nllb\.txt:2: not UTF-8: .* byte 1"):
        read_hypotheses(file, DIRECTION, LINES)
