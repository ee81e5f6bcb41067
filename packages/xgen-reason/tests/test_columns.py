"""Headings become names that SQL takes, and cells numbers, with nothing lost."""

import sqlite3

import pytest

from xgen_reason import Table
from xgen_reason.knowledge.columns import columns_of, number_of, safe_names
from xgen_reason.knowledge.sql_table import SqlTable


def test_names_are_unique_and_safe():
    assert safe_names(("Year", "year", "YEAR", "", "-", "Order", "No. of seats", "2013", "%")) == (
        "year",
        "year_2",
        "year_3",
        "column_4",
        "column_5",
        "order_",
        "no_of_seats",
        "_2013",
        "percent",
    )
    # a numbered name that is taken already, quotes, the names of a row's number, other scripts
    assert safe_names(("a", "a 2", "a", 'say "hi"; --', "rowid", "नाम", "列")) == (
        "a",
        "a_2",
        "a_3",
        "say_hi",
        "rowid_",
        "नाम",
        "列",
    )
    assert safe_names(("column 2", "")) == ("column_2", "column_2_2")


def test_every_name_is_accepted_without_quotes():
    headings = (
        "select",
        "Table",
        "group",
        "1st",
        "a'b",
        "x\0y",
        "sqlite_stat1",
        "☃",
        "é",
        "_rowid_",
    )
    names = safe_names(headings)
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE data ({', '.join(names)})")
    connection.execute(f"SELECT {', '.join(names)} FROM data")
    connection.close()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5,074", 5074),
        ("1,234,567.5", 1234567.5),
        ("43%", 43),
        ("12.5 %", 12.5),
        ("1949[2]", 1949),
        ("12*", 12),
        ("7 †", 7),
        ("−3", -3),
        ("–4.5", -4.5),
        ("+8", 8),
        ("$1,000", 1000),
        (".5", 0.5),
        ("0", 0),
        ("12,34", None),
        ("1–0", None),
        ("1990–95", None),
        ("007", None),
        ("1st", None),
        ("", None),
        ("12 13", None),
        ("* " * 25 + "x", None),
        ("*" * 50_000 + "x", None),
    ],
)
def test_cells_state_numbers(text: str, number: float | None):
    assert number_of(text) == number


def test_a_column_is_numeric_as_a_whole_and_keeps_its_originals():
    columns, rows = columns_of(
        ("Votes", "Year", "Score"),
        (("5,074", "1982", "1–0"), ("—", "", "2")),
    )
    assert [(c.name, c.kind, c.original) for c in columns] == [
        ("votes", "number", "votes_text"),
        ("year", "number", ""),
        ("score", "text", ""),
    ]
    assert rows == [[5074, "5,074", 1982, "1–0"], [None, "—", None, "2"]]


def test_a_layout_shows_names_kinds_and_rows_and_rows_are_read_with_their_headings():
    table = SqlTable.of(
        Table(columns=("Votes", ""), rows=(("5,074", "a\nb"), ("2", "")), title="Illinois 1982")
    )
    assert table.layout(1) == (
        "Table data: Illinois 1982\n"
        "Columns: votes (number), votes_text (text), column_2 (text)\n"
        "First 1 of 2 rows:\n"
        "votes | votes_text | column_2\n"
        "5074 | 5,074 | a b"
    )
    assert table.alias == "illinois_1982"
    assert table.read_aloud(table.names, table.rows[0]) == "Votes = 5,074, column_2 = a b"
    assert table.read_aloud(("n", "n"), (1, 2)) == "n = 1, n = 2"
    assert table.read_aloud(("votes_text",), ("5,074",)) == "Votes = 5,074"
    assert table.read_aloud(("votes", "n"), (5074, None)) == "Votes = 5074, n = (empty)"
