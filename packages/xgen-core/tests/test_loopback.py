import asyncio
import gc
import http.client
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from xgen_core import CapabilityError, GenerationRequest, open_model
from xgen_core.lm.scripted import Rule
from xgen_core.testing import Fault, LoopbackServer, UnigramModel

RULES = [
    Rule(pattern="capital of France", replies=("Paris it is", "The city of Paris")),
    Rule(pattern="ping", replies=("pong",)),
]
PING = {"model": "loopback", "messages": [{"role": "user", "content": "ping"}]}


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before
    gc.collect()  # an unclosed socket warns here, and warnings are errors


def post(server, path, body, *, timeout=5.0, headers=None):
    request = urllib.request.Request(
        server.url + path,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **(headers or {})},
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def chat(server, body=PING, **options):
    status, headers, raw = post(server, "/chat/completions", body, **options)
    return status, headers, json.loads(raw)


def test_chat_completions():
    question = {"role": "user", "content": "What is the capital of France?"}
    with LoopbackServer(RULES) as server:
        status, _, reply = chat(
            server, {"model": "loopback", "messages": [question], "n": 2, "stop": " is"}
        )
        assert status == 200
        assert [c["message"]["content"] for c in reply["choices"]] == [
            "Paris it",
            "The city of Paris",
        ]
        assert [c["index"] for c in reply["choices"]] == [0, 1]
        assert reply["usage"]["total_tokens"] > 0
        assert server.count == 1
        assert server.requests[0].body["messages"] == [question]
        assert server.requests[0].headers["content-type"] == "application/json"


def test_completions_and_models():
    with LoopbackServer(RULES, name="mine") as server:
        status, _, raw = post(server, "/completions", {"model": "mine", "prompt": "ping"})
        assert (status, json.loads(raw)["choices"][0]["text"]) == (200, "pong")
        with urllib.request.urlopen(server.url + "/models") as response:
            assert [m["id"] for m in json.load(response)["data"]] == ["mine"]
        assert server.count == 1  # only POSTs count


def test_echo_scores_a_prompt():
    model = UnigramModel()
    body = {"model": "loopback", "prompt": "tea é", "max_tokens": 0, "echo": True, "logprobs": 1}
    with LoopbackServer(model) as server:
        _, _, raw = post(server, "/completions", body)
        choice = json.loads(raw)["choices"][0]
        logprobs = choice["logprobs"]
        assert choice["text"] == "tea é"
        assert logprobs["tokens"] == ["t", "e", "a", " ", "bytes:\\xc3", "bytes:\\xa9"]
        assert logprobs["text_offset"] == [0, 1, 2, 3, 4, 4]
        assert logprobs["token_logprobs"][0] is None
        wanted = [model.logprob(i) for i in "tea é".encode()[1:]]
        assert logprobs["token_logprobs"][1:] == wanted
        assert logprobs["top_logprobs"][1] == {
            " ": model.logprob(ord(" ")),
            "e": model.logprob(ord("e")),
        }
        _, _, raw = post(server, "/completions", {**body, "max_tokens": 3})
        choice = json.loads(raw)["choices"][0]
        assert len(choice["logprobs"]["tokens"]) == 6 + 3
        assert choice["text"].startswith("tea é")


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/chat/completions", {"model": "gpt"}, 404, "'gpt' does not exist"),
        ("/chat/completions", {"model": "loopback"}, 400, "messages must be a list"),
        ("/chat/completions", {**PING, "messages": [{"role": "user"}]}, 400, "not a message"),
        ("/chat/completions", {**PING, "temperature": "hot"}, 400, "temperature: expected float"),
        ("/completions", {"model": "loopback"}, 400, "prompt must be one string"),
        ("/completions", {"model": "loopback", "prompt": "x"}, 400, "no rule matches"),
        ("/completions", {"model": "loopback", "prompt": "ping", "logprobs": 1}, 400, "logprobs"),
        ("/chat/completions", [], 400, "not a JSON object"),
        ("/elsewhere", PING, 404, "no such path"),
    ],
)
def test_bad_requests_are_refused(path, body, status, message):
    with LoopbackServer(RULES) as server:
        got, _, raw = post(server, path, body)
        assert got == status
        assert message in json.loads(raw)["error"]["message"]


def test_a_key_is_asked_for():
    with LoopbackServer(RULES, api_key="secret") as server:
        assert chat(server)[0] == 401
        assert chat(server, headers={"Authorization": "Bearer secret"})[0] == 200


def events(raw):
    lines = [line for line in raw.decode().split("\n\n") if line]
    assert all(line.startswith("data: ") for line in lines)
    return [line.removeprefix("data: ") for line in lines]


def test_streaming():
    body = {
        "model": "loopback",
        "messages": [{"role": "user", "content": "capital of France"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    with LoopbackServer(RULES) as server:
        _, headers, raw = post(server, "/chat/completions", body)
        assert headers["Content-Type"] == "text/event-stream"
        *chunks, done = events(raw)
        assert done == "[DONE]"
        *chunks, usage = [json.loads(chunk) for chunk in chunks]
        deltas = [c["choices"][0]["delta"] for c in chunks]
        assert deltas[0]["role"] == "assistant"
        assert "".join(d.get("content", "") for d in deltas) == "Paris it is"
        assert [c["choices"][0]["finish_reason"] for c in chunks][-1] == "stop"
        assert usage["choices"] == []
        assert usage["usage"]["completion_tokens"] == 3
        prompt = {"model": "loopback", "prompt": "ping", "stream": True}
        *chunks, done = events(post(server, "/completions", prompt)[2])
        assert json.loads(chunks[0])["choices"][0]["text"] == "pong"


def test_rate_limit_server_error_then_success():
    faults = [Fault(kind="rate_limit", seconds=2), Fault(kind="server_error"), None]
    with LoopbackServer(RULES, faults=faults) as server:
        status, headers, body = chat(server)
        assert (status, headers["Retry-After"]) == (429, "2")
        assert body["error"]["type"] == "rate_limit"
        assert chat(server)[0] == 500
        assert [chat(server)[0] for _ in range(3)] == [200, 200, 200]
        assert server.count == 5


def test_a_hanging_request_times_out_and_does_not_hold_the_server_up():
    with LoopbackServer(RULES, faults=[Fault(kind="hang", seconds=60)]) as server:
        with pytest.raises(TimeoutError):
            chat(server, timeout=0.2)
        assert chat(server)[0] == 200  # others are served meanwhile
        begun = time.monotonic()
    assert time.monotonic() - begun < 5


def test_a_dropped_connection():
    with LoopbackServer(RULES, faults=[Fault(kind="dropped")]) as server:
        with pytest.raises(http.client.RemoteDisconnected):
            chat(server)
        assert chat(server)[0] == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_half_closed_connection_breaks_off_in_the_body(stream):
    with LoopbackServer(RULES, faults=[Fault(kind="half_closed")]) as server:
        with pytest.raises(http.client.IncompleteRead):
            chat(server, {**PING, "stream": stream})
        assert chat(server)[0] == 200


def test_truncated_json_arrives_as_if_whole():
    with LoopbackServer(RULES, faults=[Fault(kind="truncated")] * 2) as server:
        status, headers, raw = post(server, "/chat/completions", PING)
        assert (status, int(headers["Content-Length"])) == (200, len(raw))
        with pytest.raises(json.JSONDecodeError):
            json.loads(raw)
        _, _, raw = post(server, "/chat/completions", {**PING, "stream": True})
        assert b"[DONE]" not in raw


def test_a_lying_endpoint_answers_with_a_web_page():
    with LoopbackServer(RULES, faults=[Fault(kind="html")]) as server:
        status, headers, raw = post(server, "/chat/completions", PING)
        assert status == 200
        assert headers["Content-Type"].startswith("text/html")
        assert raw.startswith(b"<!doctype html>")


@pytest.mark.parametrize("stream", [False, True])
def test_a_slow_answer_is_right_in_the_end(stream):
    with LoopbackServer(RULES, faults=[Fault(kind="slow", seconds=0.3)]) as server:
        begun = time.monotonic()
        status, _, raw = post(server, "/chat/completions", {**PING, "stream": stream})
        assert status == 200
        assert time.monotonic() - begun >= 0.25
        assert b"pong" in raw


def test_many_clients_at_once_on_kept_connections():
    answers = []

    def client(server):
        place = urlsplit(server.url)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=10)
        for _ in range(5):
            connection.request("POST", "/v1/chat/completions", json.dumps(PING))
            answers.append(json.loads(connection.getresponse().read()))
        connection.close()

    with LoopbackServer(RULES) as server:
        threads = [threading.Thread(target=client, args=(server,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.count == 40
    assert {a["choices"][0]["message"]["content"] for a in answers} == {"pong"}


def test_leaving_ends_idle_connections_and_a_second_block_starts_afresh():
    server = LoopbackServer(RULES)
    with server:
        place = urlsplit(server.url)
        idle = socket.create_connection((place.hostname, place.port))
        idle.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
        time.sleep(0.1)
    assert idle.recv(10) == b""
    idle.close()
    with pytest.raises(RuntimeError, match="inside its with block only"):
        _ = server.url
    with server:
        assert chat(server)[0] == 200


def test_a_model_that_cannot_open_leaves_nothing_running():
    class Broken(UnigramModel):
        async def __aenter__(self):
            raise OSError("no weights")

    with pytest.raises(OSError, match="no weights"), LoopbackServer(Broken()):
        pass


def test_a_client_sends_every_setting_and_refuses_what_it_cannot_bring_back():
    request = GenerationRequest(prompt="ping", top_k=3, repetition_penalty=1.5, seed=4)

    async def ask(url, *requests):
        async with open_model(f"{url}#loopback") as model:
            for asked in requests:
                await model.generate(asked)

    with LoopbackServer(RULES) as server:
        asyncio.run(ask(server.url, request))
        body = server.requests[0].body
        assert {body[k] for k in ("top_k", "repetition_penalty", "seed")} == {3, 1.5, 4}
        with pytest.raises(CapabilityError, match="do not come from an endpoint"):
            asyncio.run(ask(server.url, replace(request, logprobs=1)))
        assert server.count == 1
