"""A tokenizer as a directory that Hugging Face libraries load, without code of ours.

    tokenizer.json            the vocabulary: what `tokenizers.Tokenizer.from_file` reads
    tokenizer_config.json     names of special tokens and the chat template, for `transformers`
    special_tokens_map.json   the same names, for older readers

Ids are equal for every text that holds no name of a special token. Hugging Face finds such names
in any text and makes control tokens of them, so there a text with a name gets the ids of our
`specials=True`; text by users must be cleaned of them first.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xgen_core import ChatTemplate, FormatError, InputError
from xgen_core.files import atomic_directory
from xgen_core.records import Record
from xgen_tokenizer.bpe import TiktokenTokenizer
from xgen_tokenizer.jinja import jinja_template
from xgen_tokenizer.open import open_directory
from xgen_tokenizer.selfcheck import first_difference, selfcheck_texts
from xgen_tokenizer.templates import require_specials
from xgen_tokenizer.tokenizer_json import tokenizer_json
from xgen_tokenizer.vocabulary import Vocabulary

__all__ = ["ExportResult", "export", "export_directory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportResult(Record):
    """What was written.

    Attributes:
        directory: where.
        vocab_size: number of ids, with a new padding token if one was asked for.
        pad_token: its name, or None.
        template: name of the chat template, or None.
        verified_texts: how many texts `tokenizers` encoded to equal ids; None where that library is
            not installed.
    """

    directory: str
    vocab_size: int
    pad_token: str | None
    template: str | None
    verified_texts: int | None


def export(
    tokenizer: TiktokenTokenizer,
    directory: Path | str,
    *,
    template: ChatTemplate | None = None,
    pad_token: str | None = None,
    add_bos: bool = False,
    model_max_length: int | None = None,
) -> ExportResult:
    """Write a Hugging Face tokenizer directory, and check it where `tokenizers` is installed.

    Args:
        tokenizer: what to write.
        directory: where; must not exist or be empty.
        template: chat template; by default the tokenizer's own.
        pad_token: a special token for padding. One that is not in the vocabulary gets the next id,
            so the model needs a row for it (XGen-7B has 887 to spare). None leaves padding unset.
        add_bos: begin every text with BOS unless the reader is told not to.
        model_max_length: in tokens, for `transformers` to warn about.

    Raises:
        InputError: the directory holds something, a name is refused (padding with the end of text
            would teach a model never to stop), or the template needs special tokens that are not
            in the vocabulary.
        FormatError: what was written gives other ids than the tokenizer; nothing is left behind.
    """
    chosen = template or tokenizer.template
    vocabulary = _with_padding(tokenizer.vocabulary, pad_token)
    if chosen is not None:
        require_specials(chosen, vocabulary.specials)
    content = tokenizer_json(vocabulary, add_bos=add_bos)
    config = _config(vocabulary, chosen, pad_token, model_max_length)
    names = {key: value for key, value in config.items() if key in _NAMES}
    with atomic_directory(directory) as new:
        for name, value in (
            ("tokenizer.json", content),
            ("tokenizer_config.json", config),
            ("special_tokens_map.json", names),
        ):
            text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
            (new / name).write_text(text, encoding="utf-8")
        verified = _verify(tokenizer, new / "tokenizer.json")
    return ExportResult(
        directory=str(directory),
        vocab_size=vocabulary.size,
        pad_token=pad_token,
        template=chosen.name if chosen else None,
        verified_texts=verified,
    )


def export_directory(source: Path, target: Path, model_max_length: int) -> None:
    """Write the tokenizer in a directory as Hugging Face libraries load it.

    Beside a model it must give what the model reads: where documents begin with BOS, so do texts.
    What `xgen model export` calls, by the entry point `tokenizer` of `xgen.exporters`.

    Args:
        source: a tokenizer directory.
        target: where; must not exist or be empty.
        model_max_length: in tokens, for `transformers` to warn about.

    Raises:
        InputError: there is no tokenizer in `source`, or `target` holds something.
        FormatError: a file in `source` is damaged.
        MissingExtraError: it needs the `tokenizers` library, which is not installed.
    """
    tokenizer = open_directory(source)
    if isinstance(tokenizer, TiktokenTokenizer):
        begins = tokenizer.bos_id is not None
        export(tokenizer, target, add_bos=begins, model_max_length=model_max_length)
    else:
        tokenizer.save(target)


_NAMES = ("bos_token", "eos_token", "pad_token", "additional_special_tokens")


def _with_padding(vocabulary: Vocabulary, pad_token: str | None) -> Vocabulary:
    if pad_token is None or pad_token in vocabulary.specials:
        if pad_token in (vocabulary.eos, vocabulary.bos) and pad_token is not None:
            raise InputError(
                f"{pad_token} ends or begins documents and cannot be padding too: losses leave "
                "padding out, and the model would never learn to stop; name another token"
            )
        return vocabulary
    try:
        return vocabulary.extended((pad_token,))
    except ValueError as error:
        raise InputError(str(error)) from error


def _config(
    vocabulary: Vocabulary,
    template: ChatTemplate | None,
    pad_token: str | None,
    model_max_length: int | None,
) -> dict[str, Any]:
    special = dict.fromkeys(("lstrip", "rstrip", "single_word", "normalized"), False)
    ordered = sorted(vocabulary.specials.items(), key=lambda item: item[1])
    roles = {vocabulary.eos, vocabulary.bos, pad_token}
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": vocabulary.bos,
        "eos_token": vocabulary.eos,
        "pad_token": pad_token,
        "unk_token": None,
        "additional_special_tokens": [name for name, _ in ordered if name not in roles],
        "added_tokens_decoder": {
            str(token_id): {"content": name, **special, "special": True}
            for name, token_id in ordered
        },
        "clean_up_tokenization_spaces": False,
        "padding_side": "right",
    }
    if model_max_length is not None:
        config["model_max_length"] = model_max_length
    if template is not None:
        config["chat_template"] = jinja_template(template)
    return {key: value for key, value in config.items() if value is not None}


def _verify(tokenizer: TiktokenTokenizer, file: Path) -> int | None:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        return None
    written = Tokenizer.from_file(str(file))
    names = list(tokenizer.special_ids)
    texts = [*selfcheck_texts(), *(f"a{name} b{name}" for name in names)]
    difference = first_difference(
        texts,
        lambda text: tokenizer.encode(text, specials=True),
        lambda batch: [
            encoded.ids for encoded in written.encode_batch(list(batch), add_special_tokens=False)
        ],
    )
    if difference is not None:
        raise FormatError(f"the tokenizer.json of {tokenizer.name!r} is wrong: {difference}")
    return len(texts)
