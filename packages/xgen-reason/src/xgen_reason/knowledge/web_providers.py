"""Web search engines behind one form: an answer box, if there is one, and snippets in their order.

Keys come from the environment and from nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast

from xgen_core import InputError
from xgen_core.codec import JSON, unknown_name
from xgen_core.records import Record
from xgen_reason.knowledge.polite import Request

__all__ = [
    "Brave",
    "Searxng",
    "Serper",
    "Snippet",
    "Tavily",
    "WebProvider",
    "WebResults",
    "provider_of",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet(Record):
    """What an engine shows of a page."""

    text: str
    title: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebResults(Record):
    """The normal form of an engine's reply.

    Attributes:
        answer: the box above the results.
        organic: in the engine's order.
    """

    answer: Snippet | None = None
    organic: tuple[Snippet, ...] = ()

    @property
    def snippets(self) -> tuple[Snippet, ...]:
        """The box first, each text once, none empty."""
        every = (*((self.answer,) if self.answer else ()), *self.organic)
        texts: dict[str, Snippet] = {}
        for snippet in every:
            texts.setdefault(snippet.text, snippet)
        return tuple(snippet for text, snippet in texts.items() if text)


class WebProvider(Protocol):
    """An engine; it builds requests and reads replies, and sends nothing itself."""

    @property
    def name(self) -> str:
        """In the source's address."""
        ...

    @property
    def address(self) -> str:
        """That is asked."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """What says who asks: the key.

        Raises:
            InputError: it is not set.
        """
        ...

    def request(self, text: str, count: int) -> Request:
        """The request for a query, without the headers."""
        ...

    def read(self, value: JSON) -> WebResults:
        """A reply in the normal form; empty where it holds nothing of the kind."""
        ...


def _key(variable: str) -> str:
    key = os.environ.get(variable, "").strip()
    if not key:
        raise InputError(f"web search: set {variable} to your key")
    return key


def _at(value: object, *path: str) -> object:
    for name in path:
        value = (
            cast("Mapping[str, object]", value).get(name) if isinstance(value, Mapping) else None
        )
    return value


def _snippet(value: object, text: str, url: str = "link") -> Snippet:
    """A snippet from an object, by the names that its fields have; what is not text is empty."""
    texts = (found if isinstance(found := _at(value, n), str) else "" for n in (text, "title", url))
    shown, title, link = (" ".join(part.split()) for part in texts)
    return Snippet(text=shown, title=title, url=link)


def _snippets(value: object, text: str, url: str) -> tuple[Snippet, ...]:
    held = cast("list[object]", value) if isinstance(value, list) else []
    return tuple(s for s in (_snippet(one, text, url) for one in held) if s.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serper:
    """Google by serper.dev; key in `SERPER_API_KEY`."""

    name: str = "serper"
    address: str = "https://google.serper.dev/search"

    @property
    def headers(self) -> Mapping[str, str]:
        """See `WebProvider`."""
        return {"X-API-KEY": _key("SERPER_API_KEY")}

    def request(self, text: str, count: int) -> Request:
        """See `WebProvider`."""
        return Request(url=self.address, body={"q": text, "num": max(count, 10)})

    def read(self, value: JSON) -> WebResults:
        """See `WebProvider`."""
        box = _at(value, "answerBox")
        names = ("snippet", "answer")
        shown = next((s for s in (_snippet(box, n) for n in names) if s.text), None)
        return WebResults(answer=shown, organic=_snippets(_at(value, "organic"), "snippet", "link"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Brave:
    """Brave Search; key in `BRAVE_API_KEY`."""

    name: str = "brave"
    address: str = "https://api.search.brave.com/res/v1/web/search"

    @property
    def headers(self) -> Mapping[str, str]:
        """See `WebProvider`."""
        return {"X-Subscription-Token": _key("BRAVE_API_KEY"), "Accept": "application/json"}

    def request(self, text: str, count: int) -> Request:
        """See `WebProvider`."""
        parameters = {"q": text[:400], "count": f"{min(max(count, 10), 20)}"}
        return Request(url=self.address, parameters={**parameters, "text_decorations": "0"})

    def read(self, value: JSON) -> WebResults:
        """See `WebProvider`."""
        box = _at(value, "infobox", "results")
        first = cast("list[object]", box)[0] if isinstance(box, list) and box else None
        shown = _snippet(first, "long_desc", "url")
        return WebResults(
            answer=shown if shown.text else None,
            organic=_snippets(_at(value, "web", "results"), "description", "url"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tavily:
    """Tavily, without its answer, which a model writes: that is no evidence; `TAVILY_API_KEY`."""

    name: str = "tavily"
    address: str = "https://api.tavily.com/search"

    @property
    def headers(self) -> Mapping[str, str]:
        """See `WebProvider`."""
        return {"Authorization": f"Bearer {_key('TAVILY_API_KEY')}"}

    def request(self, text: str, count: int) -> Request:
        """See `WebProvider`."""
        body = {"query": text, "max_results": max(count, 5), "include_answer": False}
        return Request(url=self.address, body=body)

    def read(self, value: JSON) -> WebResults:
        """See `WebProvider`."""
        return WebResults(organic=_snippets(_at(value, "results"), "content", "url"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Searxng:
    """A SearXNG of one's own, with JSON among its formats; no key."""

    address: str
    name: str = "searxng"

    @property
    def headers(self) -> Mapping[str, str]:
        """None: it needs no key."""
        return {}

    def request(self, text: str, count: int) -> Request:
        """See `WebProvider`; an engine of this kind knows no count."""
        return Request(url=self.address, parameters={"q": text, "format": "json"})

    def read(self, value: JSON) -> WebResults:
        """See `WebProvider`."""
        answers = _at(value, "answers")
        first = cast("list[object]", answers)[0] if isinstance(answers, list) and answers else None
        box = Snippet(text=first) if isinstance(first, str) else _snippet(first, "answer", "url")
        return WebResults(
            answer=box if box.text else None,
            organic=_snippets(_at(value, "results"), "content", "url"),
        )


_PROVIDERS = ("brave", "recorded", "searxng", "serper", "tavily")


def provider_of(name: str, rest: str) -> WebProvider:
    """The engine of a name; `rest` is the address of a SearXNG.

    Raises:
        InputError: no such engine, or an address is missing or not wanted.
    """
    if name == "searxng":
        if not rest.startswith(("http://", "https://")):
            raise InputError(
                "source 'web:searxng' needs an address: web:searxng:https://HOST/search"
            )
        return Searxng(address=rest)
    if name not in _PROVIDERS:
        raise InputError(f"source 'web': {unknown_name(name, _PROVIDERS, 'search engine')}")
    if rest:
        raise InputError(f"source 'web:{name}' takes nothing more, not {rest!r}")
    return {"serper": Serper, "brave": Brave, "tavily": Tavily}[name]()
