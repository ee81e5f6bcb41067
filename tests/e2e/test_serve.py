"""A checkpoint served to other programs: `xgen model serve`, from start to signal."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xgen_core import ScoreRequest, open_model
from xgen_core.lm.wire import token_text
from xgen_core.testing import check_model
from xgen_model import CheckpointStore, ModelConfig, abstract_params
from xgen_tokenizer import XGEN, TiktokenTokenizer, train_bpe

BIN = Path(sys.executable).parent
PAIRS = (
    ("The cat sat on the", " mat."),
    ("2 + 2 =", " 4"),
    ("", "No context."),
    ("é:", " 你好 😀"),
)

pytestmark = pytest.mark.xdist_group("serve")


@cache
def trained() -> TiktokenTokenizer:
    """A small vocabulary, which costs no time."""
    texts = [XGEN.header, *(context + text for context, text in PAIRS)]
    return train_bpe([" ".join(texts) * 4], vocab_size=380, bos=None)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights large enough that no answer is right by being near uniform."""
    directory = tmp_path_factory.mktemp("served")
    tokenizer = trained()
    TiktokenTokenizer("small", tokenizer.vocabulary, template=XGEN).save(directory / "tokenizer")
    config = ModelConfig(
        vocab_size=tokenizer.vocab_size,
        n_tokens=tokenizer.vocab_size,
        d_model=16,
        n_layers=1,
        n_heads=2,
        n_kv_heads=1,
        d_ff=32,
        context_length=128,
    )
    random = np.random.default_rng(0)
    params = jax.tree.map(
        lambda a: jnp.asarray(random.normal(0, 0.5, a.shape), a.dtype), abstract_params(config)
    )
    store = CheckpointStore.create(
        directory / "tiny",
        config,
        tokenizer=directory / "tokenizer",
        tokenizer_fingerprint=tokenizer.fingerprint,
    )
    store.save(0, params)
    return directory / "tiny"


@dataclass
class Served:
    """What the command announced."""

    url: str
    model: str

    def ask(self, path: str, **body: object) -> Any:
        """The JSON that the endpoint answers."""
        host = self.url.removeprefix("http://").removesuffix("/v1")
        with contextlib.closing(http.client.HTTPConnection(host, timeout=120)) as connection:
            connection.request("POST", f"/v1{path}", json.dumps({"model": self.model, **body}))
            return json.load(connection.getresponse())


@pytest.fixture(scope="module")
def served(checkpoint: Path) -> Iterator[Served]:
    """The command runs as long as the module's tests, and ends well."""
    command = [BIN / "xgen", "model", "serve", checkpoint, "--port", "0", "--json"]
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            facts = json.loads(process.stdout.readline())
            yield Served(url=facts["url"], model=facts["model"])
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()


def test_our_client_finds_a_model_that_keeps_the_contract(served: Served) -> None:
    assert served.model == "tiny"
    uri = f"{served.url}#tiny"
    asyncio.run(check_model(lambda: open_model(uri), scoring=False, chat=True))


@pytest.mark.parametrize("max_tokens", [0, 1])
def test_log_probabilities_of_an_echo_are_the_models_scores(
    served: Served, checkpoint: Path, max_tokens: int
) -> None:
    tokenizer = trained()
    contexts = [tokenizer.encode(c) or [tokenizer.eos_id] for c, _ in PAIRS]
    prompts = [c + tokenizer.encode(t) for c, (_, t) in zip(contexts, PAIRS, strict=True)]
    reply = served.ask(
        "/completions", prompt=prompts, echo=True, logprobs=1, temperature=0, max_tokens=max_tokens
    )

    async def scores() -> Any:
        async with open_model(f"local:{checkpoint}", needs="score") as model:
            return await model.score(  # type: ignore[attr-defined]
                [ScoreRequest(context=c, continuation=t) for c, t in PAIRS]
            )

    for choice, context, score in zip(
        reply["choices"], contexts, asyncio.run(scores()), strict=True
    ):
        found = choice["logprobs"]
        asked = slice(len(context), len(found["tokens"]) - max_tokens)
        np.testing.assert_allclose(found["token_logprobs"][asked], score.token_logprobs, atol=1e-4)
        best = [max(top.values()) for top in found["top_logprobs"][asked]]
        assert (best == found["token_logprobs"][asked]) == score.is_greedy


def test_our_client_scores_as_the_model_does(served: Served, checkpoint: Path) -> None:
    pairs = [*(pair for pair in PAIRS if pair[0]), ("The cat ", "sat on"), ("The c", "at")]
    requests = [ScoreRequest(context=c, continuation=t) for c, t in pairs]

    async def scores(uri: str) -> Any:
        async with open_model(uri, needs="score") as model:
            return await model.score(requests)  # type: ignore[attr-defined]

    here, there = (
        asyncio.run(scores(uri)) for uri in (f"local:{checkpoint}", f"{served.url}#tiny")
    )
    for mine, theirs in zip(here, there, strict=True):
        assert theirs.byte_lengths == mine.byte_lengths
        assert theirs.is_greedy == mine.is_greedy
        np.testing.assert_allclose(theirs.token_logprobs, mine.token_logprobs, atol=1e-4)


def test_what_the_model_would_say_is_read_back_as_the_likeliest(served: Served) -> None:
    common = {"logprobs": 1, "temperature": 0}
    prompt = [40, 50, 60]
    (made,) = served.ask("/completions", **common, prompt=prompt, max_tokens=6)["choices"]
    tokenizer = trained()
    names = {token_text(tokenizer.token_bytes(i)): i for i in range(tokenizer.vocab_size)}
    prompt += [names[token] for token in made["logprobs"]["tokens"]]
    (read,) = served.ask("/completions", **common, prompt=prompt, echo=True, max_tokens=1)[
        "choices"
    ]
    assert read["text"].startswith(tokenizer.decode(prompt))
    found = read["logprobs"]["token_logprobs"][3:9]
    np.testing.assert_allclose(found, made["logprobs"]["token_logprobs"], atol=1e-4)
    # Equal to the last bit: that is how lm-evaluation-harness sees that an answer is greedy.
    assert [max(top.values()) for top in read["logprobs"]["top_logprobs"][3:9]] == found
