"""What `ask` and `run` share: how the method, its model and its knowledge are named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from xgen_core.lm import PlannedModel
    from xgen_reason.evidence import QueryLanguage

__all__ = ["chats", "domain_sources", "limits_with", "method_options", "plans_text", "query_models"]

F = TypeVar("F", bound=Callable[..., Any])
_LANGUAGES = ("text", "sparql", "sql")


def method_options(command: F) -> F:
    """Add the options of `xgen_reason.configuration.Configuration`."""
    for option in reversed(
        (
            click.option("--model", "-m", required=True, help="scheme:rest, such as openai:NAME."),
            click.option(
                "--method",
                default="verify-edit",
                show_default=True,
                help="standard, cot, cot-sc, cot-sc-calibrated, react, cot-sc-react, react-cot-sc, "
                "verify-edit or chain-of-knowledge.",
            ),
            click.option(
                "--source",
                "-s",
                "sources",
                multiple=True,
                metavar="[NAME=]URI",
                help="Knowledge: text:INDEX, tfidf:INDEX, rdf:FILE, table:FILE, paragraphs:, "
                "wikipedia:en, wikidata:, web:PROVIDER; repeatable.",
            ),
            click.option(
                "--domain",
                "domains",
                multiple=True,
                metavar="DOMAIN=SOURCE,…",
                help="Which sources serve factual, medical, physical or biology; repeatable. "
                "Default: all of them all.",
            ),
            click.option(
                "--prompts",
                help="Set of prompts, or a TOML file. Default: the data set's, or general.",
            ),
            click.option(
                "--shots",
                type=click.IntRange(min=0),
                default=6,
                show_default=True,
                help="Worked examples in the prompts that answer.",
            ),
            click.option(
                "--chat/--no-chat",
                default=None,
                help="Send prompts as messages, to a model that chats only. Default: to openai:.",
            ),
            click.option("--seed", default=0, show_default=True, help="Of what is sampled."),
            click.option(
                "--set",
                "settings",
                multiple=True,
                metavar="FIELD=VALUE",
                help="A setting of the method; repeatable.",
            ),
            click.option(
                "--query-model",
                "query_uris",
                multiple=True,
                metavar="LANGUAGE=URI",
                help="A model of its own for queries in text, sparql or sql; repeatable.",
            ),
            click.option(
                "--max-cost",
                type=click.FloatRange(min=0),
                help="Stop before more money is spent; needs --prices. Short for --budget money=…",
            ),
        )
    ):
        command = option(command)
    return command


def limits_with(limits: Sequence[str], max_cost: float | None) -> tuple[str, ...]:
    """The limits of `--budget`, that of `--max-cost` among them."""
    return (*limits, *(() if max_cost is None else (f"money={max_cost!r}",)))


def domain_sources(domains: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """`factual=text,rdf` as names of sources by domain.

    Raises:
        click.UsageError: not of that form.
    """
    found: dict[str, tuple[str, ...]] = {}
    for text in domains:
        domain, equals, names = text.partition("=")
        if not equals or not domain or not names:
            raise click.UsageError(f"--domain takes DOMAIN=SOURCE,…, got {text!r}")
        found[domain] = (*found.get(domain, ()), *names.split(","))
    return found


def chats(chat: bool | None, model: str) -> bool:
    """Whether prompts go as messages; where nobody says, to OpenAI's models, which chat only."""
    return model.startswith("openai:") if chat is None else chat


def query_models(uris: Sequence[str]) -> dict[QueryLanguage, str]:
    """`sparql=local:DIR` as URIs by language.

    Raises:
        click.UsageError: not of that form, or another language.
    """
    found: dict[QueryLanguage, str] = {}
    for text in uris:
        language, equals, uri = text.partition("=")
        if not equals or not uri or language not in _LANGUAGES:
            raise click.UsageError(
                f"--query-model takes LANGUAGE=URI with text, sparql or sql, got {text!r}"
            )
        found[language] = uri
    return found


def plans_text(plans: Sequence[PlannedModel], prices: str | None) -> str:
    """What a dry run found, for people: the answering model, then those that write queries."""
    from xgen_core.command.calls import plan_text
    from xgen_reason.planning import STEPS

    lines = [plan_text(plans[0], prices)]
    lines += [f"{other.info.identity} {plan_text(other, prices)}" for other in plans[1:]]
    lines.append(
        f"as if no question were certain, every chain had {STEPS} steps, and every step took one "
        "query"
    )
    return "\n".join(lines)
