"""A fixed set of texts on which two tokenizers that differ at all are likely to differ.

Run whenever a backend is chosen and after an export: some milliseconds. The thorough comparison, on
tens of thousands of random strings and real documents, is `tools/bench/tokenizer.py --check`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache

__all__ = ["first_difference", "selfcheck_texts"]

_SPACES = (
    "\t\n\x0b\x0c\r \x1c\x1d\x1e\x1f\x85\xa0\u1680\u180e\u2000\u200a\u200b\u2028\u2029\u202f\u3000"
)

_MIXED = (
    "",
    "a",
    "'s 't 're've'm'll'd 'S 'LL ''s don't DON'T they'ſ it'S",
    "def f(x):\n    if x > 0:\n        return {'a': [1, 2.5e-3]}\n\treturn None\n\n\n",
    "for (int i = 0; i < n; ++i) {\r\n\tsum += a[i] * 0x1F;\r\n}\r\n",
    "  \n\n    x = 1\n\t\t \t y\n \n  \n   z   ",
    "123 1,234.5e-6 ½ ² Ⅷ १२३ ٣ a1b2 1a २a",
    "é e\u0301 ﬁ ſ İ ŉ ǅ ʰ ª º ß ẞ Å ẛ̣",
    "Съешь ещё этих 你好，世界。カタカナ 안녕하세요 مرحبا שלום नमस्ते สวัสดี Γειά",
    "😀👍🏽 👩‍👩‍👧‍👦 🇨🇭 ❤️ 𝒳𝓎 𠀀𪛖 ∑ᵢ xᵢ² ≤ √n ⇒ ∀ε>0",
    "\x00\x01\x1b[31m\x7f\x80\x9f\xad\ufeff\u200d\ufffd\ufdd0\U0010ffff\ue000",
    "\u088f \u0c5c \ua7ce \U00010940 \U00011db0 \U0001e6c0 \U0002b73a \U000323b0's",
    "a" * 300 + " " + "ab" * 200 + "=" * 90 + "-" * 81 + "🙂" * 40,
    "https://example.org/a?b=c&d=%20#e <|endoftext|><fim_prefix><|im_start|>user C:\\path\\x",
)


@cache
def _fixed() -> tuple[str, ...]:
    runs = [
        text
        for space, lengths in ((" ", (1, 2, 3, 30, 31, 32, 33, 62, 63, 70)), ("\t", (1, 2, 9, 11)))
        for run in (space * length for length in lengths)
        for text in (run, f"{run}x", f"x{run}", f"x{run}\ny", f"{run}'s", f"{run}\u3000{run}1")
    ]
    spaces = [
        text
        for space in _SPACES
        for text in (
            space,
            f"a{space}b",
            f" {space}b",
            f"a{space} ",
            f"1{space * 3}!",
            f"{space}'s",
        )
    ]
    return (*_MIXED, *runs, *spaces)


def selfcheck_texts(specials: Iterable[str] = ()) -> list[str]:
    """The texts; the names of `specials` come in as plain text."""
    names = [text for name in specials for text in (name, f"a{name}b", f" {name}\n")]
    return [*_fixed(), *names]


def first_difference(
    texts: Sequence[str],
    expected: Callable[[str], Sequence[int]],
    found: Callable[[Sequence[str]], Sequence[Sequence[int]]],
) -> str | None:
    """Where `found` gives a text other ids than `expected`, in words; None if nowhere."""
    for text, ids in zip(texts, found(texts), strict=True):
        wanted = list(expected(text))
        if wanted != list(ids):
            return f"{text[:40]!r} gives {list(ids)[:12]} instead of {wanted[:12]}"
    return None
