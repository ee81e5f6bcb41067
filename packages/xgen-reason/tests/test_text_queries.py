"""Queries in words: written by the model, or the sentence itself."""

import asyncio

import pytest

from xgen_core.lm.asker import Asker
from xgen_core.lm.scripted import Rule, ScriptedModel
from xgen_reason import Prompt, PromptSet, Query, Question
from xgen_reason.evidence import Evidence
from xgen_reason.knowledge.reply import reply
from xgen_reason.queries.text import TextQueries

QUESTION = Question(id="1", text="Where was the author of Emma born?")
PROMPTS = PromptSet(
    name="own",
    prompts={"query": Prompt(layout="Question: {question}\nSentence: {sentence}\nSearch: {query}")},
)


class Shelf:
    """Finds what holds the whole query."""

    name, language, summary, fingerprint = "shelf", "text", "two sentences", "1"
    texts = ("Who wrote Emma? Jane Austen.", "Austen was born in Steventon.")

    async def search(self, query: Query, question: Question, *, limit: int):
        found = [text for text in self.texts if query.text in text]
        pieces = [Evidence(text=text, source=self.name, locator="1") for text in found]
        return reply(self.name, query, tuple(pieces[:limit]))


def inquire(sentence, answer, writer=TextQueries()):  # noqa: B008 - frozen
    model = ScriptedModel([Rule(pattern="", replies=(answer,))])

    async def work():
        async with model:
            asker = Asker(model)
            found = await writer.inquire(
                asker, PROMPTS, Shelf(), QUESTION, sentence, step=2, limit=3
            )
            return found, asker.calls

    return asyncio.run(work())


def test_the_model_writes_a_question():
    assert TextQueries().language == "text"
    found, calls = inquire("Emma is by Austen.", ' "Who wrote Emma?" \nAnd more')
    assert found.query.text == "Who wrote Emma?"
    assert [(a.text, a.outcome) for a in found.attempts] == [("Who wrote Emma?", "found")]
    [call] = calls
    assert (call.stage, call.step) == ("query", 2)
    assert call.prompt.endswith(f"{QUESTION.text}\nSentence: Emma is by Austen.\nSearch:")


def test_a_question_is_asked_as_it_is():
    found, calls = inquire("Who wrote Emma?", "never asked")
    assert (found.query.text, calls) == ("Who wrote Emma?", ())


def test_a_sentence_can_be_the_query():
    writer = TextQueries(style="sentence")
    found, calls = inquire("Austen was born in Steventon.", "never asked", writer)
    assert (len(found.evidence), calls) == (1, ())
    with pytest.raises(ValueError, match="'question' or 'sentence'"):
        TextQueries(style="other")


def test_a_query_that_finds_nothing_is_followed_by_the_sentence():
    found, _ = inquire("Austen was born in Steventon.", "Where was Jane Austen raised?")
    assert [a.outcome for a in found.attempts] == ["empty", "found"]
    assert found.evidence[0].text == "Austen was born in Steventon."


def test_a_model_that_writes_nothing_is_recorded():
    found, _ = inquire("Austen was born in Steventon.", "\n")
    assert [a.outcome for a in found.attempts] == ["the model writes no query", "found"]
    found, _ = inquire("Nobody knows.", "")
    assert [a.outcome for a in found.attempts] == ["the model writes no query", "empty"]
    assert (found.evidence, found.failure) == ((), "")
