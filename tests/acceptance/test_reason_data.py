"""Files of others that xgen-reason reads: questions, and a thousand tables of Wikipedia."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest

from xgen_core.files import read_jsonl
from xgen_reason import Query, Question, Table
from xgen_reason.datasets import read_questions
from xgen_reason.knowledge.sql_table import SqlTable
from xgen_reason.knowledge.tables import TableSource


@pytest.fixture
def reason(data: Path) -> Path:
    return data / "reason"


def test_every_table_loads_with_unique_columns(reason: Path) -> None:
    questions = read_questions("fetaqa", reason / "fetaqa" / "fetaQA-v1_dev.jsonl")
    assert len(questions) == 1001
    headings = [q.table.columns for q in questions if q.table]
    assert sum(len(set(own)) < len(own) for own in headings) == 178

    async def ask() -> int:
        rows = 0
        async with TableSource() as source:
            for question in questions:
                assert question.table is not None
                table = SqlTable.of(question.table)
                assert len(set(map(str.casefold, table.names))) == len(table.names)
                columns = ", ".join(table.names)
                for name in filter(None, (table.name, table.alias)):
                    sql = f"SELECT {columns} FROM {name}"  # names need no quotes
                    found = await source.search(Query(text=sql, language="sql"), question, limit=1)
                    assert [a.outcome for a in found.attempts] == ["found"], (question.id, found)
                rows += len(table.rows)
        return rows

    assert asyncio.run(ask()) == sum(len(q.table.rows) for q in questions if q.table)
    kinds = Counter(
        (bool(c.original), c.kind)
        for q in questions
        if q.table
        for c in SqlTable.of(q.table).columns
    )
    assert kinds[True, "number"] > 100  # comma groups, footnotes and signs that block other readers


def test_a_row_that_the_answer_rests_on_is_among_the_first_three(reason: Path) -> None:
    path = reason / "fetaqa" / "fetaQA-v1_dev.jsonl"
    rows = {f"{row['feta_id']}": row["highlighted_cell_ids"] for row in read_jsonl(path)}

    async def ask() -> list[bool]:
        hits: list[bool] = []
        async with TableSource() as source:
            for question in read_questions("fetaqa", path):
                query = Query(text=question.text, language="text")
                found = await source.search(query, question, limit=3)
                numbers = {int(e.locator.split()[-1]) for e in found.evidence}
                hits.append(not numbers.isdisjoint(row for row, _ in rows[question.id]))
        return hits

    hits = asyncio.run(ask())
    assert sum(hits) / len(hits) > 0.8  # 0.811


@pytest.mark.parametrize(
    "sql",
    [
        "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT max(x) FROM r",
        "SELECT count(*) FROM data a, data b, data c, data d, data e, data f "
        "WHERE a.n + b.n + c.n + d.n + e.n + f.n < 0",
        "SELECT count(*) FROM data a, data b, data c, data d, data e, data f "
        "WHERE trim(a.name || b.name, c.name || d.name) LIKE '%x%' || e.name || f.name",
    ],
)
def test_runaway_queries_end_within_a_second_of_their_deadline(sql: str) -> None:
    rows = tuple((str(i), f"name {i}") for i in range(60))
    question = Question(id="1", text="?", table=Table(columns=("n", "name"), rows=rows))

    async def ask() -> tuple[float, str]:
        async with TableSource(seconds=1.0) as source:
            begun = time.monotonic()
            found = await source.search(Query(text=sql, language="sql"), question, limit=1)
            return time.monotonic() - begun, found.failure

    seconds, failure = asyncio.run(ask())
    assert failure == "it was stopped after 1 s"
    assert seconds < 2.0


def test_published_files_are_read(reason: Path, data: Path) -> None:
    adversarial = read_questions("adv_hotpotqa", reason / "hotpot_adv" / "first100.json")
    assert len(adversarial) == 100
    assert all(len(q.paragraphs) == 4 and len(q.support) == 2 for q in adversarial)
    claims = read_questions("fever", reason / "fever" / "first300_with_sentences.jsonl")
    assert len(claims) == 300
    assert all(bool(q.support) == (q.golds != ("NOT ENOUGH INFO",)) for q in claims)
    medical = read_questions("medmcqa", reason / "cok" / "medmcqa_medmcqa.json")
    subjects = Counter(q.attributes["subject_name"] for q in medical)
    assert subjects == {"Anatomy": 49, "Pathology": 38, "Pharmacology": 34, "Physiology": 25}
    graph = read_questions("qald", reason / "sparql" / "qald_10.json")
    assert len(graph) == 394
    assert [q.id for q in graph if not q.golds] == ["313"]
    biology = data / "eval" / "mmlu" / "test" / "high_school_biology_test.csv"
    assert len(read_questions("mmlu_biology", biology)) == 310
