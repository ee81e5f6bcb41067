"""Every registered model keeps the contract of `xgen_core.Model`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from xgen_core import Model, ModelError, open_model
from xgen_core.lm.http import HttpModel
from xgen_core.lm.transport import Patience
from xgen_core.records import GenerationRequest
from xgen_core.testing import ByteTokenizer, Fault, LoopbackServer, UnigramModel, check_model
from xgen_model import CheckpointStore, ModelConfig, create, open_local


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("checkpoint")
    config = ModelConfig(
        vocab_size=257,
        n_tokens=257,
        d_model=16,
        n_layers=1,
        n_heads=2,
        n_kv_heads=1,
        d_ff=32,
        context_length=64,
    )
    tokenizer = ByteTokenizer()
    store = CheckpointStore.create(directory, config, tokenizer_fingerprint=tokenizer.fingerprint)
    store.save(0, create(config, seed=3))
    return directory


def test_local(checkpoint: Path) -> None:
    def make() -> Model:
        return open_local(str(checkpoint), tokenizer=ByteTokenizer())

    asyncio.run(check_model(make, scoring=True, tolerance=0.0))


def test_scripted(tmp_path: Path) -> None:
    rules = tmp_path / "rules.jsonl"
    replies = [f"reply {i} " + "and more words " * 30 for i in range(8)]
    rules.write_text(json.dumps({"pattern": "", "replies": replies}) + "\n")
    asyncio.run(check_model(lambda: open_model(f"scripted:{rules}"), scoring=False))


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(UnigramModel()) as running:
        yield running


def test_http(server: LoopbackServer) -> None:
    uri = f"{server.url}#loopback"
    asyncio.run(check_model(lambda: open_model(uri), scoring=False, chat=True))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("rate_limit", "answered 429"),
        ("server_error", "answered 500"),
        ("dropped", "broke the connection"),
        ("half_closed", "broke the connection"),
        ("truncated", "not JSON"),
        ("html", "not JSON"),
    ],
)
def test_a_lying_endpoint_is_one_clear_line(fault: str, message: str) -> None:
    with LoopbackServer(UnigramModel(), faults=[Fault(kind=fault)]) as server:
        error = ask(HttpModel(server.url, "loopback", patience=Patience(attempts=1)))
        assert server.url in error
    assert message in error
    assert "\n" not in error


def test_an_unreachable_endpoint_is_one_clear_line() -> None:
    assert "cannot connect" in ask(open_model("http://127.0.0.1:1/v1#model"))


def ask(model: Model) -> str:
    async def work() -> None:
        async with model:
            await model.generate(GenerationRequest(prompt="a", max_tokens=3))

    with pytest.raises(ModelError) as caught:
        asyncio.run(work())
    return str(caught.value)
