"""The shipped doubles pass their own suites, and the suites refuse what breaks a promise."""

import asyncio
import dataclasses

import pytest

from xgen_core.lm.scripted import Rule, ScriptedModel
from xgen_core.protocols import Model, ScoringModel, Tokenizer
from xgen_core.records import ScoreRequest, TokenBatch
from xgen_core.testing import ByteTokenizer, UnigramModel, check_model, check_tokenizer


@pytest.mark.parametrize("bos", [False, True])
def test_the_byte_tokenizer_conforms(bos, tmp_path):
    check_tokenizer(ByteTokenizer(bos=bos), ByteTokenizer.open, tmp_path)
    assert ByteTokenizer.open(tmp_path / "saved").bos_id == (256 if bos else None)


def test_the_unigram_model_conforms():
    asyncio.run(check_model(UnigramModel, scoring=True))
    asyncio.run(check_model(UnigramModel, scoring=True, chat=True))


def test_the_scripted_model_conforms():
    rules = [Rule(pattern=".", replies=("alpha beta gamma", "two words", "a third answer"))]
    for chat in (False, True):
        asyncio.run(check_model(lambda: ScriptedModel(rules), scoring=False, chat=chat))
    with pytest.raises(AssertionError, match="cannot score"):
        asyncio.run(check_model(lambda: ScriptedModel(rules), scoring=True))


def test_doubles_have_the_protocols_types():
    assert isinstance(ByteTokenizer(), Tokenizer)
    assert isinstance(UnigramModel(), ScoringModel)
    assert isinstance(ScriptedModel([]), Model)
    assert not isinstance(ScriptedModel([]), ScoringModel)


class ForgesSpecials(ByteTokenizer):
    def encode(self, text, *, specials=False):
        return super().encode(text, specials=True)


class StripsText(ByteTokenizer):
    def encode(self, text, *, specials=False):
        return super().encode(text.strip(" "), specials=specials)


class TakesAnyId(ByteTokenizer):
    def token_bytes(self, token_id):
        return super().token_bytes(token_id % 257)


class AddsBos(ByteTokenizer):
    def encode(self, text, *, specials=False):
        return [256, *super().encode(text, specials=specials)]


class SignedBatch(ByteTokenizer):
    def encode_batch(self, texts, *, specials=False):
        batch = super().encode_batch(texts, specials=specials)
        return TokenBatch(batch.ids.cast("B").cast("i"), batch.offsets)


class ForgetsItself(ByteTokenizer):
    def save(self, directory):
        ByteTokenizer(bos=True).save(directory)


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (ForgesSpecials, "forged the control token"),
        (StripsText, "came back as"),
        (TakesAnyId, "outside the vocabulary"),
        (AddsBos, "came back as"),
        (SignedBatch, "not uint32"),
        (ForgetsItself, "fingerprint changed on disk"),
    ],
)
def test_a_broken_tokenizer_is_found(broken, promise, tmp_path):
    with pytest.raises(AssertionError, match=promise):
        check_tokenizer(broken(), ByteTokenizer.open, tmp_path)


class OneRandomStream(UnigramModel):
    """Draws all samples of a request from one seed that depends on how many there are."""

    async def generate(self, request):
        return await super().generate(dataclasses.replace(request, seed=request.seed + request.n))


class IgnoresStop(UnigramModel):
    async def generate(self, request):
        return await super().generate(dataclasses.replace(request, stop=()))


class KeepsStop(UnigramModel):
    async def generate(self, request):
        answers = await super().generate(request)
        return [
            dataclasses.replace(a, text=a.text + request.stop[0])
            if request.stop and a.finish_reason == "stop"
            else a
            for a in answers
        ]


class TooLong(UnigramModel):
    async def generate(self, request):
        return await super().generate(
            dataclasses.replace(request, max_tokens=request.max_tokens + 1)
        )


class HasState(UnigramModel):
    calls = 0

    async def generate(self, request):
        self.calls += 1
        return await super().generate(dataclasses.replace(request, seed=self.calls))


class BatchDependent(UnigramModel):
    async def score(self, requests):
        scores = await super().score(requests)
        shift = 1e-6 * len(requests)
        return [
            dataclasses.replace(s, token_logprobs=tuple(p - shift for p in s.token_logprobs))
            for s in scores
        ]


class SkipsWindows(UnigramModel):
    async def score(self, requests):
        return [
            (await UnigramModel.score(self, [self._shorten(request)]))[0] for request in requests
        ]

    def _shorten(self, request):
        if request.window is None:
            return request
        return ScoreRequest(context="", continuation=request.continuation[: request.window])


class Positive(UnigramModel):
    async def score(self, requests):
        scores = await super().score(requests)
        return [
            dataclasses.replace(s, token_logprobs=tuple(-p for p in s.token_logprobs))
            for s in scores
        ]


class ByArrival(UnigramModel):
    async def score(self, requests):
        return sorted(await super().score(requests), key=lambda s: s.logprob)


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (OneRandomStream, "n=2 is not the beginning of n=4"),
        (IgnoresStop, "should leave"),
        (KeepsStop, "should leave"),
        (TooLong, "but max_tokens was 1"),
        (HasState, "is not the beginning|differ"),
        (BatchDependent, "another batch"),
        (SkipsWindows, "byte_lengths sum to"),
        (Positive, "at most 0"),
        (ByArrival, "byte_lengths sum|another order"),
    ],
)
def test_a_broken_model_is_found(broken, promise):
    with pytest.raises(AssertionError, match=promise):
        asyncio.run(check_model(broken, scoring=True))


def test_a_tolerance_admits_what_batches_change():
    asyncio.run(check_model(BatchDependent, scoring=True, tolerance=1e-4))


def test_unigram_probabilities_sum_to_one():
    import math

    model = UnigramModel({"a": 3.0, "b": 1.0})
    assert math.isclose(sum(math.exp(model.logprob(i)) for i in range(257)), 1.0)
    assert model.most_likely() == (ord("a"), model.logprob(ord("a")))
    assert UnigramModel({"a": 2.0}).info != model.info
    with pytest.raises(ValueError, match="single ASCII characters"):
        UnigramModel({"ab": 1.0})
