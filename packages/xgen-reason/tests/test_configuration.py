"""How a person says what is to be asked, and how that is taken apart."""

import click
import pytest

from xgen_core import InputError
from xgen_reason.commands.options import chats, domain_sources, limits_with, query_models
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
    assert limits_with(["calls=3"], 0.1) == ("calls=3", "money=0.1")
    assert limits_with([], None) == ()


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
