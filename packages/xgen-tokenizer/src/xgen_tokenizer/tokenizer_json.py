"""A vocabulary as the content of a Hugging Face `tokenizer.json`, and back where nothing is lost.

The format is what the `tokenizers` library reads; gigatoken reads it too. Writing needs neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from xgen_core import InputError
from xgen_tokenizer.alphabet import BYTE_OF_CHARACTER, token_of
from xgen_tokenizer.merges import find_merges
from xgen_tokenizer.vocabulary import GPT2_PATTERN, Vocabulary

__all__ = ["tokenizer_json", "vocabulary_of"]

_CHARACTER_OF_BYTE = {byte: character for character, byte in BYTE_OF_CHARACTER.items()}

_PUBLISHED_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""GPT-2's pattern as its authors wrote it; cuts as `GPT2_PATTERN` does."""


def tokenizer_json(
    vocabulary: Vocabulary, *, specials: bool = True, add_bos: bool = False
) -> dict[str, Any]:
    """The content of a `tokenizer.json` that gives every text the ids that `vocabulary` gives it.

    Special tokens are *added tokens* there, which Hugging Face always finds in a text, as our
    `specials=True` does.

    Args:
        vocabulary: what to write.
        specials: write the special tokens; without them their names are plain text in any case.
        add_bos: have the library begin every text with BOS unless told not to.

    Raises:
        InputError: a special token has the name of an ordinary token, or BOS is asked of a
            vocabulary that has none.
    """
    merges = find_merges(vocabulary.ranks)
    ids = {_written(token): rank for token, rank in vocabulary.ranks.items()}
    added = sorted(vocabulary.specials.items(), key=lambda item: item[1]) if specials else []
    for name, token_id in added:
        if name in ids:
            raise InputError(
                f"special token {name!r} has the name of the ordinary token {ids[name]}, which a "
                "tokenizer.json cannot tell apart: name it otherwise, <|name|> say"
            )
        ids[name] = token_id
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added_token(name, token_id) for name, token_id in added],
        "normalizer": None,
        "pre_tokenizer": _pre_tokenizer(vocabulary.pattern),
        "post_processor": _begin_with(vocabulary) if add_bos else None,
        "decoder": {
            "type": "ByteLevel",
            "add_prefix_space": False,
            "trim_offsets": True,
            "use_regex": True,
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": bool(merges.unreached),
            "vocab": dict(sorted(ids.items(), key=lambda item: item[1])),
            "merges": [[_written(left), _written(right)] for left, right in merges.pairs],
        },
    }


def _written(token: bytes) -> str:
    return "".join(_CHARACTER_OF_BYTE[byte] for byte in token)


def _added_token(name: str, token_id: int) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": token_id, "content": name, **flags, "special": True}


def _byte_level(use_regex: bool) -> dict[str, Any]:
    return {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": use_regex,
    }


def _split(pattern: str) -> dict[str, Any]:
    return {
        "type": "Split",
        "pattern": {"Regex": pattern},
        "behavior": "Isolated",
        "invert": False,
    }


def _pre_tokenizer(pattern: str) -> dict[str, Any]:
    if pattern == GPT2_PATTERN:  # the library's own, compiled once; every reader knows it
        return _byte_level(True)
    return {"type": "Sequence", "pretokenizers": [_split(pattern), _byte_level(False)]}


def _begin_with(vocabulary: Vocabulary) -> dict[str, Any]:
    bos = vocabulary.bos
    if bos is None:
        raise InputError("this vocabulary has no BOS, so none can be added to every text")
    begin = {"SpecialToken": {"id": bos, "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [begin, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [
            begin,
            {"Sequence": {"id": "A", "type_id": 0}},
            {"Sequence": {"id": "B", "type_id": 1}},
        ],
        "special_tokens": {bos: {"id": bos, "ids": [vocabulary.specials[bos]], "tokens": [bos]}},
    }


def vocabulary_of(content: object, *, eos: str | None, bos: str | None) -> Vocabulary | None:
    """The vocabulary that a `tokenizer.json` holds, or None where it holds more than one can say.

    What can be said: byte-level BPE cut by GPT-2's pattern, merges that follow from the ids,
    special tokens, and nothing that changes the text. GPT-2's own file is of this kind, and
    everything that `tokenizer_json` writes for `GPT2_PATTERN`.
    """
    root = _object(content)
    model = _object(root.get("model"))
    plain = (
        eos is not None
        and model.get("type", "BPE") == "BPE"
        and root.get("normalizer") is None
        and not any(model.get(key) for key in _FOREIGN)
        and _cuts_as_gpt2(root.get("pre_tokenizer"))
    )
    if not plain:
        return None
    specials: dict[str, int] = {}
    for token in map(_object, root.get("added_tokens") or []):
        if not token.get("special") or any(map(token.get, ("lstrip", "rstrip", "single_word"))):
            return None
        specials[token["content"]] = token["id"]
    ids = cast("Mapping[str, int]", _object(model.get("vocab")))
    try:
        ranks = {token_of(name): i for name, i in ids.items() if name not in specials}
        vocabulary = Vocabulary(ranks=ranks, specials=specials, eos=cast(str, eos), bos=bos)
        written = [tuple(map(token_of, _pair(merge))) for merge in model.get("merges") or []]
    except (KeyError, ValueError):  # another alphabet, gaps between ids, names with spaces
        return None
    found = find_merges(ranks)
    same = written == list(found.pairs)
    return (
        vocabulary if same and bool(model.get("ignore_merges")) >= bool(found.unreached) else None
    )


_FOREIGN = (
    *("dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"),
    *("fuse_unk", "byte_fallback"),
)


def _object(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _pair(merge: str | list[str]) -> tuple[str, str]:
    """Merges were written as `"left right"` before they became pairs."""
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    return left, right


def _cuts_as_gpt2(value: object) -> bool:
    steps = _object(value)
    if steps.get("type") != "Sequence":
        return bool(
            steps.get("type") == "ByteLevel"
            and not steps.get("add_prefix_space")
            and steps.get("use_regex", True)
        )
    first, *rest = (_object(step) for step in steps.get("pretokenizers", [{}]))
    pattern = _object(first.get("pattern")).get("Regex")
    return (
        first.get("type") == "Split"
        and pattern in (GPT2_PATTERN, _PUBLISHED_PATTERN)
        and first.get("behavior") == "Isolated"
        and not first.get("invert")
        and [(s.get("type"), s.get("add_prefix_space"), s.get("use_regex")) for s in rest]
        == [("ByteLevel", False, False)]
    )
