"""A method at work: its model, prompts and sources opened, ready for one question after another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from xgen_core import InputError, Model, ModelInfo, open_model
from xgen_core.codec import JSON, encode
from xgen_core.lm.asker import Asker
from xgen_core.recipe import fingerprint
from xgen_core.records import Record
from xgen_reason.configuration import Configuration, domains_of, source_names
from xgen_reason.evidence import QueryLanguage
from xgen_reason.knowledge.source import Source, open_source
from xgen_reason.methods.method import Method
from xgen_reason.methods.registry import load_method
from xgen_reason.prompts import PromptSet, load_prompts
from xgen_reason.queries.tuned import TunedQueries
from xgen_reason.queries.writer import QueryWriter
from xgen_reason.question import Question
from xgen_reason.result import Result
from xgen_reason.tools import Tools

__all__ = ["PromptsUsed", "Solver", "SolverRecipe", "SourceUsed", "open_solver"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptsUsed(Record):
    """A set of prompts, by content."""

    name: str
    shots: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceUsed(Record):
    """A source, by content: `fingerprint` changes when its answers could."""

    name: str
    language: QueryLanguage
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverRecipe(Record):
    """What answers rest on, without paths: equal recipes answer equally.

    Attributes:
        model: who is asked.
        query_models: who writes queries in its place, by language.
        method: name of the method.
        settings: of the method, all of them.
        prompts: by content.
        sources: by content, in the order in which they are asked.
        domains: names of sources by domain.
        chat, seed: as in `Configuration`.
    """

    model: ModelInfo
    query_models: Mapping[str, ModelInfo]
    method: str
    settings: Mapping[str, object]
    prompts: PromptsUsed
    sources: tuple[SourceUsed, ...]
    domains: Mapping[str, tuple[str, ...]]
    chat: bool
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Solver:
    """Answers questions by one method; made by `open_solver`.

    Attributes:
        method: with its settings.
        model: entered.
        prompts: with their examples.
        sources: entered, by name.
        domains: names of sources by domain.
        writers: of queries, by language.
        recipe: what answers rest on.
    """

    method: Method
    model: Model
    prompts: PromptSet
    sources: Mapping[str, Source]
    domains: Mapping[str, tuple[str, ...]]
    writers: Mapping[QueryLanguage, QueryWriter]
    recipe: SolverRecipe

    async def solve(self, question: Question) -> Result:
        """Answer a question.

        Raises:
            InputError: the prompts or sources that the method needs are not there.
            ModelError: the model failed.
        """
        asker = Asker(self.model, seed=self.recipe.seed, chat=self.recipe.chat)
        tools = Tools(
            asker=asker,
            prompts=self.prompts,
            sources=self.sources,
            domains=self.domains,
            writers=self.writers,
        )
        return await self.method.solve(question, tools)


@asynccontextmanager
async def open_solver(
    configuration: Configuration, *, through: Callable[[Model], Model] = lambda model: model
) -> AsyncIterator[Solver]:
    """Open model, prompts and sources; what is wrong with any of them is said before a question.

    Args:
        configuration: what to open.
        through: what stands before each model: a call store and a budget, or a counter.

    Raises:
        InputError: a file, a set of prompts or a source that is not there, or sources of one name.
        FormatError: an index of another version, or damaged.
        PluginError: nobody knows the model's scheme, or an extra is not installed.
        RecipeError: a setting that the method does not have.
        CapabilityError: nobody knows a source's scheme.
    """
    method = load_method(configuration.method, configuration.settings)
    if method.needs_sources and not configuration.sources:
        raise InputError(
            f"{configuration.method} looks things up, and there is nowhere to: give --source "
            "(text:INDEX, rdf:FILE, table:FILE, wikipedia:en, …)"
        )
    prompts = load_prompts(_name_or_path(configuration.prompts), shots=configuration.shots)
    async with AsyncExitStack() as stack:
        sources: dict[str, Source] = {}
        for wanted in source_names(configuration.sources):
            source = await stack.enter_async_context(open_source(wanted.uri))
            name = wanted.name or source.name
            if name in sources:
                raise InputError(
                    f"two sources are called {name!r}: name one, --source NAME={wanted.uri}"
                )
            sources[name] = source
        domains = domains_of(configuration.domains, list(sources))
        models: dict[QueryLanguage, Model] = {}
        for language, uri in configuration.query_models.items():
            models[language] = await stack.enter_async_context(through(open_model(uri)))
        model = await stack.enter_async_context(through(open_model(configuration.model)))
        recipe = SolverRecipe(
            model=model.info,
            query_models={language: other.info for language, other in models.items()},
            method=method.name,
            settings=_settings(method),
            prompts=PromptsUsed(
                name=prompts.name, shots=prompts.shots, sha256=fingerprint(prompts)
            ),
            sources=tuple(
                SourceUsed(name=name, language=source.language, fingerprint=source.fingerprint)
                for name, source in sources.items()
            ),
            domains=domains if sources else {},
            chat=configuration.chat,
            seed=configuration.seed,
        )
        yield Solver(
            method=method,
            model=model,
            prompts=prompts,
            sources=sources,
            domains=domains,
            writers=_writers(
                (source.language for source in sources.values()), models, chat=configuration.chat
            ),
            recipe=recipe,
        )


def _name_or_path(prompts: str) -> str | Path:
    return Path(prompts) if prompts.endswith(".toml") else prompts


def _settings(method: Method) -> Mapping[str, JSON]:
    values = encode(method)
    assert isinstance(values, Mapping)
    return {name: value for name, value in values.items() if name != "name"}


def _writers(
    languages: Iterable[QueryLanguage], models: Mapping[QueryLanguage, Model], *, chat: bool
) -> dict[QueryLanguage, QueryWriter]:
    """Writers of the languages that sources have; only those are imported."""
    return {language: _writer(language, models.get(language), chat) for language in languages}


def _writer(language: QueryLanguage, model: Model | None, chat: bool) -> QueryWriter:
    writer = _plain_writer(language)
    return writer if model is None else TunedQueries(writer, model, chat=chat)


def _plain_writer(language: QueryLanguage) -> QueryWriter:
    if language == "sparql":
        from xgen_reason.queries.sparql import SparqlQueries

        return SparqlQueries()
    if language == "sql":
        from xgen_reason.queries.sql import SqlQueries

        return SqlQueries()
    from xgen_reason.queries.text import TextQueries

    return TextQueries()
