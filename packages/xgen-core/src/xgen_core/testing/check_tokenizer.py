"""What every `Tokenizer` must do, as one function of plain asserts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from xgen_core.protocols import Tokenizer

__all__ = ["TEXTS", "check_tokenizer"]

TEXTS: tuple[str, ...] = (
    "",
    "a",
    " ",
    "Hello, world.",
    " leading and trailing ",
    "I'm, you've, we'll; it's 'quoted' \"twice\".",
    "def f(x):\n    if x > 0:\n        return {'a': [1, 2.5e-3]}\n\treturn None\n\n\n",
    "for (int i = 0; i < n; ++i) {\r\n\tsum += a[i] * 0x1F;\r\n}\r\n",
    "1 22 333 4444 55555 1,234,567.89 3.14159e-10",
    "Grüße aus Zürich, ça va? Příliš žluťoučký kůň",
    "Съешь ещё этих мягких французских булок",
    "你好，世界。北京大学的学生",
    "こんにちは、世界。カタカナ ひらがな 漢字",
    "안녕하세요 세계",
    "مرحبا بالعالم، هذا نص ١٢٣",
    "שלום עולם",
    "नमस्ते दुनिया क्षत्रिय",
    "สวัสดีชาวโลก",
    "e\u0301 n\u0303 Å \u1e9b\u0323 ﬁ",
    "😀👍🏽 👩‍👩‍👧‍👦 🇨🇭 ❤️",
    "∑ᵢ xᵢ² ≤ √n · π ≈ 3.14 ⇒ ∀ε>0",
    "\t\n\r\x0b\x0c \x85\xa0\u1680\u2000\u2003\u2028\u2029\u202f\u205f\u3000",
    "\x00\x01\x1b[31m\x7f\ufeff\u200b\u200d\ufffd\U0010ffff",
    " " * 100,
    "\n" * 33 + "\t" * 17,
    "a" * 500,
    "ab " * 400,
    "=" * 80 + "\n" + "-" * 81,
    "🙂" * 60,
    "SELECT * FROM t WHERE name LIKE '%\\'; DROP TABLE t; --'",
    "https://example.org/a?b=c&d=%20#e user@example.org C:\\path\\file.txt",
)
"""Texts that have broken tokenizers: code, scripts, emoji, every kind of space, long runs."""


def check_tokenizer(
    tokenizer: Tokenizer, reopen: Callable[[Path], Tokenizer], directory: Path
) -> None:
    """Assert that a tokenizer keeps the contract of `xgen_core.protocols.Tokenizer`.

    Args:
        tokenizer: the one to examine; byte-level, so that every text round-trips exactly.
        reopen: opens what `save` wrote (`ByteTokenizer.open`, or `open_tokenizer` of a path).
        directory: an empty directory to save into.

    Raises:
        AssertionError: naming the promise that does not hold and the text that shows it.
    """
    assert isinstance(tokenizer, Tokenizer), f"{tokenizer!r} lacks part of the Tokenizer protocol"
    _check_ids(tokenizer)
    for text in TEXTS:
        _check_round_trip(tokenizer, text)
    for name in tokenizer.special_ids:
        _check_special(tokenizer, name)
    _check_batch(tokenizer)
    _check_outside(tokenizer)
    saved = Path(directory) / "saved"
    tokenizer.save(saved)
    again = reopen(saved)
    assert again.fingerprint == tokenizer.fingerprint, "the fingerprint changed on disk"
    assert again.vocab_size == tokenizer.vocab_size, "vocab_size changed on disk"
    assert dict(again.special_ids) == dict(tokenizer.special_ids), "special_ids changed on disk"
    assert (again.bos_id, again.eos_id) == (tokenizer.bos_id, tokenizer.eos_id), "BOS or EOS moved"
    for text in TEXTS:
        assert again.encode(text) == tokenizer.encode(text), f"other ids on disk for {text!r:.80}"


def _check_ids(tokenizer: Tokenizer) -> None:
    assert tokenizer.name, "a tokenizer has a name"
    size = tokenizer.vocab_size
    assert size >= 1, f"vocab_size is {size}"
    assert 0 <= tokenizer.eos_id < size, f"eos_id {tokenizer.eos_id} is outside the vocabulary"
    bos = tokenizer.bos_id
    assert bos is None or 0 <= bos < size, f"bos_id {bos} is outside the vocabulary"
    for name, special in tokenizer.special_ids.items():
        assert 0 <= special < size, f"special token {name!r} has id {special} of {size}"
    assert len(tokenizer.fingerprint) == 64, "the fingerprint is a hex sha256"
    assert int(tokenizer.fingerprint, 16) >= 0
    assert tokenizer.fingerprint == tokenizer.fingerprint, "the fingerprint changes by itself"


def _check_round_trip(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert type(ids) is list, f"encode returned a {type(ids).__name__}"
    assert all(type(i) is int for i in ids), f"ids of {text!r:.80} are not plain ints"
    assert all(0 <= i < tokenizer.vocab_size for i in ids), f"an id of {text!r:.80} is outside"
    assert tokenizer.encode(text) == ids, f"two encodings of {text!r:.80} differ"
    assert tokenizer.decode(ids) == text, f"{text!r:.80} came back as {tokenizer.decode(ids)!r:.80}"
    joined = b"".join(map(tokenizer.token_bytes, ids))
    assert joined == text.encode("utf-8"), f"token_bytes of {text!r:.80} do not join to it"
    special = set(tokenizer.special_ids.values()) | {tokenizer.eos_id}
    assert not special & set(ids), f"encode added a special token to {text!r:.80}"


def _check_special(tokenizer: Tokenizer, name: str) -> None:
    special = tokenizer.special_ids[name]
    text = f"before{name}after"
    ids = tokenizer.encode(text)
    assert special not in ids, f"a text with the name {name!r} forged the control token"
    assert tokenizer.decode(ids) == text, f"the name {name!r} as plain text does not round-trip"
    ids = tokenizer.encode(text, specials=True)
    assert ids.count(special) == 1, f"specials=True did not read {name!r}"
    assert tokenizer.decode(ids) == text, f"{name!r} read as a token does not decode to its name"
    assert tokenizer.token_bytes(special) == name.encode("utf-8"), (
        f"token_bytes of {name!r} is not its name"
    )


def _check_batch(tokenizer: Tokenizer) -> None:
    names = [f"x{name}y" for name in tokenizer.special_ids]
    for texts in ([], [""], [*TEXTS, *names]):
        for specials in (False, True):
            batch = tokenizer.encode_batch(texts, specials=specials)
            ids, offsets = batch.ids, batch.offsets
            assert (ids.format, ids.itemsize) == ("I", 4), f"ids are {ids.format!r}, not uint32"
            assert (offsets.format, offsets.itemsize) == ("Q", 8), (
                f"offsets are {offsets.format!r}, not uint64"
            )
            bounds = offsets.tolist()
            assert len(bounds) == len(texts) + 1, "offsets are one more than texts"
            assert bounds[0] == 0, f"offsets begin at {bounds[0]}"
            assert bounds[-1] == len(ids), "the last offset is not the number of ids"
            for text, begin, end in zip(texts, bounds, bounds[1:], strict=False):
                assert ids[begin:end].tolist() == tokenizer.encode(text, specials=specials), (
                    f"encode_batch and encode differ on {text!r:.80}"
                )


def _check_outside(tokenizer: Tokenizer) -> None:
    for outside in (-1, tokenizer.vocab_size, 2**40):
        for method in ("decode", "token_bytes"):
            try:
                if method == "decode":
                    tokenizer.decode([outside])
                else:
                    tokenizer.token_bytes(outside)
            except ValueError:
                continue
            raise AssertionError(f"{method} took {outside}, which is outside the vocabulary")
