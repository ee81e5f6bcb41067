"""The polite client against a server on this machine that is anything but."""

import asyncio
import json
import sqlite3

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from xgen_core import FormatError, InputError, MissingExtraError
from xgen_reason.knowledge.polite import (
    Manners,
    NoAnswerError,
    PoliteClient,
    Request,
    user_agent,
)
from xgen_reason.knowledge.recordings import Recordings, open_recordings

QUICK = Manners(pause=0, longest_pause=0, deadline=20, largest=5000)


class Host:
    """Answers each request with the next of its replies; the last one stays."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.seen = []
        self.there = self.most = 0

    async def handle(self, request):
        self.seen.append((request.method, str(request.rel_url), dict(request.headers)))
        self.body = await request.text()
        self.there += 1
        self.most = max(self.most, self.there)
        try:
            await asyncio.sleep(0)
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
            return await reply(request) if callable(reply) else reply
        finally:
            self.there -= 1


def ok(value, **options):
    async def reply(request):
        return web.json_response(value, **options)

    return reply


def status(code, **headers):
    async def reply(request):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=code, text="no", headers=named)

    return reply


async def slow(request):
    await asyncio.sleep(60)


async def cut(request):
    request.transport.close()
    return web.Response()


async def half(request):
    return web.Response(text='{"pages": [', content_type="application/json")


def talk(host, work, *, manners=QUICK, recordings=None, hosts=None):
    """Run `work(client, address)` against the host."""

    async def run():
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", host.handle)
        async with TestServer(app) as server:
            address = str(server.make_url("")).rstrip("/")
            names = hosts or [address.removeprefix("http://")]
            async with PoliteClient(names, manners=manners, recordings=recordings) as client:
                return await work(client, address)

    return asyncio.run(run())


def get(host, *, path="/x", **options):
    async def work(client, address):
        return await client.json(Request(url=address + path))

    return talk(host, work, **options)


def test_it_says_who_asks(monkeypatch):
    host = Host(ok({"a": 1}))
    monkeypatch.setenv("XGEN_CONTACT", "mail@example.org\r\nX-Evil: 1")
    value, retrieved = get(host)
    assert value == {"a": 1}
    assert retrieved.endswith("+00:00")
    agent = host.seen[0][2]["User-Agent"]
    assert agent == user_agent()
    assert agent.startswith("xgen-reason/")
    assert "(mail@example.orgX-Evil: 1; evidence" in agent


@pytest.mark.parametrize(
    "bad",
    [status(429), status(500), status(503, Retry_After="0"), cut, half],
    ids=["429", "500", "503", "cut", "half"],
)
def test_what_passes_is_tried_again(bad):
    host = Host(bad, bad, ok([1]))
    assert get(host)[0] == [1]
    assert len(host.seen) == 3


def test_mediawiki_says_that_it_is_busy_inside_an_answer():
    busy = ok({"error": {"code": "maxlag", "info": "waiting"}}, headers={"Retry-After": "0"})
    host = Host(busy, ok({"query": 1}))
    assert get(host)[0] == {"query": 1}


def test_attempts_end():
    host = Host(status(503))
    with pytest.raises(NoAnswerError, match=r"127.0.0.1:\d+: answers 503, 5 times"):
        get(host)
    assert len(host.seen) == 5


def test_a_host_that_asks_for_rest_has_it_from_everybody():
    host = Host(status(429, Retry_After="99"))

    async def work(client, address):
        for path in ("/a", "/b"):
            with pytest.raises(NoAnswerError, match="asks to wait 99 s more beyond 20 s"):
                await client.json(Request(url=address + path))

    talk(host, work)
    assert len(host.seen) == 1


def test_a_slow_host_is_given_up():
    with pytest.raises(NoAnswerError, match=r"no answer within 0\.2 s"):
        get(Host(slow), manners=Manners(deadline=0.2))


def test_what_cannot_get_better_is_not_tried_again():
    host = Host(status(404))
    with pytest.raises(NoAnswerError, match="answers 404: no"):
        get(host)
    assert len(host.seen) == 1


def test_a_key_in_an_answer_is_not_shown():
    async def repeat(request):
        return web.Response(status=401, text=f"bad key {request.headers['X-Key']}")

    async def work(client, address):
        await client.json(Request(url=address, headers={"X-Key": "s3cret"}))

    with pytest.raises(NoAnswerError, match=r"answers 401: bad key \*\*\*"):
        talk(Host(repeat), work)


@pytest.mark.parametrize("compressed", [False, True])
def test_an_answer_has_a_size(compressed):
    async def large(request):
        response = web.json_response(["x" * 100_000])
        if compressed:
            response.enable_compression(web.ContentCoding.gzip)
        return response

    with pytest.raises(NoAnswerError, match="larger than 5,000 bytes"):
        get(Host(large))


def test_one_request_at_a_time():
    host = Host(ok(1))

    async def work(client, address):
        urls = [f"{address}/{i}" for i in range(9)]
        await asyncio.gather(*(client.json(Request(url=url)) for url in urls))

    talk(host, work)
    assert (len(host.seen), host.most) == (9, 1)
    talk(host, work, manners=Manners(at_once=4))
    assert 1 < host.most <= 4


def test_only_named_hosts_by_http():
    async def work(client, address):
        with pytest.raises(NoAnswerError, match="only http and https are asked"):
            await client.json(Request(url="file:///etc/passwd"))
        with pytest.raises(NoAnswerError, match="not among the hosts"):
            await client.json(Request(url="http://169.254.169.254/latest"))
        with pytest.raises(NoAnswerError, match="not among the hosts"):
            await client.json(Request(url=address.replace("http://", "http://me:pw@")))

    host = Host(ok(1))
    talk(host, work)
    assert not host.seen


def test_redirects_stay_at_named_hosts():
    home = Host(status(302, Location="/elsewhere?q=1"), ok({"here": 1}))
    assert get(home)[0] == {"here": 1}
    assert home.seen[1][1] == "/elsewhere?q=1"
    for target in ("http://169.254.169.254/", "http://localhost:1/", "//example.org/x"):
        with pytest.raises(NoAnswerError, match="not among the hosts"):
            get(Host(status(301, Location=target)))
    with pytest.raises(NoAnswerError, match="only http and https"):
        get(Host(status(301, Location="file:///etc/passwd")))
    with pytest.raises(NoAnswerError, match="redirects more than 3 times"):
        get(Host(status(302, Location="/x")))


def test_what_is_posted_is_not_redirected():
    host = Host(status(307, Location="/y"))

    async def work(client, address):
        await client.json(Request(url=address, body={"q": "x"}))

    with pytest.raises(NoAnswerError, match="redirects what was posted"):
        talk(host, work)


def test_forms_and_bodies_are_posted():
    host = Host(ok(1))

    async def work(client, address):
        await client.json(Request(url=address, parameters={"query": "SELECT ?x"}, form=True))
        assert (host.seen[-1][0], host.body) == ("POST", "query=SELECT+%3Fx")
        await client.json(Request(url=address, body={"q": "ü"}))
        assert json.loads(host.body) == {"q": "ü"}

    talk(host, work)


def test_replies_are_recorded_and_replayed(tmp_path):
    path = tmp_path / "deep" / "replies.sqlite"
    host = Host(ok({"n": 1}), ok({"n": 2}))
    asked = []

    async def work(client, address):
        asked.append(Request(url=address, parameters={"q": "a"}, headers={"X-Key": "s3cret"}))
        first = await client.json(asked[0])
        assert await client.json(asked[0]) == first
        return first

    first = talk(host, work, recordings=Recordings(path))
    assert len(host.seen) == 1
    assert b"s3cret" not in path.read_bytes()

    async def again(client, address):
        found = await client.json(Request(url=asked[0].url, parameters={"q": "a"}))
        with pytest.raises(NoAnswerError, match="not recorded, and this is a replay"):
            await client.json(Request(url=asked[0].url, parameters={"q": "b"}))
        return found

    name = asked[0].url.removeprefix("http://")
    replayed = talk(host, again, recordings=Recordings(path, "replay"), hosts=[name])
    assert replayed == first
    assert len(host.seen) == 1


def test_failures_are_not_recorded(tmp_path):
    host = Host(status(404), ok(1))

    async def work(client, address):
        request = Request(url=address)
        with pytest.raises(NoAnswerError):
            await client.json(request)
        return await client.json(request)

    assert talk(host, work, recordings=Recordings(tmp_path / "r.sqlite"))[0] == 1


def test_equal_requests_at_one_time_are_one():
    host = Host(ok(1))

    async def work(client, address):
        await asyncio.gather(*(client.json(Request(url=address)) for _ in range(5)))

    talk(host, work)
    assert len(host.seen) == 1


def test_files_that_hold_no_replies_are_refused(tmp_path):
    with pytest.raises(InputError, match="nothing to replay"):
        Recordings(tmp_path / "none", "replay")
    with pytest.raises(InputError, match="exclude each other"):
        open_recordings({"record": "a", "replay": "b"})
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE a (b)")
    database.close()
    for mode in ("record", "replay"):
        with pytest.raises(FormatError, match="not recorded replies"):
            Recordings(other, mode)
    (tmp_path / "text").write_text("no database, but a text that is long enough" * 9)
    with pytest.raises(FormatError, match="not recorded replies"):
        Recordings(tmp_path / "text")
    path = tmp_path / "new.sqlite"
    Recordings(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 7")
    database.close()
    with pytest.raises(FormatError, match="of version 7, this release reads 1"):
        Recordings(path)


def test_without_the_extra_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "aiohttp", None)

    async def work():
        async with PoliteClient(["example.org"]):
            pass

    with pytest.raises(MissingExtraError, match=r"pip install 'xgen-reason\[http\]'"):
        asyncio.run(work())


def test_manners_have_sense():
    with pytest.raises(ValueError, match="positive"):
        Manners(deadline=0)
    with pytest.raises(ValueError, match="pauses run from"):
        Manners(pause=9, longest_pause=1)
