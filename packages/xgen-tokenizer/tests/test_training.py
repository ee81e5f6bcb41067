"""Training: tiktoken runs exactly what Hugging Face learned, the size is what was asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import tokenizers
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

from xgen_core import InputError
from xgen_tokenizer import TRAINED_SPECIALS, TiktokenTokenizer, open_xgen, train_bpe
from xgen_tokenizer.alphabet import token_of

CORPUS = [
    "def area(width, height):\n    return width * height\n\n\n" * 3,
    "She said: \"it's the 3rd time they've asked\", and we'll see. The theatre thrilled them.\n"
    * 3,
    "Größe, naïve, Ελληνικά, русский текст, 日本語のテキスト, العربية, हिन्दी 🙂🙂\n" * 3,
    "aaaaaaaaaaaaaaaa abababababab ======== -------- ... \t\t\tx\r\n   \u3000 y\xa0z \x1c\x85\n"
    * 3,
    "banana bananas bandana ananas\n" * 5,
]
SIZE = 460
VARIED = [
    *CORPUS,
    "",
    " ",
    "\n \n  \n   x    y\t \t z   ",
    "aaa aaaa aaaaa baaaaab aabaabaa abab babab",
    "'s 't 're've'm'll'd 'S 'LL ''s don't DON'T",
    "123 1,234.5e-6 ½ ² Ⅷ १२३ a1b2",
    "é e\u0301 ﬁ 👩‍👩‍👧‍👦 \U0001f1e9\U0001f1ea \u200b\u2028\u2029\ufeff",
    "<|endoftext|><fim_prefix>",
    "".join(map(chr, range(0x250))),
]


@pytest.fixture(scope="module")
def trained() -> TiktokenTokenizer:
    return train_bpe(CORPUS, vocab_size=SIZE, name="trained")


@pytest.fixture(scope="module")
def hugging_face() -> tokenizers.Tokenizer:
    model = tokenizers.Tokenizer(BPE())
    model.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=True)
    trainer = BpeTrainer(
        vocab_size=SIZE - len(TRAINED_SPECIALS),
        min_frequency=2,
        show_progress=False,
        initial_alphabet=ByteLevel.alphabet(),
    )
    model.train_from_iterator(CORPUS, trainer)
    return model


@pytest.mark.parametrize("text", VARIED, ids=range(len(VARIED)))
def test_same_tokens_as_hugging_face(
    trained: TiktokenTokenizer, hugging_face: tokenizers.Tokenizer, text: str
) -> None:
    assert trained.encode(text) == [ours(trained, t) for t in hugging_face.encode(text).tokens]


def ours(trained: TiktokenTokenizer, token: str) -> int:
    """Our id of a token as Hugging Face writes it."""
    return trained.vocabulary.ranks[token_of(token)]


def test_same_ids_as_hugging_face(
    trained: TiktokenTokenizer, hugging_face: tokenizers.Tokenizer
) -> None:
    """Merges have equal ids; bytes too, but for the order, where ours is GPT-2's."""
    vocabulary = hugging_face.get_vocab()
    merged = {t: i for t, i in vocabulary.items() if len(t) > 1}
    assert len(merged) > 150
    assert {t: ours(trained, t) for t in merged} == merged


def test_layout(trained: TiktokenTokenizer) -> None:
    assert trained.vocab_size == SIZE
    assert [trained.token_bytes(i) for i in range(256)] == [
        open_xgen().token_bytes(i) for i in range(256)
    ]
    assert list(trained.special_ids.items()) == list(
        zip(TRAINED_SPECIALS, range(SIZE - 5, SIZE), strict=True)
    )
    assert trained.eos_id == trained.bos_id == SIZE - 5


def test_policy_is_an_option() -> None:
    names = ("<end>", "<begin>")
    made = train_bpe(CORPUS, vocab_size=300, specials=names, eos="<end>", bos="<begin>")
    assert (made.eos_id, made.bos_id) == (298, 299)
    assert train_bpe(CORPUS, vocab_size=300, bos=None).bos_id is None


def test_deterministic(trained: TiktokenTokenizer) -> None:
    script = (
        "import sys, json; from xgen_tokenizer import train_bpe\n"
        f"print(train_bpe(json.load(sys.stdin), vocab_size={SIZE}).fingerprint)"
    )
    for threads in ("1", "2"):
        result = subprocess.run(
            [sys.executable, "-c", script],
            input=json.dumps(CORPUS),
            env=os.environ | {"RAYON_NUM_THREADS": threads, "PYTHONHASHSEED": threads},
            capture_output=True,
            text=True,
            check=True,
        )
        assert result.stdout.strip() == trained.fingerprint


def test_an_iterator_is_enough(trained: TiktokenTokenizer) -> None:
    assert train_bpe(iter(CORPUS), vocab_size=SIZE).fingerprint == trained.fingerprint


def test_too_little_text_says_how_far_it_goes() -> None:
    with pytest.raises(InputError, match=r"yields 2 merges .* at most 263 ids"):
        train_bpe(["abc abc"], vocab_size=1000)
    assert train_bpe(["abc abc"], vocab_size=263).encode("abc") == [257]


def test_rarer_pairs_on_request() -> None:
    with pytest.raises(InputError, match="yields 0 merges"):
        train_bpe(["abc"], vocab_size=262)
    assert train_bpe(["abc"], vocab_size=263, min_frequency=1).encode("abc") == [257]


@pytest.mark.parametrize("texts", [[], ["", ""]])
def test_empty_corpus(texts: list[str]) -> None:
    with pytest.raises(InputError, match="the corpus is empty"):
        train_bpe(texts, vocab_size=512)


def test_no_room_for_merges() -> None:
    with pytest.raises(ValueError, match="at least 262"):
        train_bpe(CORPUS, vocab_size=261)
    assert train_bpe(CORPUS, vocab_size=262).vocab_size == 262


def test_wrong_names_are_refused_before_the_texts_are_read() -> None:
    def never() -> list[str]:
        raise AssertionError("read")
        yield

    for specials in (("<a>",), ("<|endoftext|>", "<|endoftext|>"), ("<|endoftext|>", "a b")):
        with pytest.raises(ValueError, match="special"):
            train_bpe(never(), vocab_size=512, specials=specials)


def test_lone_surrogate() -> None:
    with pytest.raises(ValueError, match="text 1 has a lone surrogate at character 1"):
        train_bpe(["fine", "a\udc00"], vocab_size=300)


def test_without_the_extra_says_how_to_get_it() -> None:
    script = (
        "import sys; sys.modules['tokenizers'] = None\n"
        "from xgen_core import MissingExtraError; from xgen_tokenizer import train_bpe\n"
        "try:\n    train_bpe(['a'], vocab_size=300)\n"
        "except MissingExtraError as error:\n    print(error)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "pip install 'xgen-tokenizer[hf]'" in result.stdout
