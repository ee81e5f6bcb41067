"""How questions are to be answered, as a person says it: names, addresses and settings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xgen_core import InputError
from xgen_core.codec import unknown_name
from xgen_core.records import Record
from xgen_reason.evidence import QueryLanguage

__all__ = ["DOMAINS", "Configuration", "SourceName", "domains_of", "source_names"]

DOMAINS = ("factual", "medical", "physical", "biology")
"""What kinds of knowledge a question may need, as Chain-of-Knowledge tells them apart."""

_NAMED = re.compile(r"([\w-]+)=(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration(Record):
    """Everything that decides an answer.

    Attributes:
        model: its URI.
        method: name of the method.
        settings: of the method, `field=value`.
        prompts: name of a set, or a TOML file.
        shots: worked examples in the prompts that answer.
        chat: send prompts as a user's message, for models that know conversations only.
        seed: of every request.
        sources: URIs, `SCHEME:REST` or `NAME=SCHEME:REST`, in the order in which they are asked.
        domains: names of sources by domain; where there are none, every source serves every domain.
        query_models: URIs of models that write queries in the place of `model`, by language.
    """

    model: str
    method: str = "verify-edit"
    settings: tuple[str, ...] = ()
    prompts: str = "general"
    shots: int = 6
    chat: bool = False
    seed: int = 0
    sources: tuple[str, ...] = ()
    domains: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    query_models: Mapping[QueryLanguage, str] = field(default_factory=dict[QueryLanguage, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceName:
    """What a source is called in a run, and how it is opened.

    Attributes:
        name: as given; empty where it goes by its own.
        uri: `SCHEME:REST`.
    """

    name: str
    uri: str


def source_names(sources: Sequence[str]) -> list[SourceName]:
    """Tell names and addresses apart: `notes=text:notes.db` is the source `notes`."""
    found: list[SourceName] = []
    for text in sources:
        named = _NAMED.fullmatch(text)
        found.append(
            SourceName(name=named[1], uri=named[2]) if named else SourceName(name="", uri=text)
        )
    return found


def domains_of(
    domains: Mapping[str, Sequence[str]], sources: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Sources by domain, checked; every source for every domain where none is given.

    Args:
        domains: names of sources by domain.
        sources: names of those that are there.

    Raises:
        InputError: a domain that nobody chooses, or a source that is not there.
    """
    if not domains:
        return {domain: tuple(sources) for domain in DOMAINS}
    for domain, names in domains.items():
        if domain not in DOMAINS:
            raise InputError(f"--domain {domain}=…: {unknown_name(domain, DOMAINS, 'domain')}")
        for name in names:
            if name not in sources:
                known = unknown_name(name, sources, "source")
                raise InputError(f"--domain {domain}={','.join(names)}: {known}")
    return {domain: tuple(names) for domain, names in domains.items()}
