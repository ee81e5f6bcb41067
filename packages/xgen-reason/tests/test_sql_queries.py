"""SQL that a model writes: run, mended from the error, or followed by rows by words."""

import asyncio

import pytest

from xgen_core.lm.asker import Asker
from xgen_core.lm.scripted import Rule, ScriptedModel
from xgen_reason import Found, Prompt, PromptSet, Question, Table
from xgen_reason.knowledge.tables import TableSource
from xgen_reason.queries.sql import SqlQueries, sql_in

PROMPTS = PromptSet(
    name="t",
    prompts={
        "sql": Prompt(
            layout="{table}\nQuestion: {question}\nSentence: {sentence}\nQuery: {query}",
            max_tokens=64,
        )
    },
)
QUESTION = Question(
    id="1",
    text="Who won?",
    table=Table(
        columns=("Name", "Votes"), rows=(("Ann Lee", "1,200"), ("Bo Ray", "900")), title="Poll"
    ),
)


def inquire(
    *rules: tuple[str, str], sentence: str = "Ann Lee won.", question: Question = QUESTION
) -> tuple[Found, Asker]:
    model = ScriptedModel([Rule(pattern=p, replies=(reply,)) for p, reply in rules])
    asker = Asker(model)

    async def ask() -> Found:
        async with TableSource() as source:
            return await SqlQueries().inquire(
                asker, PROMPTS, source, question, sentence, step=2, limit=3
            )

    return asyncio.run(ask()), asker


def test_a_query_is_written_from_the_layout_and_run():
    found, asker = inquire(("Query:$", "SELECT name FROM data ORDER BY votes DESC LIMIT 1"))
    assert found.evidence[0].text == "Poll: Name = Ann Lee"
    assert found.evidence[0].locator.startswith("data row 1: SELECT")
    assert [(c.stage, c.step) for c in asker.calls] == [("sql", 2)]
    assert "Columns: name (text), votes (number), votes_text (text)" in asker.calls[0].prompt
    assert asker.calls[0].prompt.endswith("Question: Who won?\nSentence: Ann Lee won.\nQuery:")


def test_an_error_is_shown_to_the_model():
    found, asker = inquire(
        ("no such column: nam.\nCorrected query:$", "SELECT name FROM data"),
        ("Query:$", "```sql\nSELECT nam FROM data;\n```"),
    )
    assert [a.outcome for a in found.attempts] == ["no such column: nam", "found"]
    assert asker.calls[1].prompt.endswith(
        "Query: SELECT nam FROM data\nThis query fails: no such column: nam.\nCorrected query:"
    )


def test_a_query_that_finds_nothing_is_followed_by_rows_by_words():
    found, asker = inquire(("Query:$", "SELECT name FROM data WHERE votes > 5000"))
    assert len(asker.calls) == 1
    assert [a.outcome for a in found.attempts] == ["empty", "found"]
    assert found.evidence[0].locator == "data row 1"
    assert found.query.language == "text"


def test_no_result_is_said_and_nothing_else_takes_its_place():
    # Chain-of-Knowledge's code gave the last five rows of the table after any error
    found, asker = inquire((".", "I cannot say."), sentence="Zoë was third.")
    assert not found.evidence
    assert len(asker.calls) == 3
    assert found.failure == "no SELECT in the model's answer"
    assert [a.outcome for a in found.attempts] == [found.failure] * 3 + ["empty"]
    found, _ = inquire((".", "SELECT name FROM data WHERE votes < 0"), sentence="Zoë.")
    assert (found.evidence, found.failure) == ((), "")
    found, _ = inquire((".", "DROP TABLE data"), sentence="Zoë.")
    assert found.failure == "no SELECT in the model's answer"


def test_a_question_without_a_table_costs_no_call():
    found, asker = inquire((".", "SELECT 1"), question=Question(id="2", text="?"))
    assert found.failure == "the question has no table"
    assert not asker.calls


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("SELECT a FROM t;", "SELECT a FROM t"),
        ("Sure, I'd go with:\n```sql\nselect a\nfrom t\n```\nIt works.", "select a\nfrom t"),
        (
            "WITH x AS (SELECT 1) SELECT * FROM x\n\nQuestion: next",
            "WITH x AS (SELECT 1) SELECT * FROM x",
        ),
        ("with x(n) as (select 1) select n from x", "with x(n) as (select 1) select n from x"),
        ("SELECT 1; DROP TABLE t", "SELECT 1; DROP TABLE t"),
        ("none", ""),
    ],
)
def test_queries_are_found_in_answers(text: str, sql: str):
    assert sql_in(text) == sql
