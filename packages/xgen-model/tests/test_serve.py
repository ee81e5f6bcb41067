"""`xgen model serve`: what clients see on the wire."""

import asyncio
import contextlib
import http.client
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from xgen_core import ChatTemplate, InputError, ModelError, open_model
from xgen_core.testing import ByteTokenizer, UnigramModel, check_model
from xgen_model.serve import Endpoint, ServedModel, Server, bind

CONTEXT = 400
ASK = {"model": "m", "prompt": "tea", "max_tokens": 5}
STREAM = {**ASK, "stream": True}
TALK = {"model": "m", "messages": [{"role": "user", "content": "tea"}], "max_tokens": 5}


class Held(UnigramModel):
    """Says the first word from another thread, then waits until it is let go."""

    def __init__(self):
        super().__init__(context_length=CONTEXT)
        self.let_go = threading.Event()
        self.begun = threading.Semaphore(0)
        self.cancelled = threading.Semaphore(0)

    async def complete(self, ids, request, on_text=None):
        made = await super().complete(ids, request)
        self.begun.release()
        try:
            if on_text is not None:
                await asyncio.to_thread(on_text, 0, made[0].text[:2])
            while not self.let_go.is_set():
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.cancelled.release()
            raise
        return made


@contextlib.contextmanager
def serving(model, **settings):
    """The server, on a thread with a loop of its own; its URL and a function that stops it."""
    assert isinstance(model, ServedModel)
    started, box = threading.Event(), []

    async def work():
        endpoint = Endpoint(**{"name": "m", **settings})
        async with model, Server(model, endpoint, bind("127.0.0.1", 0)) as server:
            loop = asyncio.get_running_loop()
            box.append((server.url, lambda: loop.call_soon_threadsafe(server.stop)))
            started.set()
            await server.stopping.wait()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(asyncio.run, work())
        assert started.wait(10) or done.result(0) is None
        url, stop = box[0]
        try:
            yield Client(url), stop
        finally:
            with contextlib.suppress(RuntimeError):  # it ended already
                stop()
            done.result(20)


class Client:
    """One request a connection."""

    def __init__(self, url):
        self.url = url
        self.port = int(url.rpartition(":")[2].partition("/")[0])

    @contextlib.contextmanager
    def send(self, path, body=None, method="POST", headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        with contextlib.closing(connection):
            connection.request(method, path, None if method == "GET" else raw, headers or {})
            yield connection

    def ask(self, path, body=None, method="POST", headers=None):
        with self.send(path, body, method, headers) as connection:
            answer = connection.getresponse()
            return answer.status, answer.headers, json.loads(answer.read())

    def complete(self, body=ASK, **changes):
        status, _, reply = self.ask("/v1/completions", {**body, **changes})
        assert status == 200, reply
        return reply

    def chat(self, **changes):
        status, _, reply = self.ask("/v1/chat/completions", {**TALK, **changes})
        assert status == 200, reply
        return reply

    def stream(self, path, body):
        with self.send(path, {**body, "stream": True}) as connection:
            answer = connection.getresponse()
            assert answer.headers["Content-Type"] == "text/event-stream", answer.read()
            lines = [e for e in answer.read().decode().split("\n\n") if e]
        assert all(line.startswith("data: ") for line in lines)
        assert lines.pop() == "data: [DONE]"
        return [json.loads(line.removeprefix("data: ")) for line in lines]


@pytest.fixture(scope="module")
def model():
    return UnigramModel(context_length=CONTEXT)


@pytest.fixture(scope="module")
def client(model):
    with serving(model) as (client, _):
        yield client


def test_our_client_finds_a_model_that_keeps_the_contract(client):
    for chat in (False, True):
        asyncio.run(check_model(lambda: open_model(f"{client.url}#m"), scoring=False, chat=chat))


def test_models_and_health(client, model):
    assert client.ask("/health", method="GET")[0] == 200
    _, _, listing = client.ask("/v1/models", method="GET")
    (entry,) = listing["data"]
    assert (entry["id"], entry["max_model_len"]) == ("m", CONTEXT)
    assert entry["identity"] == model.info.identity
    assert client.ask("/v1/models/m", method="GET")[2] == entry
    assert client.ask("/v1/models/x", method="GET")[0] == 404


def test_prompts_in_every_form_are_numbered_prompt_by_prompt(client):
    text = client.complete(prompt=["tea", "milk"], n=2, seed=3)
    ids = client.complete(prompt=[list(b"tea"), list(b"milk")], n=2, seed=3)
    assert [c["index"] for c in text["choices"]] == [0, 1, 2, 3]
    assert text["choices"] == ids["choices"]
    milk = client.complete(prompt="milk", n=2, seed=3)["choices"]
    assert text["choices"][2:] == [{**c, "index": 2 + i} for i, c in enumerate(milk)]
    assert text["usage"] == {"prompt_tokens": 7, "completion_tokens": 20, "total_tokens": 27}
    assert len({client.complete()["choices"][0]["text"] for _ in range(8)}) > 1  # no seed, no rule
    assert client.complete(prompt=list(b"tea"), echo=True)["choices"][0]["text"].startswith("tea")


def test_an_echo_alone_reads_the_prompt(client, model):
    (choice,) = client.complete(echo=True, max_tokens=0, logprobs=1)["choices"]
    assert choice["text"] == "tea"
    found = choice["logprobs"]
    assert found["tokens"] == ["t", "e", "a"]
    assert found["text_offset"] == [0, 1, 2]
    assert found["token_logprobs"] == [None, model.logprob(ord("e")), model.logprob(ord("a"))]
    assert found["top_logprobs"][1] == {c: model.logprob(ord(c)) for c in " e"}
    full = client.complete(echo=True, max_tokens=0, logprobs=0, prompt=[101] * CONTEXT)
    assert len(full["choices"][0]["logprobs"]["tokens"]) == CONTEXT


def test_an_echo_before_an_answer_has_the_log_probabilities_of_both(client):
    reply = client.complete(echo=True, logprobs=1, temperature=0, prompt=["tea", "a"])
    for choice, size in zip(reply["choices"], (3, 1), strict=True):
        assert len(choice["logprobs"]["token_logprobs"]) == size + 5
        assert "".join(choice["logprobs"]["tokens"]) == choice["text"]
        assert None not in choice["logprobs"]["token_logprobs"][1:]
    assert client.complete(logprobs=0)["choices"][0]["logprobs"]["token_logprobs"][0] < 0


def test_a_token_before_every_document_is_read_but_not_shown():
    class Begins(UnigramModel):
        tokenizer = ByteTokenizer(bos=True)

        def prompt_ids(self, request):
            return (256, *super().prompt_ids(request))

    with serving(Begins(context_length=CONTEXT)) as (client, _):
        (choice,) = client.complete(echo=True, logprobs=0, max_tokens=0)["choices"]
    assert choice["text"] == "tea"
    assert choice["logprobs"]["tokens"] == ["<|endoftext|>", "t", "e", "a"]
    assert choice["logprobs"]["text_offset"] == [0, 0, 1, 2]


def test_an_end_token_has_its_log_probability_after_an_echo():
    class Ends(UnigramModel):
        async def complete(self, ids, request, on_text=None):
            made = await super().complete(ids, request)
            nothing = {"text": "", "finish_reason": "stop", "completion_tokens": 0, "logprobs": []}
            return [type(c).from_json({**c.to_json(), **nothing}) for c in made]

    model = Ends(context_length=CONTEXT)
    with serving(model) as (client, _):
        (choice,) = client.complete(echo=True, logprobs=1, max_tokens=1)["choices"]
    assert choice["text"] == "tea"
    assert choice["logprobs"]["tokens"] == ["t", "e", "a", "<|endoftext|>"]
    assert choice["logprobs"]["token_logprobs"][-1] == model.logprob(256)


def test_chat_gives_log_probabilities_in_its_own_form(client):
    (choice,) = client.chat(logprobs=True, top_logprobs=2, seed=1)["choices"]
    assert choice["message"]["role"] == "assistant"
    content = choice["logprobs"]["content"]
    assert "".join(c["token"] for c in content) == choice["message"]["content"]
    assert [len(c["top_logprobs"]) for c in content] == [2] * 5
    assert client.chat()["choices"][0]["logprobs"] is None
    free = client.chat(max_tokens=None)["usage"]["completion_tokens"]
    assert free == CONTEXT  # a conversation's answer is as long as the context lets it


@pytest.mark.parametrize("chat", [False, True])
def test_a_stream_adds_up_to_the_whole(client, chat):
    path = "/v1/chat/completions" if chat else "/v1/completions"
    more = {"logprobs": True} if chat else {"logprobs": 1, "echo": True, "prompt": ["tea", "ab"]}
    body = {**(TALK if chat else ASK), "seed": 2, "n": 2, "max_tokens": 40, **more}
    _, _, whole = client.ask(path, body)
    chunks = client.stream(path, {**body, "stream_options": {"include_usage": True}})
    assert len({c["id"] for c in chunks}) == 1
    usage = chunks.pop()
    assert (usage["choices"], usage["usage"]) == ([], whole["usage"])
    assert len(chunks) > 2 * len(whole["choices"])
    for choice in whole["choices"]:
        mine = [c["choices"][0] for c in chunks if c["choices"][0]["index"] == choice["index"]]
        assert [p["finish_reason"] for p in mine] == [None] * (len(mine) - 1) + ["length"]
        assert mine[-1]["logprobs"] == choice["logprobs"]
        if chat:
            text = "".join(p["delta"].get("content", "") for p in mine)
            assert text == choice["message"]["content"]
            assert [p["delta"].get("role") for p in mine[:2]] == ["assistant", None]
        else:
            assert "".join(p["text"] for p in mine) == choice["text"]


def test_text_arrives_while_the_model_goes_on():
    model = Held()
    with serving(model) as (client, _), client.send("/v1/completions", STREAM) as wire:
        answer = wire.getresponse()
        first = json.loads(answer.readline().removeprefix(b"data: "))
        assert len(first["choices"][0]["text"]) == 2
        model.let_go.set()
        assert answer.read().endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_away_frees_the_model(stream):
    model = Held()
    with serving(model) as (client, _):
        with client.send("/v1/completions", {**STREAM, "stream": stream, "prompt": ["a", "b"]}):
            for _ in range(2):
                assert model.begun.acquire(timeout=10)
        for _ in range(2):
            assert model.cancelled.acquire(timeout=10)


def test_more_requests_than_turns_wait_and_many_more_are_refused():
    model = Held()
    with serving(model, max_concurrent=1) as (client, _), contextlib.ExitStack() as stack:
        wires = [stack.enter_context(client.send("/v1/completions", ASK)) for _ in range(17)]
        assert model.begun.acquire(timeout=10)
        answer = None
        while answer is None:  # until the sixteen that wait have all arrived
            with client.send("/v1/completions", ASK) as extra:
                extra.sock.settimeout(0.3)
                with contextlib.suppress(TimeoutError):
                    answer = extra.getresponse()
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert not model.begun.acquire(timeout=0.05)  # one at a time
        model.let_go.set()
        assert {w.getresponse().status for w in wires} == {200}


def test_at_the_end_what_is_in_work_finishes_and_what_comes_is_refused():
    model = Held()
    with serving(model) as (client, stop), client.send("/v1/completions", ASK) as wire:
        assert model.begun.acquire(timeout=10)
        stop()
        while client.ask("/health", method="GET")[0] == 200:
            pass
        status, _, reply = client.ask("/v1/completions", ASK)
        assert (status, reply["error"]["type"]) == (503, "server_error")
        assert "shutting down" in reply["error"]["message"]
        model.let_go.set()
        assert wire.getresponse().status == 200


@pytest.mark.parametrize("grace", [0.05, 60])
def test_the_end_comes_after_the_grace_or_at_a_second_signal(grace):
    model = Held()
    with serving(model, grace=grace) as (client, stop), client.send("/v1/completions", ASK) as wire:
        assert model.begun.acquire(timeout=10)
        stop()
        if grace == 60:
            stop()
        with pytest.raises(http.client.RemoteDisconnected):
            wire.getresponse()
        assert model.cancelled.acquire(timeout=10)


def test_a_key_is_asked_for_but_not_by_health():
    with serving(UnigramModel(), api_key="schlüssel") as (client, _):
        status, headers, reply = client.ask("/v1/models", method="GET")
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
        assert reply["error"]["code"] == "invalid_api_key"
        key = {"Authorization": "Bearer schlüssel".encode()}
        assert client.ask("/v1/models", method="GET", headers=key)[0] == 200
        assert client.ask("/v1/completions", ASK, headers={"Authorization": "Bearer x"})[0] == 401
        assert client.ask("/health", method="GET")[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/v1/completions", {**ASK, "model": "gpt"}, 404, "'gpt' does not exist; there is 'm'"),
        ("/v1/completions", b"{", 400, "not JSON"),
        ("/v1/completions", {**ASK, "prompt": [1, 257]}, 400, "id 257; this model's ids are 0"),
        ("/v1/completions", {**ASK, "prompt": [1] * CONTEXT}, 400, "400 tokens with 1 to come"),
        ("/v1/completions", {**ASK, "suffix": "x"}, 400, "suffix is not supported"),
        ("/v1/completions", {**ASK, "stream": True, "prompt": [999]}, 400, "id 999"),
        ("/v1/completions", b"{" + b" " * 2**25, 413, "body size"),
        ("/v1/embeddings", ASK, 404, "/v1/embeddings"),
        ("/health", ASK, 405, "Method Not Allowed"),
    ],
)  # fmt: skip
def test_refusals(client, path, body, status, message):
    got, _, reply = client.ask(path, body)
    assert got == status
    assert message.lower() in reply["error"]["message"].lower()
    assert reply["error"]["type"] == "invalid_request_error"


def test_a_role_without_a_form_is_refused():
    class Templated(UnigramModel):
        template = ChatTemplate(name="t", prefixes={"user": "Q: "}, suffixes={})

    with serving(Templated()) as (client, _):
        body = {**TALK, "messages": [{"role": "tool", "content": "x"}]}
        status, _, reply = client.ask("/v1/chat/completions", body)
        assert (status, reply["error"]["param"]) == (400, "messages")
        assert "no form for the role 'tool'" in reply["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (InputError("too long"), 400, "too long"),
        (ModelError("the model is closed"), 503, "closed"),
        (ZeroDivisionError("secret"), 500, "its log says how"),
    ],
)
def test_a_models_failure_has_a_status_and_no_traceback(caplog, stream, error, status, message):
    class Fails(UnigramModel):
        async def complete(self, ids, request, on_text=None):
            raise error

    with serving(Fails()) as (client, _):
        got, _, reply = client.ask("/v1/completions", {**ASK, "stream": stream})
    assert got == status
    assert message in reply["error"]["message"]
    assert "secret" not in json.dumps(reply)
    assert ("secret" in caplog.text) == (status == 500)


def test_a_failure_inside_a_stream_is_its_last_event():
    class Fails(UnigramModel):
        async def complete(self, ids, request, on_text=None):
            on_text(0, "a")
            await asyncio.sleep(0.05)
            raise ModelError("the model is closed")

    with serving(Fails()) as (client, _), client.send("/v1/completions", STREAM) as wire:
        first, last = wire.getresponse().read().decode().split("\n\n")[:2]
    assert json.loads(first.removeprefix("data: "))["choices"][0]["text"] == "a"
    assert "closed" in json.loads(last.removeprefix("data: "))["error"]["message"]


def test_many_clients_at_once_get_what_each_would_get_alone(client):
    prompts = [f"question {i}" for i in range(24)]
    alone = [client.complete(prompt=p, seed=i)["choices"] for i, p in enumerate(prompts)]
    with ThreadPoolExecutor(12) as pool:
        together = pool.map(lambda i: client.complete(prompt=prompts[i], seed=i), range(24))
        assert [t["choices"] for t in together] == alone


def test_an_address_in_use_or_not_ours_is_one_line():
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"127.0.0.1:{port} is in use: choose another port"):
            bind("127.0.0.1", port)
    with pytest.raises(InputError, match="cannot listen at"):
        bind("192.0.2.1", 8000)
    with pytest.raises(InputError, match="no such host"):
        bind("no host", 8000)


def test_an_address_of_the_sixth_version_is_in_brackets():
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        bound = bind("::1", 0)
    except InputError:
        pytest.skip("no IPv6 address here")

    async def url():
        return Server(UnigramModel(), Endpoint(name="m"), bound).url

    with bound:
        assert asyncio.run(url()).startswith("http://[::1]:")
