"""The process that holds a graph and runs queries on it, which may be killed at any time.

It is started as `python -m xgen_reason.knowledge.rdf_worker`, speaks frames (four bytes of length,
then JSON) on standard input and output, and shuts itself in once the graph is open: whatever a
query makes of the engine, no file can be opened and no connection made.

    ← {"path", "memory"}                → {"ready", "held", "triples"} or {"error"}
    ← {"query", "rows", "seconds"}      → {"columns", "rows", "cut"} or {"boolean"} or {"error"}
    ← {"check": query, "seconds"}       → {} or {"error"}: what its parser says
    ← {"names": language}               → {"entities", "properties"}: rows of `_names`

What a query may be is decided before it comes here, by `xgen_reason.knowledge.sparql_guard`.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

from xgen_reason.knowledge.sparql_guard import PREFIXES

__all__ = ["LARGEST_FRAME", "LONGEST_VALUE", "main"]

LARGEST_FRAME = 1 << 30
LONGEST_VALUE = 2_000
"""Characters of one value that are handed on."""

_NO_NEW_PRIVILEGES, _DIE_WITH_PARENT = 38, 1
_FORMATS = {"ttl": "TURTLE", "nt": "N_TRIPLES", "nq": "N_QUADS", "trig": "TRIG", "rdf": "RDF_XML"}
_RDFS, _SKOS = "http://www.w3.org/2000/01/rdf-schema#", "http://www.w3.org/2004/02/skos/core#"
_LABELS = (f"{_RDFS}label", f"{_SKOS}prefLabel", "http://schema.org/name")
_ALIASES = (f"{_SKOS}altLabel",)
_DESCRIPTIONS = ("http://schema.org/description", f"{_RDFS}comment")
_TYPES = (
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
    "http://www.wikidata.org/prop/direct/P31",
)


def main() -> None:
    """Open a graph and answer until the other side hangs up."""
    asked, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no frame
    start = _receive(asked)
    if start is None:
        return
    _limit(start["memory"])
    try:
        store = _open(start["path"])
    except (OSError, SyntaxError, ValueError) as error:
        _send(answers, {"error": _line(error)})
        return
    held = _shut_in(start["path"])
    _send(answers, {"ready": True, "held": held, "triples": len(store)})
    while (frame := _receive(asked)) is not None:
        try:
            reply = _answer(store, frame)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except (OSError, RuntimeError, SyntaxError, ValueError, MemoryError) as error:
            signal.setitimer(signal.ITIMER_REAL, 0)
            reply = {"error": _line(error) or type(error).__name__}
        _send(answers, reply)


def _open(path: str | None) -> Any:
    import pyoxigraph

    if path is None:
        return pyoxigraph.Store()
    if Path(path).is_dir():
        return pyoxigraph.Store.read_only(path)
    store = pyoxigraph.Store()
    kind = getattr(pyoxigraph.RdfFormat, _FORMATS[Path(path).suffix.lower().lstrip(".")])
    with Path(path).open("rb") as handle:
        store.load(handle, format=kind, base_iri="file:///")
    return store


def _answer(store: Any, frame: dict[str, Any]) -> dict[str, Any]:
    if "names" in frame:
        return _names(store, frame["names"])
    _limit_time(frame["seconds"])
    if "check" in frame:
        import pyoxigraph

        pyoxigraph.Store().query(frame["check"], prefixes=dict(PREFIXES))
        return {}
    found = store.query(frame["query"], prefixes=dict(PREFIXES), use_default_graph_as_union=True)
    if type(found).__name__ == "QueryBoolean":
        return {"boolean": bool(found)}
    columns = [variable.value for variable in found.variables]
    rows: list[list[Any]] = []
    cut = False
    for solution in found:
        if len(rows) == frame["rows"]:
            cut = True
            break
        rows.append([_term(solution[name]) for name in columns])
    return {"columns": columns, "rows": rows, "cut": cut}


def _term(term: Any) -> list[str] | None:
    kind = type(term).__name__
    if term is None:
        return None
    if kind == "NamedNode":
        return ["iri", term.value]
    if kind == "Literal":
        return ["literal", term.value[:LONGEST_VALUE], term.datatype.value, term.language or ""]
    return ["blank", str(term)[:LONGEST_VALUE]]


def _names(store: Any, language: str) -> dict[str, Any]:
    """One pass over the graph: what everything is called, and how often it is spoken of.

    Each row is IRI, label, aliases, description, IRIs of its types, number of triples.
    """
    labels: dict[str, list[tuple[int, str]]] = {}
    texts: dict[str, list[tuple[int, str]]] = {}
    kinds: dict[str, list[str]] = {}
    degree: dict[str, int] = {}
    verbs: dict[str, int] = {}
    seen: set[tuple[str, str]] = set()
    for quad in store.quads_for_pattern(None, None, None):
        subject, verb, value = quad.subject, quad.predicate.value, quad.object
        verbs[verb] = verbs.get(verb, 0) + 1
        if type(subject).__name__ != "NamedNode":
            continue
        name = subject.value
        degree[name] = degree.get(name, 0) + 1
        literal = type(value).__name__ == "Literal"
        if literal and verb in _LABELS + _ALIASES:
            if (name, value.value) in seen and verb in _ALIASES:
                continue
            seen.add((name, value.value))
            rank = _rank(value.language, language) + 4 * (verb in _ALIASES)
            labels.setdefault(name, []).append((rank, value.value))
        elif literal and verb in _DESCRIPTIONS:
            texts.setdefault(name, []).append((_rank(value.language, language), value.value))
        elif type(value).__name__ == "NamedNode":
            if verb in _TYPES:
                kinds.setdefault(name, []).append(value.value)
            degree[value.value] = degree.get(value.value, 0) + 1

    def entry(name: str, count: int) -> list[Any]:
        known = [text for _, text in sorted(set(labels.get(name, [])))]
        about = sorted(texts.get(name, []))
        return [
            name,
            known[0] if known else "",
            list(dict.fromkeys(known[1:])),
            about[0][1] if about else "",
            sorted(kinds.get(name, [])),
            count,
        ]

    called = {name for name in degree if not name.startswith("http://www.wikidata.org/")}
    called |= set(labels) | set(kinds)
    return {
        "entities": [entry(name, degree.get(name, 0)) for name in sorted(called)],
        "properties": [entry(name, count) for name, count in sorted(verbs.items())],
    }


def _rank(language: str | None, wanted: str) -> int:
    """0 for the language wanted, 1 for a dialect of it, 2 for none, 3 for another."""
    if not language:
        return 2
    if language == wanted:
        return 0
    return 1 if language.startswith(f"{wanted}-") else 3


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)


def _limit_time(seconds: float) -> None:
    """End this process by itself, later than the other side would, should nobody be left there."""
    signal.setitimer(signal.ITIMER_REAL, 2 * seconds + 5)


def _shut_in(path: str | None) -> list[str]:
    """Give up files and the network, as far as this machine can; the layers that hold."""
    if sys.platform != "linux":
        return ["limits"]
    from xgen_eval.execution.inside import landlock, seccomp

    held = ["limits"]  # which of them this machine lacks is seen by its absence
    readable = [path] if path is not None and Path(path).is_dir() else []
    try:
        landlock.restrict(landlock.make_ruleset(readable), landlock.quiet())
        held.append("landlock")
    except OSError:
        pass
    try:
        seccomp.install(seccomp.Filter().for_process(os.getpid()))
        held.append("seccomp")
    except OSError:
        pass
    return held


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


def _receive(source: BinaryIO) -> dict[str, Any] | None:
    head = source.read(4)
    if len(head) < 4:
        return None
    body = source.read(struct.unpack(">I", head)[0])
    return json.loads(body)


def _send(target: BinaryIO, value: dict[str, Any]) -> None:
    body = json.dumps(value).encode("ascii")
    if len(body) > LARGEST_FRAME:
        body = json.dumps({"error": "the answer is too large"}).encode("ascii")
    target.write(struct.pack(">I", len(body)) + body)
    target.flush()


if __name__ == "__main__":
    main()
