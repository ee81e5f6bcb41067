"""Other people's `tokenizer.json`: ours where nothing is lost, else run by their library.

A file that says no more than a `Vocabulary` can (GPT-2's own, or what `xgen tokenizer export`
wrote) becomes one, with the same fingerprint as the original and without the `tokenizers` library.
Any other byte-level BPE (another pattern, added words, a normalizer) runs in `tokenizers`.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from xgen_core import FormatError, InputError, MissingExtraError, TokenBatch
from xgen_core.files import atomic_directory, read_json
from xgen_tokenizer.alphabet import token_of
from xgen_tokenizer.bpe import TiktokenTokenizer
from xgen_tokenizer.tokenizer_json import vocabulary_of
from xgen_tokenizer.vocabulary import END_OF_TEXT

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Library

    from xgen_core import Tokenizer

__all__ = ["HuggingFaceTokenizer", "open_tokenizer_json"]

_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")

_USUAL_ENDS = (END_OF_TEXT, "<|end_of_text|>", "</s>", "<|eos|>", "<eos>")


def open_tokenizer_json(directory: Path) -> Tokenizer:
    """Open a directory with a `tokenizer.json` of byte-level BPE.

    Raises:
        InputError: it is of another kind (SentencePiece, WordPiece), or nothing says which token
            ends a document.
        FormatError: a file is not JSON, or not what its name says.
        MissingExtraError: it needs the `tokenizers` library, which is not installed.
    """
    contents = {name: _json(directory / name) for name in _FILES}
    root = contents["tokenizer.json"]
    if not _byte_level(root):
        raise InputError(
            f"{directory / _FILES[0]}: not byte-level BPE, the one kind of tokenizer.json read here"
        )
    names = {**contents[_FILES[2]], **contents[_FILES[1]]}
    specials = {t["content"]: t["id"] for t in root.get("added_tokens") or [] if t.get("special")}
    eos = _name(names.get("eos_token"))
    if eos is None:
        eos = next((name for name in _USUAL_ENDS if name in specials), None)
    if eos not in specials:
        raise InputError(
            f"{directory}: nothing says which special token ends a document: name it as eos_token "
            f"in {_FILES[1]}"
        )
    bos = _name(names.get("bos_token"))
    bos = bos if bos in specials else None
    name = directory.resolve().name
    vocabulary = vocabulary_of(root, eos=eos, bos=bos)
    if vocabulary is not None:
        return TiktokenTokenizer(name, vocabulary)
    files = {n: (directory / n).read_bytes() for n in _FILES if (directory / n).is_file()}
    return HuggingFaceTokenizer(name, files, eos=cast(str, eos), bos=bos)


class HuggingFaceTokenizer:
    """Byte-level BPE run by the `tokenizers` library; implements `xgen_core.Tokenizer`.

    Text that the file's normalizer changes (to Unicode form NFC, say) decodes to the changed text.

    Args:
        name: what people call it.
        files: content of `tokenizer.json` and of what lies beside it, by name.
        eos: the special token that ends a document.
        bos: the one that begins every document where the file's post-processor adds it.

    Raises:
        MissingExtraError: `tokenizers` is not installed.
        FormatError: the library cannot read the file.
    """

    def __init__(self, name: str, files: Mapping[str, bytes], *, eos: str, bos: str | None) -> None:
        self._name = name
        self._files = dict(files)
        self._eos, self._bos = eos, bos
        text = files["tokenizer.json"].decode("utf-8")
        self._with_specials = _load(name, text)
        self._plain = _load(name, text)
        self._plain.encode_special_tokens = True  # "encode" their names, as plain text
        added = self._plain.get_added_tokens_decoder()
        self._added = {token_id: token.content for token_id, token in added.items()}
        self._specials = {t.content: i for i, t in added.items() if t.special}
        self._size = 1 + max(self._plain.get_vocab(with_added_tokens=True).values())

    def __repr__(self) -> str:
        return f"<HuggingFaceTokenizer {self._name!r}, {self.vocab_size} ids>"

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (self._name, self._files, self._eos, self._bos)

    @property
    def name(self) -> str:
        """What people call it."""
        return self._name

    @property
    def vocab_size(self) -> int:
        """One more than the highest id."""
        return self._size

    @property
    def special_ids(self) -> Mapping[str, int]:
        """Special tokens by name."""
        return MappingProxyType(self._specials)

    @property
    def eos_id(self) -> int:
        """The id that ends a document."""
        return self._specials[self._eos]

    @property
    def bos_id(self) -> int | None:
        """BOS, if the file has its reader begin every text with it; else None."""
        if self._bos is None:
            return None
        begun = self._with_specials.encode("").ids[:1]
        return self._specials[self._bos] if begun == [self._specials[self._bos]] else None

    @property
    def fingerprint(self) -> str:
        """Hex sha256 over everything in `tokenizer.json` that decides ids, and EOS and BOS."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        root = json.loads(self._files["tokenizer.json"])
        keys = ("added_tokens", "normalizer", "pre_tokenizer", "model")
        content = {key: root.get(key) for key in keys} | {"eos": self.eos_id, "bos": self.bos_id}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    def encode(self, text: str, *, specials: bool = False) -> list[int]:
        """Ids of a text, no BOS or EOS added.

        Raises:
            ValueError: the text has a lone surrogate.
        """
        return self._ids([text], specials)[0]

    def encode_batch(self, texts: Sequence[str], *, specials: bool = False) -> TokenBatch:
        """Ids of many texts, end to end; equal to `encode` of each.

        Raises:
            ValueError: a text has a lone surrogate.
        """
        if isinstance(texts, str):
            raise TypeError("encode_batch takes a sequence of texts, got one text")
        ids = array("I")
        offsets = array("Q", [0])
        for part in self._ids(texts, specials):
            ids.extend(part)
            offsets.append(len(ids))
        return TokenBatch(ids=memoryview(ids), offsets=memoryview(offsets))

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; bytes that are not UTF-8 become U+FFFD.

        Raises:
            ValueError: an id outside the vocabulary.
        """
        return b"".join(map(self.token_bytes, ids)).decode("utf-8", "replace")

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes that one id stands for; an added token stands for its own name.

        Raises:
            ValueError: an id outside the vocabulary.
        """
        if token_id in self._added:
            return self._added[token_id].encode()
        token = self._plain.id_to_token(token_id) if 0 <= token_id < self.vocab_size else None
        if token is None:
            raise ValueError(
                f"id {token_id} is outside the vocabulary {self._name!r}, "
                f"0 to {self.vocab_size - 1}"
            )
        return token_of(token)

    def save(self, directory: Path) -> None:
        """Write the files it was opened from; a directory that holds them already is left alone.

        Raises:
            InputError: the directory exists and holds something else.
        """
        target = Path(directory)
        held = [target / name for name in self._files]
        if all(f.is_file() and f.read_bytes() == self._files[f.name] for f in held):
            return
        with atomic_directory(target) as new:
            for name, content in self._files.items():
                (new / name).write_bytes(content)

    def _ids(self, texts: Sequence[str], specials: bool) -> list[list[int]]:
        library = self._with_specials if specials else self._plain
        for text in texts:
            try:
                text.encode("utf-8")
            except UnicodeEncodeError as error:
                raise ValueError(
                    f"text has a lone surrogate, U+{ord(text[error.start]):04X}, at character "
                    f"{error.start}; it has no UTF-8 form: remove it first"
                ) from None
        encoded = library.encode_batch_fast(list(texts), add_special_tokens=False)
        return [each.ids for each in encoded]


def _again(
    name: str, files: Mapping[str, bytes], eos: str, bos: str | None
) -> HuggingFaceTokenizer:
    return HuggingFaceTokenizer(name, files, eos=eos, bos=bos)


def _load(name: str, text: str) -> Library:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise MissingExtraError(f"tokenizer {name!r}", "xgen-tokenizer[hf]") from None
    try:
        return Tokenizer.from_str(text)
    except Exception as error:
        raise FormatError(f"{name}: tokenizers cannot read tokenizer.json: {error}") from error


def _json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        content = read_json(file)
    except InputError as error:
        raise FormatError(str(error)) from error
    if not isinstance(content, dict):
        raise FormatError(f"{file}: expected an object")
    return cast("dict[str, Any]", content)


def _name(value: object) -> str | None:
    """A token's name, which may stand inside an object with its flags."""
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value).get("content")
    return value if isinstance(value, str) else None


def _byte_level(root: Mapping[str, Any]) -> bool:
    model = root.get("model") or {}
    steps = [root.get("pre_tokenizer") or {}]
    steps += steps[0].get("pretokenizers") or []
    return model.get("type", "BPE") == "BPE" and any(s.get("type") == "ByteLevel" for s in steps)
