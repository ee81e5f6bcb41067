"""How a person says what is to be asked, and how that is taken apart."""

import click
import pytest

from xgen_core import InputError
from xgen_reason.commands.options import Choice, chats, domain_sources, query_models
from xgen_reason.configuration import domains_of, source_names


def test_a_source_may_have_a_name_of_its_own():
    names = source_names(["text:a.db", "notes=text:b.db", "web:searxng:http://h/?x=y"])
    assert [(n.name, n.uri) for n in names] == [
        ("", "text:a.db"),
        ("notes", "text:b.db"),
        ("", "web:searxng:http://h/?x=y"),
    ]


def test_every_source_serves_every_domain_unless_it_is_said():
    assert domains_of({}, ["a", "b"])["medical"] == ("a", "b")
    assert domains_of({"medical": ("b",)}, ["a", "b"]) == {"medical": ("b",)}


def test_domains_and_sources_that_are_not_there_are_said():
    with pytest.raises(InputError, match=r"--domain medicine=…: unknown domain .* 'medical'"):
        domains_of({"medicine": ("a",)}, ["a"])
    with pytest.raises(InputError, match=r"--domain medical=nots: unknown source .* 'notes'"):
        domains_of({"medical": ("nots",)}, ["notes"])


def test_options_are_taken_apart():
    assert domain_sources(["factual=a,b", "medical=c", "factual=d"]) == {
        "factual": ("a", "b", "d"),
        "medical": ("c",),
    }
    assert query_models(["sparql=local:d"]) == {"sparql": "local:d"}


@pytest.mark.parametrize(
    ("most", "limits", "found"),
    [
        (0.1, ["calls=3"], (3, 0.1)),
        (0.1, [], (None, 0.1)),
        (None, ["calls=3"], (3, None)),
    ],
)
def test_max_cost_is_a_limit_beside_the_others(most, limits, found):
    choice = Choice(
        model="m",
        method="cot",
        sources=(),
        domains=(),
        prompts=None,
        shots=6,
        chat=None,
        seed=0,
        settings=(),
        query_uris=(),
        max_cost=most,
    )
    budget = choice.budget(limits, "1,1")
    assert (budget.calls, budget.money) == found
    assert choice.configuration("fever").prompts == "fever"
    assert (choice.budget([], "1,1") is None) == (most is None)


@pytest.mark.parametrize("text", ["factual", "=a", "factual="])
def test_a_domain_without_sources_is_wrong_usage(text):
    with pytest.raises(click.UsageError, match="DOMAIN=SOURCE"):
        domain_sources([text])


def test_a_query_model_of_no_language_is_wrong_usage():
    with pytest.raises(click.UsageError, match="text, sparql or sql, got 'cypher=local:d'"):
        query_models(["cypher=local:d"])


def test_openais_models_are_spoken_to():
    assert chats(None, "openai:gpt-4o-mini")
    assert not chats(None, "http://127.0.0.1:8000/v1#base")
    assert not chats(False, "openai:gpt-3.5-turbo-instruct")
    assert chats(True, "local:model")
