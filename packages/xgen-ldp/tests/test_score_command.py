"""`xgen ldp score` beside sacrebleu's own command line, on the same files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from xgen_core import XgenError
from xgen_ldp.cli import ldp

NEPALI = [
    "नेपाल हिमालयको काखमा बसेको एउटा सानो देश हो।",
    "हिजो राति काठमाडौंमा ठूलो पानी पर्यो।",
    "उनले बिहानै उठेर चिया पकाइन् र अखबार पढिन्।",
    "सरकारले २०२३ मा नयाँ नीति ल्याउने भयो।",
]
CHINESE = ["昨天晚上北京下了一场大雨。", "她早上起来泡茶看报纸。", "政府将在2023年出台新政策。"]
THAI = ["เมื่อคืนฝนตกหนักที่กรุงเทพ", "เธอตื่นแต่เช้าและชงชา", "รัฐบาลจะออกนโยบายใหม่"]
ENGLISH = ["The rain fell all night.", "She made tea, read the paper (twice).", "It's 2023 now!"]
CASES = {
    "npi": (NEPALI, "13a"),
    "zho": (CHINESE, "zh"),
    "tha": (THAI, "char"),
    "eng": (ENGLISH, "13a"),
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def sacrebleu(*arguments: str, store: Path | None = None) -> Any:
    environment = os.environ | {"NO_COLOR": "1"} | ({"SACREBLEU": f"{store}"} if store else {})
    done = subprocess.run(
        [sys.executable, "-m", "sacrebleu", *arguments, "-w", "8", "-f", "json"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


def score(*arguments: str) -> Any:
    result = CliRunner().invoke(ldp, ["score", *arguments, "--json", "--resamples", "100"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(*arguments: str) -> str:
    error = CliRunner().invoke(ldp, ["score", *arguments]).exception
    assert isinstance(error, XgenError)
    return f"{error}"


@pytest.mark.parametrize("code", CASES)
def test_scores_and_signatures_are_those_of_sacrebleus_command_line(place: Path, code: str) -> None:
    lines, tokenizer = CASES[code]
    worse = [" ".join(reversed(lines[0].split())), f"{lines[1][:-4]}  ", *lines[2:-1], ""]
    write(place / "ref", lines)
    write(place / "hyp", worse)
    ours = score("hyp", "--reference", "ref", "--language", code)["systems"]["hyp"]
    theirs = sacrebleu(
        *("ref", "-i", "hyp", "-m", "chrf", "bleu", "--chrf-word-order", "2", "-tok", tokenizer)
    )
    by_name = {row["name"]: row for row in theirs}
    for name, metric in (("chrF2++", "chrF++"), ("BLEU", "BLEU")):
        assert ours[metric]["value"] == pytest.approx(by_name[name]["score"], abs=1e-7)
        assert ours[metric]["signature"] == by_name[name]["signature"]
        assert 0 < ours[metric]["value"] < 100


def test_odd_files_are_read_as_sacrebleu_reads_them(place: Path) -> None:
    reference = "\ufeffThe rain\u2028fell.\r\nShe\x85 read it. \t\r\nIt's late"
    (place / "ref").write_bytes(reference.encode("utf-8"))
    (place / "hyp").write_bytes("The rain\r fell\nHe read it.\nIt's  late!\u00a0\n".encode())
    ours = score("hyp", "-r", "ref")
    rows = sacrebleu("ref", "-i", "hyp", "-m", "chrf", "bleu", "--chrf-word-order", "2")
    by_name = {row["name"]: row["score"] for row in rows}
    figures = ours["systems"]["hyp"]
    assert ours["lines"] == 3
    assert figures["chrF++"]["value"] == pytest.approx(by_name["chrF2++"], abs=1e-7)
    assert figures["BLEU"]["value"] == pytest.approx(by_name["BLEU"], abs=1e-7)


def test_files_are_compared_on_the_same_lines(place: Path) -> None:
    write(place / "ref", NEPALI * 5)
    write(place / "bad", [line[: len(line) // 2] for line in NEPALI * 5])
    write(place / "good", [*NEPALI * 4, *NEPALI[:-1], "छ"])
    found = score("bad", "-r", "ref", "--paired", "good", "--language", "npi")
    assert [one["metric"] for one in found["comparisons"]] == ["chrF++", "BLEU"]
    for one in found["comparisons"]:
        assert (one["first"], one["second"], one["lines"]) == ("bad", "good", 20)
        assert one["difference"] > 0
        assert one["corrected"] <= 0.05
    text = CliRunner().invoke(ldp, ["score", "bad", "-r", "ref", "-p", "good"]).output
    assert re.search(r"good against bad: chrF\+\+ \+\d+\.\d\d  \[", text)
    assert "nw:2|space:no" in text


def test_another_tokenizer_is_asked_for_by_name(place: Path) -> None:
    write(place / "ref", THAI)
    write(place / "hyp", [line[3:] for line in THAI])
    asked = score("hyp", "-r", "ref", "--language", "tha", "--tokenize", "13a")
    usual = score("hyp", "-r", "ref", "--language", "tha")
    assert "tok:13a" in asked["systems"]["hyp"]["BLEU"]["signature"]
    assert asked["notes"] == []
    assert "without spaces" in usual["notes"][0]
    assert "int" in refused("hyp", "-r", "ref", "--tokenize", "innt")


def test_another_normal_form_is_said(place: Path) -> None:
    write(place / "ref", ["Ọjọ́ dára", "one"])
    write(place / "hyp", ["O\u0323jo\u0323\u0301 dára", "one"])
    assert "1 of 2 lines" in score("hyp", "-r", "ref")["notes"][0]


def test_what_cannot_be_scored_is_refused_in_one_line(place: Path) -> None:
    write(place / "ref", NEPALI)
    write(place / "hyp", NEPALI[:-1])
    assert "hyp has 3 lines and ref 4" in refused("hyp", "-r", "ref")
    assert "nowhere: No such file" in refused("nowhere", "-r", "ref")
    assert "each once" in refused("ref", "-r", "ref", "--paired", "ref")
    assert "Npii!" in refused("ref", "-r", "ref", "--language", "Npii!")
