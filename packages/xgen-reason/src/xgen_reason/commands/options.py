"""What `ask` and `run` share: how the method, its model and its knowledge are named."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from xgen_core.lm import Budget, PlannedModel
    from xgen_reason.configuration import Configuration
    from xgen_reason.evidence import QueryLanguage

__all__ = ["Choice", "chats", "domain_sources", "method_options", "plans_text", "query_models"]

_LANGUAGES = ("text", "sparql", "sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was chosen by `method_options`, as it was given."""

    model: str
    method: str
    sources: tuple[str, ...]
    domains: tuple[str, ...]
    prompts: str | None
    shots: int
    chat: bool | None
    seed: int
    settings: tuple[str, ...]
    query_uris: tuple[str, ...]
    max_cost: float | None

    def configuration(self, prompts: str) -> Configuration:
        """The same, checked for its form; with these prompts where none were chosen.

        Raises:
            click.UsageError: an option is not of its form.
        """
        from xgen_reason.configuration import Configuration

        return Configuration(
            model=self.model,
            method=self.method,
            settings=self.settings,
            prompts=self.prompts or prompts,
            shots=self.shots,
            chat=chats(self.chat, self.model),
            seed=self.seed,
            sources=self.sources,
            domains=domain_sources(self.domains),
            query_models=query_models(self.query_uris),
        )

    def budget(self, limits: Sequence[str], prices: str | None) -> Budget | None:
        """That of `--budget`, the limit of `--max-cost` among its own.

        Raises:
            click.UsageError: not a limit or not prices.
        """
        from xgen_core.command.calls import budget_of

        return budget_of(limits, prices, self.max_cost)


def method_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of `xgen_reason.configuration.Configuration`, as the argument `choice`."""
    names = [field.name for field in fields(Choice)]

    @functools.wraps(command)
    def chosen(**given: Any) -> None:
        choice = Choice(**{name: given.pop(name) for name in names})
        command(choice=choice, **given)

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
        chosen = option(chosen)
    return chosen


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
