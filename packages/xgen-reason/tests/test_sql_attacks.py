"""What a query must not do: each attack works on a plain connection, and not through the source."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from xgen_reason import Found, Query, Question, Table
from xgen_reason.knowledge.tables import TableSource

ROWS = tuple((str(i), f"name {i}") for i in range(60))
QUESTION = Question(id="1", text="?", table=Table(columns=("n", "name"), rows=ROWS))
SECONDS = 1.0

Attack = Callable[[Path], str]


def plain() -> sqlite3.Connection:
    """The same table without any defence, but for a stop after a while so that the test ends."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE data (n NUMERIC, name TEXT)")
    connection.executemany("INSERT INTO data VALUES (?, ?)", ROWS)
    end = time.monotonic() + SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > end, 1000)
    return connection


def ask(sql: str, question: Question = QUESTION) -> Found:
    async def search() -> Found:
        async with TableSource(seconds=SECONDS) as source:
            query = Query(text=sql, language="sql")
            found = await source.search(query, question, limit=3)
            # whatever happened, the next query finds the table as it was
            count = Query(text="SELECT count(*) AS c FROM data", language="sql")
            after = await source.search(count, question, limit=3)
            assert after.evidence[0].text.endswith("c = 60")
            return found

    return asyncio.run(search())


WRITES = [
    "INSERT INTO data VALUES (1, 'x')",
    "UPDATE data SET name = 'x'",
    "DELETE FROM data",
    "DROP TABLE data",
    "CREATE TABLE more (a)",
    "CREATE TEMP TRIGGER t AFTER INSERT ON data BEGIN SELECT 1; END",
    "WITH x AS (SELECT 1) DELETE FROM data",
    "/* SELECT */ DELETE FROM data -- SELECT",
    "REPLACE INTO data VALUES (1, 'x')",
    "ALTER TABLE data RENAME TO other",
]


@pytest.mark.parametrize("sql", WRITES)
def test_writes(sql: str):
    connection = plain()
    schema = connection.execute("SELECT count(*), max(sql) FROM sqlite_schema").fetchall()
    changes = connection.total_changes
    connection.execute(sql)
    after = connection.execute("SELECT count(*), max(sql) FROM sqlite_schema").fetchall()
    temporary = connection.execute("SELECT count(*) FROM sqlite_temp_schema").fetchone()[0]
    assert (changes, schema, 0) != (connection.total_changes, after, temporary)
    connection.close()
    found = ask(sql)
    assert not found.evidence
    assert found.attempts[0].outcome.endswith("a query may only SELECT")


@pytest.mark.parametrize("sql", ["ATTACH '{}' AS x", "VACUUM INTO '{}'"])
def test_files(sql: str, tmp_path: Path):
    path = tmp_path / "file.db"
    connection = plain()
    connection.execute(sql.format(path))
    assert path.exists()
    connection.close()
    path.unlink()
    found = ask(sql.format(path))
    assert not found.evidence
    assert not path.exists()


def test_pragmas_and_the_schema():
    connection = plain()
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_schema SET sql = 'CREATE TABLE data (hidden)'")
    assert "hidden" in connection.execute("SELECT sql FROM sqlite_schema").fetchone()[0]
    connection.close()
    for sql in (
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = 'x'",
        "SELECT * FROM sqlite_schema",
        "SELECT * FROM pragma_database_list",
        "SELECT 1 FROM pragma_database_list",
        "SELECT value FROM json_each('[1]')",
        "EXPLAIN SELECT * FROM data",
        "/* x */ EXPLAIN QUERY PLAN SELECT * FROM data",
    ):
        if "SELECT" in sql:
            connection = plain()
            assert connection.execute(sql).fetchall()
            connection.close()
        found = ask(sql)
        assert not found.evidence
        assert found.attempts[0].outcome != "empty"


def test_extensions():
    # off in a plain connection as well, and not to be turned on in every build of Python
    found = ask("SELECT load_extension('/nowhere.so')")
    assert found.attempts[0].outcome == "the function load_extension is not available"


def test_functions_that_give_addresses_chance_or_the_time():
    connection = plain()
    assert connection.execute("SELECT random(), current_timestamp, date('now')").fetchone()
    connection.close()
    for sql, name in (
        ("SELECT fts3_tokenizer('simple')", "fts3_tokenizer"),
        ("SELECT random()", "random"),
        ("SELECT date('now')", "date"),
        ("SELECT current_timestamp", "current_timestamp"),
    ):
        assert ask(sql).attempts[0].outcome == f"the function {name} is not available"


MEMORY = [
    "SELECT length(zeroblob(300000000))",
    "SELECT length(randomblob(30000000))",
    "SELECT length(printf('%.*c', 300000000, 'x'))",
    "WITH RECURSIVE r(x) AS (SELECT 'aaaa' UNION ALL SELECT x || x FROM r WHERE length(x) < 4e7) "
    "SELECT max(length(x)) FROM r",
    "SELECT length(replace(replace(group_concat(name), 'n', group_concat(name)), 'a', "
    "group_concat(name) || group_concat(name) || group_concat(name))) FROM data",
]


@pytest.mark.parametrize("sql", MEMORY)
def test_values_of_any_length(sql: str):
    connection = plain()
    assert connection.execute(sql).fetchone()[0] > 1e6
    connection.close()
    found = ask(sql)
    assert not found.evidence
    assert found.attempts[0].outcome != "empty"


ENDLESS = [
    "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT max(x) FROM r",
    "SELECT count(*) FROM data a, data b, data c, data d, data e, data f "
    "WHERE a.n + b.n + c.n + d.n + e.n + f.n < 0",
    "SELECT a.name FROM data a, data b, data c, data d, data e ORDER BY a.name || e.name",
    "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) "
    "SELECT count(*) FROM data, r WHERE data.name LIKE '%a%b%' || r.x",
]


@pytest.mark.parametrize("sql", ENDLESS)
def test_queries_without_end(sql: str):
    connection = plain()
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        connection.execute(sql).fetchall()  # nothing else would have ended it
    connection.close()
    found = ask(sql)
    assert not found.evidence
    assert found.failure in ("it was stopped after 1 s", "it takes too much memory")


def nested(depth: int) -> str:
    sql = "SELECT n FROM data"
    for _ in range(depth):
        sql = f"SELECT n+n+n+n+n+n+n+n AS n FROM ({sql})"
    return sql


def test_queries_that_grow_while_they_are_read():
    # eight to the power of the depth: SQLite reads it before it asks its progress handler once
    connection = plain()
    assert connection.execute(nested(5)).fetchone() is not None
    connection.close()
    assert ask(nested(9)).failure in ("it takes too much memory", "it was stopped after 0.8 s")


def test_patterns_that_backtrack():
    pattern = "%a" * 400
    sql = f"SELECT count(*) FROM data WHERE name LIKE '{pattern}' OR name GLOB '{pattern}'"
    connection = plain()
    assert connection.execute(sql).fetchone() == (0,)
    connection.close()
    assert "pattern too complex" in ask(sql).attempts[0].outcome


def test_two_statements():
    connection = plain()
    connection.executescript("SELECT 1; DELETE FROM data")
    assert connection.execute("SELECT count(*) FROM data").fetchone() == (0,)
    connection.close()
    for sql in ("SELECT 1; DELETE FROM data", "SELECT 1;--\n DELETE FROM data", "COMMIT; SELECT 1"):
        assert not ask(sql).evidence


def test_cells_that_read_like_sql_are_cells():
    bad = '"); DROP TABLE data; --'
    table = Table(columns=(bad, "name"), rows=((bad, "x"), *ROWS[1:]), title=bad)
    found = ask("SELECT * FROM data LIMIT 1", Question(id="1", text="?", table=table))
    assert "name = x" in found.evidence[0].text
