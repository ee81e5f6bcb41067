"""Blind sheets: nothing in them tells the runs apart, and kappa is Cohen's."""

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner

from xgen_core import InputError
from xgen_core.files import read_jsonl, write_jsonl
from xgen_reason import Question, Result
from xgen_reason.chain import Chain
from xgen_reason.commands.sheets import sheets
from xgen_reason.evaluation.sheets import Pair, read_sheets, write_sheet

QUESTIONS = [Question(id=f"q{i}", text=f"Question {i}?") for i in range(10)]
NAMES = ("cot-sc", "verify-edit")


def run(method: str, text: str = "{} says {}") -> list[Result]:
    return [
        Result(
            id=q.id,
            method=method,
            answer=q.id,
            route="direct",
            chain=Chain(steps=(text.format(method[:3], q.id),), answer=q.id),
        )
        for q in QUESTIONS
    ]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    key = tmp_path / "key.jsonl"
    sheet = tmp_path / "sheet.csv"
    write_sheet(QUESTIONS, run("one"), run("two"), names=NAMES, sheet=sheet, key=key)
    return key


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as handle:
        return list(csv.reader(handle))


def fill(key: Path, name: str, judgements: str) -> Path:
    """A copy of the sheet, filled in by run: f(irst), s(econd), t(ie), `-` for nothing."""
    header, *body = rows(key.with_name("sheet.csv"))
    pairs = list(read_jsonl(key, Pair.from_json))
    for row, pair, judgement in zip(body, pairs, judgements, strict=True):
        side = "A" if (judgement == "f") == pair.a_is_first else "b"
        row[-1] = {"t": "tie", "-": ""}.get(judgement, side)
    path = key.with_name(name)
    with path.open("w", newline="") as handle:
        csv.writer(handle).writerows([header, *body])
    return path


def test_a_sheet_is_blind_and_its_key_tells(key: Path):
    sheet = rows(key.with_name("sheet.csv"))
    pairs = list(read_jsonl(key, Pair.from_json))
    assert len(sheet) == 11
    assert not any(name in cell for name in NAMES for row in sheet for cell in row)
    assert [int(row[0]) for row in sheet[1:]] == list(range(1, 11))
    for row, pair in zip(sheet[1:], pairs, strict=True):
        assert row[2].startswith("First, one" if pair.a_is_first else "First, two")
        assert row[3].startswith("First, two" if pair.a_is_first else "First, one")
        assert row[1] == f"Question {pair.id[1:]}?"
    assert {pair.a_is_first for pair in pairs} == {True, False}
    assert [pair.id for pair in pairs] != [q.id for q in QUESTIONS]


def test_sheets_are_drawn_by_seed_from_chains_that_differ(tmp_path: Path):
    second = run("two")
    second[0] = run("one")[0]

    def drawn(seed: int, count: int = 50) -> list[Pair]:
        key = tmp_path / f"{seed}.jsonl"
        n = write_sheet(
            QUESTIONS,
            run("one"),
            second,
            names=NAMES,
            sheet=tmp_path / "s.csv",
            key=key,
            count=count,
            seed=seed,
        )
        pairs = list(read_jsonl(key, Pair.from_json))
        assert len(pairs) == n
        return pairs

    assert len(drawn(0)) == 9
    assert "q0" not in {pair.id for pair in drawn(0)}
    assert drawn(0, 4) == drawn(0)[:4]
    assert drawn(1) != drawn(0)
    with pytest.raises(InputError, match="no question with two different chains"):
        write_sheet(
            QUESTIONS,
            second,
            second,
            names=NAMES,
            sheet=tmp_path / "s.csv",
            key=tmp_path / "k.jsonl",
        )


def test_cells_are_no_formulas(tmp_path: Path):
    bad = [Question(id="q0", text="=HYPERLINK(1)")]
    write_sheet(
        bad, run("one"), run("two"), names=NAMES, sheet=tmp_path / "s.csv", key=tmp_path / "k"
    )
    assert rows(tmp_path / "s.csv")[1][1] == "'=HYPERLINK(1)"


def test_kappa_and_shares_of_two_people(key: Path):
    # both f 4 times, s twice, t once; f/s, s/t, t/f once each: observed 7/10, by chance .25+.09+.04
    one = fill(key, "one.csv", "ffffsstfst")
    two = fill(key, "two.csv", "ffffsststf")
    found = read_sheets(key, [one, two])
    assert found.kappa == pytest.approx((0.7 - 0.38) / 0.62)
    assert found.kappas == {"1 / 2": pytest.approx(0.516129, abs=1e-6)}
    assert found.names == NAMES
    assert (found.first.value, found.second.value, found.tie.value) == (0.5, 0.3, 0.2)
    assert found.first.n == 10  # pairs, not judgements
    assert found.first.interval is not None
    assert found.blank == 0


def test_three_people_one_and_rows_left_empty(key: Path):
    same = fill(key, "one.csv", "ffffffffss")
    other = fill(key, "two.csv", "ssssssssff")
    found = read_sheets(key, [same, same, other])
    assert found.kappas["1 / 2"] == 1
    assert found.kappas["1 / 3"] == pytest.approx(-0.32 / 0.68)  # 0 observed, 2 · .8 · .2 by chance
    assert found.kappa == pytest.approx((1 - 2 * 0.32 / 0.68) / 3)
    alone = read_sheets(key, [fill(key, "x.csv", "ff-ss---tt")])
    assert (alone.kappa, alone.blank) == (None, 4)
    assert alone.first.value == pytest.approx(1 / 3)
    constant = fill(key, "y.csv", "f" * 10)
    assert read_sheets(key, [constant, constant]).kappa is None


def test_sheets_that_cannot_be_read_are_said(key: Path, tmp_path: Path):
    with pytest.raises(InputError, match="no row is filled in"):
        read_sheets(key, [fill(key, "e.csv", "-" * 10)])
    wrong = fill(key, "w.csv", "f" * 10)
    wrong.write_text(wrong.read_text().replace(",tie", ",C").replace(",b\n", ",both\n"))
    with pytest.raises(InputError, match=r"w.csv:\d+: expected A, B or tie, got 'both'"):
        read_sheets(key, [wrong])
    other = tmp_path / "other.csv"
    other.write_text("a,b\n")
    with pytest.raises(InputError, match="no sheet: expected the columns number"):
        read_sheets(key, [other])
    with pytest.raises(InputError, match="no such file"):
        read_sheets(key, [tmp_path / "none.csv"])


def test_the_command_makes_a_sheet_of_two_runs_and_reads_it(tmp_path: Path):
    data = tmp_path / "questions.jsonl"
    write_jsonl(data, [q.to_json() for q in QUESTIONS])
    for name in NAMES:
        failed = {"id": "q9", "error": "no answer", "kind": "ModelError"}
        rows = [*(r.to_json() for r in run(name)[:9]), failed]
        (tmp_path / name / "items").mkdir(parents=True)
        write_jsonl(tmp_path / name / "items" / "results.jsonl", rows)
    sheet, key = tmp_path / "sheet.csv", tmp_path / "key.jsonl"
    runs = [f"{tmp_path / name}" for name in NAMES]
    arguments = ["make", "questions", f"{data}", *runs, "-o", f"{sheet}", "--key", f"{key}"]
    made = CliRunner().invoke(sheets, arguments, catch_exceptions=False)
    assert made.output.startswith(f"{sheet}: 9 pairs of chains")
    people = [fill(key, "one.csv", "fffffftss"), fill(key, "two.csv", "fffsffsss")]
    arguments = ["read", f"{key}", *map(str, people)]
    read = CliRunner().invoke(sheets, arguments, catch_exceptions=False)
    assert "9 pairs of chains, 2 people, 0 rows left empty" in read.output
    assert "61.1%" in read.output
    # 7 of 9 agree; by chance (6 · 5 + 2 · 4) / 81; so 25 / 43
    assert "Cohen's kappa 0.581" in read.output
    as_json = CliRunner().invoke(sheets, [*arguments, "--json"], catch_exceptions=False)
    assert '"kappa": 0.58' in as_json.output
