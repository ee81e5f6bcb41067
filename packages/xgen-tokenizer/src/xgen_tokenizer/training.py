"""Train a byte-level BPE vocabulary: Hugging Face `tokenizers` learns it, tiktoken runs it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from xgen_core import InputError, MissingExtraError
from xgen_tokenizer.alphabet import BYTE_OF_CHARACTER, BYTE_ORDER, token_of
from xgen_tokenizer.bpe import TiktokenTokenizer
from xgen_tokenizer.vocabulary import END_OF_TEXT, Vocabulary
from xgen_tokenizer.xgen import XGEN_CONTROL_TOKENS

__all__ = ["TRAINED_SPECIALS", "train_bpe"]

TRAINED_SPECIALS = (END_OF_TEXT, *XGEN_CONTROL_TOKENS[:4])
"""End of text and the four fill-in-the-middle tokens, under XGen's names."""


def train_bpe(
    texts: Iterable[str],
    *,
    vocab_size: int,
    name: str = "trained",
    specials: Sequence[str] = TRAINED_SPECIALS,
    eos: str = END_OF_TEXT,
    bos: str | None = END_OF_TEXT,
    min_frequency: int = 2,
) -> TiktokenTokenizer:
    """Learn a vocabulary from texts; the same texts in the same order give the same vocabulary.

    Text is cut by GPT-2's pattern (`GPT2_PATTERN`) and merged within the pieces. The 256 bytes get
    ids 0 … 255 in GPT-2's order, the merges follow, the special tokens come last. Names of special
    tokens in the texts count as plain text.

    Args:
        texts: read once; memory grows with the number of different words, not with the text.
        vocab_size: number of ids, everything counted: 256 bytes, merges and special tokens.
        name: what people will call the tokenizer.
        specials: names of the special tokens, in the order of their ids.
        eos: the one that ends a document.
        bos: the one that begins every document, or None for none. By default the end-of-text token
            does both, so that a model learns to predict the first token of a document; XGen's own
            vocabulary has no BOS.
        min_frequency: how often a pair must occur to be merged.

    Raises:
        InputError: no text, or too little for that many merges.
        ValueError: `vocab_size` leaves no room for merges, a special token is named twice or not
            well, `eos` or `bos` is not among them, or a text has a lone surrogate.
        MissingExtraError: `tokenizers` is not installed.
    """
    wanted = vocab_size - len(BYTE_ORDER) - len(specials)
    if wanted < 1:
        raise ValueError(
            f"vocab_size {vocab_size} leaves no room for merges: 256 bytes and {len(specials)} "
            f"special tokens need at least {len(BYTE_ORDER) + len(specials) + 1}"
        )
    if len(set(specials)) != len(specials):
        raise ValueError(f"special tokens are named twice: {', '.join(specials)}")

    def assemble(merged: Sequence[bytes]) -> Vocabulary:
        tokens = [*(bytes([byte]) for byte in BYTE_ORDER), *merged]
        return Vocabulary(
            ranks={token: rank for rank, token in enumerate(tokens)},
            specials={special: rank for rank, special in enumerate(specials, len(tokens))},
            eos=eos,
            bos=bos,
        )

    assemble([])  # refuses wrong names before the long work
    merged = _learn_merges(texts, wanted, min_frequency)
    if len(merged) < wanted:
        raise InputError(
            f"the corpus yields {len(merged)} merges of pairs that occur at least {min_frequency} "
            f"times, but {vocab_size} ids need {wanted}: give it more text, or ask for at most "
            f"{vocab_size - wanted + len(merged)} ids"
        )
    return TiktokenTokenizer(name, assemble(merged))


def _learn_merges(texts: Iterable[str], count: int, min_frequency: int) -> list[bytes]:
    """What up to `count` merges make, in order."""
    try:
        from tokenizers import Tokenizer
        from tokenizers.models import BPE
        from tokenizers.pre_tokenizers import ByteLevel
        from tokenizers.trainers import BpeTrainer
    except ImportError:
        raise MissingExtraError("training a vocabulary", "xgen-tokenizer[hf]") from None

    model = Tokenizer(BPE())
    # its own regular expression is GPT-2's, in the form that GPT-2 was published with
    model.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=True)
    trainer = BpeTrainer(
        vocab_size=len(BYTE_ORDER) + count,
        min_frequency=min_frequency,
        show_progress=False,
        special_tokens=[],
        initial_alphabet=list(BYTE_OF_CHARACTER),
    )
    seen = False

    def checked() -> Iterator[str]:
        nonlocal seen
        for number, text in enumerate(texts):
            try:
                text.encode("utf-8")
            except UnicodeEncodeError as error:
                raise ValueError(
                    f"text {number} has a lone surrogate at character {error.start}: remove it"
                ) from None
            seen = seen or bool(text)
            yield text

    model.train_from_iterator(checked(), trainer)
    if not seen:
        raise InputError("no text to learn a vocabulary from: the corpus is empty")
    merges = json.loads(model.to_str())["model"]["merges"]
    return [token_of(left + right) for left, right in merges]
