"""Queries that write, call out, run away or break: what they do to a bare store, and here.

Each attack is first made on pyoxigraph as it is, where it must succeed, and then through the
source, where it must not; after all of them the source still answers.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyoxigraph
import pytest

from xgen_reason import Found, Query, Question
from xgen_reason.knowledge.graph_process import GraphProcess
from xgen_reason.knowledge.rdf import RdfSource
from xgen_reason.knowledge.sparql_guard import refusal, without_label_service

DATA = "<http://a/1> <http://a/flag> true .\n" + "".join(
    f"<http://a/{i}> <http://a/next> <http://a/{(i + 1) % 300}>, <http://a/{(i * 7) % 300}> ; "
    f'<http://a/text> "{"ab" * 40}{i}" .\n'
    for i in range(300)
)
QUESTION = Question(id="1", text="?")
GOOD = "SELECT ?x { <http://a/1> <http://a/text> ?x }"


class Listener(BaseHTTPRequestHandler):
    """An endpoint that notes every call and finds nothing."""

    calls: list[str]

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.calls.append(self.path)
        body = json.dumps({"head": {"vars": []}, "results": {"bindings": []}}).encode()
        self.send_response(200)
        kind = "text/turtle" if self.path.endswith("ttl") else "application/sparql-results+json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", "0" if self.path.endswith("ttl") else str(len(body)))
        self.end_headers()
        if not self.path.endswith("ttl"):
            self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, format: str, *args: object) -> None:
        return None


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    calls: list[str] = []
    handler = type("Own", (Listener,), {"calls": calls})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", calls
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    path = tmp_path / "graph.ttl"
    path.write_text(DATA)
    return path


def bare() -> pyoxigraph.Store:
    store = pyoxigraph.Store()
    store.load(DATA, format=pyoxigraph.RdfFormat.TURTLE)
    return store


def drained(found: object) -> None:
    """All rows, which is when they are computed."""
    if isinstance(found, pyoxigraph.QuerySolutions):
        for _ in found:
            pass


def ask(path: Path, queries: list[str], **settings: float) -> list[Found]:
    """What the source says of each, and then of one that is harmless."""

    async def run() -> list[Found]:
        async with RdfSource(path, **settings) as source:
            texts = [*queries, GOOD]
            found = [
                await source.search(Query(text=t, language="sparql"), QUESTION, limit=3)
                for t in texts
            ]
            assert found[-1].evidence, "the harness does not survive"
            return found[:-1]

    return asyncio.run(run())


CALLS_OUT = {
    "plain": "SELECT * { SERVICE <URL> { ?s ?p ?o } }",
    "silent": "SELECT * { SERVICE SILENT <URL> { ?s ?p ?o } }",
    "odd case": "SELECT * { sErViCe <URL> { ?s ?p ?o } }",
    "glued": "SELECT*{SERVICE<URL>{?s ?p ?o}}",
    "glued to a name": "PREFIX a: <URL> SELECT * { SERVICEa:b { ?s ?p ?o } }",
    "as a name": "PREFIX : <URL> SELECT * { service:b { ?s ?p ?o } }",
    "glued to a value": "SELECT * { ?a <http://a/flag> trueSERVICE <URL> { ?s ?p ?o } }",
    "in a sub-select": "SELECT * { { SELECT ?s { SERVICE <URL> { ?s ?p ?o } } } }",
    "optional": "SELECT * { <http://a/1> ?p ?o OPTIONAL { SERVICE <URL> { ?o ?q ?r } } }",
    "in a union": "SELECT * { { ?s ?p 1 } UNION { SERVICE <URL> { ?s ?p ?o } } }",
    "in a minus": "SELECT * { <http://a/1> ?p ?o MINUS { SERVICE <URL> { ?s ?p ?o } } }",
    "in a filter": "SELECT * { <http://a/1> ?p ?o FILTER EXISTS { SERVICE <URL> { ?o ?q 1 } } }",
    "after comments": "SELECT * { # }\n SERVICE # no\n <URL> # <\n { ?s ?p ?o } }",
    "after a false comment": 'SELECT * { BIND("# " AS ?x) SERVICE <URL> { ?s ?p ?o } }',
    "behind a quote": r"""SELECT * { BIND('\'#' AS ?x) SERVICE <URL> { ?s ?p ?o } }""",
    "in long quotes": 'SELECT * { BIND("""a"b#""" AS ?x) SERVICE <URL> { ?s ?p ?o } }',
    "behind an escaped name": (
        r"PREFIX a: <x:> "
        r"SELECT * { BIND(a:b\'c AS ?x) SERVICE <URL> { ?s ?p ?o } BIND(a:\' AS ?y) }"
    ),
    "prefixed name": "PREFIX service: <URL> SELECT * { SERVICE service: { ?s ?p ?o } }",
    "carrying data": "SELECT * { <http://a/1> <http://a/text> ?x SERVICE <URL> { ?s ?p ?x } }",
    "yes or no": "ASK { SERVICE <URL> { ?s ?p ?o } }",
    "in a graph": "CONSTRUCT { ?s ?p ?o } WHERE { SERVICE <URL> { ?s ?p ?o } }",
}


def test_no_query_calls_another_server(graph: Path, listener: tuple[str, list[str]]) -> None:
    url, calls = listener
    for name, text in CALLS_OUT.items():
        before = len(calls)
        found = bare().query(text.replace("URL", url))
        if isinstance(found, pyoxigraph.QueryTriples):
            list(found)
        drained(found)
        assert len(calls) > before, f"{name}: this attack does nothing even undefended"
    calls.clear()
    answers = ask(graph, [text.replace("URL", url) for text in CALLS_OUT.values()])
    for name, found in zip(CALLS_OUT, answers, strict=True):
        assert found.failure.startswith(("SERVICE asks another", "CONSTRUCT")), name
        assert not found.evidence
    assert not calls


def test_behind_the_guard_there_is_no_network(graph: Path, listener: tuple[str, list[str]]) -> None:
    """What the process itself would do with a query that the guard had let through."""
    url, calls = listener

    async def run() -> dict[str, str]:
        async with GraphProcess(graph) as process:
            assert {"landlock", "seccomp"} & set(process.held)
            frame = {"query": CALLS_OUT["plain"].replace("URL", url), "rows": 5}
            return await process.ask(frame, seconds=5)

    assert "error" in asyncio.run(run())
    assert not calls


PIECES = (
    *(
        '"',
        '""',
        '"""',
        "'",
        "''",
        "'''",
        "\\",
        '\\"',
        "#",
        "\n",
        "\r",
        "<",
        ">",
        "<a#b>",
        "{",
        "}",
    ),
    *("(", ")", "?a", ".", ";", ",", " ", "\t", "a:b", "a:b\\'", "a:\\#", "a:", "_:b", "@en", "^^"),
    *("1", "1.", ".5e3", "true", "BIND(", "AS", "FILTER(", "OPTIONAL", "UNION", '"x"', "'y'", "<<"),
    *("é", "%41", "a:%41", "&&", "||", "<?s", "?s>", '"a"b#"', "[", "]", "()", "a:b.", "wikibase:"),
    "SERVICE wikibase:label { }",
)
NOWHERE = "http://127.0.0.1:1/"  # a port that the engine's client refuses to open


def random_query(chance: random.Random) -> str:
    def junk() -> str:
        return "".join(chance.choice(PIECES) for _ in range(chance.randrange(5)))

    word = chance.choice(("SERVICE", "service", "SERVICE SILENT", "sErViCe#\n", "SERVICE\r"))
    where = chance.choice((f"<{NOWHERE}>", f" <{NOWHERE}#>", "a:x", "\ta:x#{\n", "#x\na:x"))
    first, last = chance.choice(
        (("", ""), *((f"BIND({q}", f"{q} AS ?q)") for q in ('"', "'", '"""', "'''")))
    )
    declared = f"PREFIX a:<{NOWHERE}>PREFIX wikibase:<{NOWHERE}>"
    return f"{declared}SELECT*{{{first}{junk()}{last}{word}{where}{{?s ?p ?o}}{junk()}}}"


def test_whatever_stands_around_it_a_call_is_seen() -> None:
    chance, store, calls = random.Random(0), bare(), 0
    for _ in range(20_000):
        text = without_label_service(random_query(chance))
        try:
            drained(store.query(text))
        except SyntaxError:
            continue
        except (OSError, RuntimeError):
            calls += 1
            assert refusal(text), text
    assert calls > 200


WRITES = {
    "INSERT": "INSERT DATA { <http://a/1> <http://a/text> 'forged' }",
    "DELETE": "DELETE WHERE { ?s ?p ?o }",
    "modify": "DELETE { ?s ?p ?o } INSERT { ?s ?p 'forged' } WHERE { ?s ?p ?o }",
    "WITH": "WITH <http://g> INSERT { <http://a/1> <http://a/text> 'forged' } WHERE {}",
    "CLEAR": "CLEAR ALL",
    "DROP": "DROP ALL",
    "CREATE": "CREATE GRAPH <http://g>",
    "COPY": "INSERT DATA { GRAPH <http://g> { <x:1> <x:2> 3 } } ; COPY <http://g> TO DEFAULT",
    "LOAD": "LOAD <URLdata.ttl> INTO GRAPH <http://g>",
    "after a query": "SELECT * { ?s ?p ?o } ; DROP ALL",
}


def test_no_query_writes_or_loads(graph: Path, listener: tuple[str, list[str]]) -> None:
    url, calls = listener
    texts = {name: text.replace("URL", url) for name, text in WRITES.items()}
    for name, text in texts.items():
        store = bare()
        before = str(store), list(store.named_graphs()), len(calls)
        # what follows a query is a command of its own to whoever splits there
        store.update(text.partition(";")[2] if name == "after a query" else text)
        after = str(store), list(store.named_graphs()), len(calls)
        assert after != before, f"{name}: this attack does nothing even undefended"
    calls.clear()
    content = graph.read_bytes()
    for name, found in zip(texts, ask(graph, list(texts.values())), strict=True):
        assert "only read" in found.failure or "begins with SELECT" in found.failure, name
    assert graph.read_bytes() == content
    assert not calls


ELSEWHERE = (
    "SELECT * FROM <http://other/> { ?s ?p ?o }",
    "SELECT * FROM NAMED <http://other/> { GRAPH ?g { ?s ?p ?o } }",
    "SELECT * FROM <file:///etc/passwd> { ?s ?p ?o }",
    "ASK FROM <http://other/> { ?s ?p ?o }",
)


def test_no_query_chooses_its_graphs(graph: Path) -> None:
    for text in ELSEWHERE:
        drained(bare().query(text))  # accepted as it stands
    for found in ask(graph, list(ELSEWHERE)):
        assert found.failure == "FROM names other graphs than the source's own"


RUNAWAYS = {
    "cartesian": ("SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i FILTER(CONCAT(?c, ?f, ?i) = 'x') }"),
    "count": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
    "regex": (
        "SELECT * { ?a <http://a/text> ?b . ?c <http://a/text> ?d . ?e <http://a/text> ?f "
        'FILTER(REGEX(CONCAT(?b, ?d, ?f), "^(a?b?){60}(ab){99}c$")) }'
    ),
    "paths": (
        "SELECT (COUNT(*) AS ?n) { ?a (<http://a/next>|^<http://a/next>)* ?b . "
        "?b <http://a/next>+ ?c . ?c <http://a/next>* ?d . ?d <http://a/next>* ?a }"
    ),
    "sorted": "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY DESC(CONCAT(STR(?c), STR(?f)))",
}
UNDEFENDED = """
import sys, pyoxigraph
store = pyoxigraph.Store()
store.load(sys.stdin.buffer.read(), format=pyoxigraph.RdfFormat.TURTLE)
print("ready", flush=True)
found = store.query(sys.argv[1])
for _ in found: pass
"""


@pytest.mark.parametrize("name", RUNAWAYS)
def test_a_runaway_is_stopped_at_its_deadline(graph: Path, name: str) -> None:
    undefended, seconds = 0.4, 1.5  # what comes after the runaway must have the time to answer
    with subprocess.Popen(
        [sys.executable, "-c", UNDEFENDED, RUNAWAYS[name]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(DATA.encode())
        process.stdin.close()
        assert process.stdout.readline() == b"ready\n"
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(undefended)
        finally:
            process.kill()

    async def run() -> None:
        async with RdfSource(graph, seconds=seconds) as source:
            first = source.process.process_id
            query = Query(text=RUNAWAYS[name], language="sparql")
            found = await source.search(query, QUESTION, limit=3)
            assert found.failure == "stopped at its deadline of 1.5 s"
            assert not Path(f"/proc/{first}").exists()
            again = await source.search(Query(text=GOOD, language="sparql"), QUESTION, limit=3)
            assert again.evidence
            assert source.process.process_id != first

    asyncio.run(run())


def doubled(times: int) -> str:
    """A query whose one value has 8 · 2ⁿ characters."""
    binds = " ".join(f"BIND(CONCAT(?x{i}, ?x{i}) AS ?x{i + 1})" for i in range(times))
    return f"SELECT (STRLEN(?x{times}) AS ?n) {{ BIND('abcdefgh' AS ?x0) {binds} }}"


GREEDY = {
    "doubled strings": doubled(27),
    "one huge group": (
        "SELECT (GROUP_CONCAT(CONCAT(?c, ?f, ?c, ?f, ?c, ?f)) AS ?all) "
        "{ ?a <http://a/text> ?c . ?d <http://a/text> ?f . ?g <http://a/text> ?h }"
    ),
    "deep": "SELECT * " + "{" * 9_000 + "}" * 9_000,
}


def test_memory_and_depth_end_the_process_and_not_the_harness(graph: Path) -> None:
    found = next(iter(bare().query(doubled(24))))  # 128 MB, unlimited
    assert int(found["n"].value) == 8 << 24
    answers = ask(graph, list(GREEDY.values()), memory=400 << 20, seconds=2)
    for name, answer in zip(GREEDY, answers, strict=True):
        assert (
            "its process ended" in answer.failure
            or "deadline" in answer.failure
            or (name == "deep" and answer.failure)
        ), (name, answer.failure)


def test_floods_are_cut(graph: Path) -> None:
    flood = "SELECT * { ?a ?b ?c . ?d ?e ?f }"
    assert sum(1 for _ in bare().query(flood)) == 901**2
    long = "SELECT (GROUP_CONCAT(?c) AS ?all) { ?a <http://a/text> ?c }"
    assert len(next(iter(bare().query(long)))["all"].value) > 20_000
    (many, one) = ask(graph, [flood, long], rows=50)
    assert len(many.evidence) == 3
    assert many.evidence[-1].text.endswith("(and 47 more rows)")
    assert len(one.evidence[0].text) < 3_000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT * { \\u0053ERVICE <http://x/> { ?s ?p ?o } }", "stands for an ASCII character"),
        ('SELECT * { BIND("\\u0022 SERVICE" AS ?x) }', "stands for an ASCII character"),
        ("SELECT * { BIND('\\U00000027' AS ?x) }", "stands for an ASCII character"),
        ("SELECT * { \\u005Cu0053ERVICE <x:y> {} }", "stands for an ASCII character"),
        ("SELECT * { ?s ?p '\ud800' }", "half of a surrogate pair"),
        ("SELECT * { ?s ?p '\x00' }", "NUL"),
        ("SELECT * { ?s ?p 'open }", "begins nothing that SPARQL knows"),
        ("SELECT * { ?s ?p ?o } # " + "x" * 30_000, "characters; 20,000 are allowed"),
        ("DESCRIBE <http://a/1>", "DESCRIBE gives a graph"),
        ("PREFIX a: <x:> # only this", "there is no query"),
        ("", "there is no query"),
    ],
)
def test_what_reads_as_something_else_is_refused(graph: Path, text: str, reason: str) -> None:
    assert reason in refusal(text)
    (found,) = ask(graph, [text])
    assert reason in found.failure
    assert found.attempts[0].outcome == found.failure


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * { ?s ?p 'SERVICE <http://x/> {}' } # SERVICE FROM DROP",
        'SELECT * { ?service <http://a/SERVICE> """ INSERT " LOAD """ }',
        "PREFIX drop: <http://a/> SELECT ?from { ?from drop:load ?insert }",
        "SELECT * { ?s ?p 'naïve'@en . ?s ?q 'x\\u00e9' }",
        "SELECT * { ?s ?p ?o FILTER(?o<5&&?s>?o) }",
    ],
)
def test_words_in_strings_names_and_comments_are_no_keywords(graph: Path, text: str) -> None:
    assert refusal(text) == ""
    (found,) = ask(graph, [text])
    assert not found.failure
