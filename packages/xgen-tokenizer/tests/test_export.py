"""What Hugging Face libraries make of our tokenizers, and we of theirs: the same ids."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
import tokenizers

from xgen_core import FormatError, InputError, Message, open_tokenizer
from xgen_core.testing import check_tokenizer
from xgen_tokenizer import (
    CHATML,
    CHATML_SPECIALS,
    TEMPLATES,
    XGEN,
    HuggingFaceTokenizer,
    TiktokenTokenizer,
    Vocabulary,
    export,
    jinja_template,
    open_directory,
    open_xgen,
    train_bpe,
)
from xgen_tokenizer.exporter import export_directory
from xgen_tokenizer.selfcheck import selfcheck_texts

PIECES = (
    *(
        " ",
        "  ",
        "\t",
        "\t\t\t",
        "\n",
        "\r\n",
        "\u3000",
        "\x1c",
        "\x85",
        "\xa0",
        "\u2003",
        " " * 33,
    ),
    *("'ll", "'s", "é", "e\u0301", "🙂", "漢字", "9", "½", "!", "a", "return", "don't", "<fim_pad"),
    *("русский", "\u200b", "\ufeff", "ſ", "_", "==="),
)


@cache
def trained() -> TiktokenTokenizer:
    corpus = [
        "def f(x):\n    return x * 2\n\n",
        "Größe, naïve, русский 日本語 🙂",
        "aaaa bb aabb  ",
    ]
    return train_bpe(corpus * 6, vocab_size=320, name="trained")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("export") / "xgen"
    result = export(open_xgen(), directory, template=XGEN, model_max_length=8192)
    assert result.verified_texts
    assert (result.pad_token, result.template, result.vocab_size) == (None, "xgen", 50313)
    return directory


def library(directory: Path) -> tokenizers.Tokenizer:
    return tokenizers.Tokenizer.from_file(str(directory / "tokenizer.json"))


def fuzzed(count: int, seed: int) -> list[str]:
    random = Random(seed)

    def piece() -> str:
        if random.random() < 0.7:
            return random.choice(PIECES) * random.choice((1, 1, 1, 2, 3, 9, 31))
        code = random.randrange(random.choice((0x250, 0x3000, 0x10000, 0x110000)))
        return chr(code) if not 0xD800 <= code < 0xE000 else "?"

    return ["".join(piece() for _ in range(random.randrange(0, 12))) for _ in range(count)]


def test_ids_are_equal_on_thousands_of_strings(exported: Path) -> None:
    texts = [*fuzzed(3000, seed=3), *selfcheck_texts()]
    found = library(exported).encode_batch_fast(texts)
    # the self-check's texts hold names of special tokens, which the library always reads
    assert [each.ids for each in found] == [open_xgen().encode(t, specials=True) for t in texts]


def test_special_tokens_are_those_of_specials_true(exported: Path) -> None:
    names = list(open_xgen().special_ids)
    texts = [f"a {first}{second} \nb" for first in names for second in names[:4]]
    found = library(exported).encode_batch(texts)
    assert [each.ids for each in found] == [open_xgen().encode(t, specials=True) for t in texts]
    assert library(exported).decode(found[0].ids, skip_special_tokens=False) == texts[0]


def test_a_trained_vocabulary(tmp_path: Path) -> None:
    export(trained(), tmp_path / "out")
    texts = fuzzed(1500, seed=4)
    found = library(tmp_path / "out").encode_batch_fast(texts)
    assert [each.ids for each in found] == [trained().encode(text) for text in texts]


def test_another_pattern_and_tokens_that_no_merge_makes(tmp_path: Path) -> None:
    ranks = {bytes([i]): i for i in range(256)} | {b"xyz": 256, b"ab": 257}
    pattern = r"[A-Za-z]+|\s+|[^A-Za-z\s]+"
    vocabulary = Vocabulary(ranks=ranks, specials={"<|endoftext|>": 258}, pattern=pattern)
    odd = TiktokenTokenizer("odd", vocabulary)
    export(odd, tmp_path / "out")
    texts = ["xyz", " xyz abxyz", "xyzab", "1xyz"]
    found = library(tmp_path / "out").encode_batch(texts)
    assert [each.ids for each in found] == [odd.encode(text) for text in texts]
    assert isinstance(open_directory(tmp_path / "out"), HuggingFaceTokenizer)


def test_configuration(exported: Path) -> None:
    config = json.loads((exported / "tokenizer_config.json").read_text())
    assert (config["eos_token"], config["model_max_length"]) == ("<|endoftext|>", 8192)
    assert not {"pad_token", "bos_token", "unk_token"} & set(config)
    assert config["padding_side"] == "right"
    assert "<fim_pad>" in config["additional_special_tokens"]
    names = json.loads((exported / "special_tokens_map.json").read_text())
    assert set(names) == {"eos_token", "additional_special_tokens"}


def test_padding(tmp_path: Path) -> None:
    export(open_xgen(), tmp_path / "known", pad_token="<fim_pad>")
    assert library(tmp_path / "known").token_to_id("<fim_pad>") == 50298
    assert export(open_xgen(), tmp_path / "new", pad_token="<|pad|>").vocab_size == 50314
    assert library(tmp_path / "new").token_to_id("<|pad|>") == 50313
    with pytest.raises(InputError, match="never learn to stop"):
        export(open_xgen(), tmp_path / "bad", pad_token="<|endoftext|>")
    with pytest.raises(InputError, match="without whitespace"):
        export(open_xgen(), tmp_path / "bad", pad_token="a b")
    assert not (tmp_path / "bad").exists()


def test_bos_is_added_only_on_request(tmp_path: Path) -> None:
    export(trained(), tmp_path / "plain")
    assert library(tmp_path / "plain").encode("ab").ids == trained().encode("ab")
    export(trained(), tmp_path / "bos", add_bos=True)
    assert library(tmp_path / "bos").encode("ab").ids == [trained().bos_id, *trained().encode("ab")]
    with pytest.raises(InputError, match="no BOS"):
        export(open_xgen(), tmp_path / "none", add_bos=True)


def test_nothing_is_overwritten(exported: Path) -> None:
    with pytest.raises(InputError, match="exists already"):
        export(trained(), exported)


def test_what_is_written_wrong_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xgen_tokenizer.exporter.tokenizer_json", wrong_json)
    with pytest.raises(FormatError, match="instead of"):
        export(trained(), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def wrong_json(vocabulary: Vocabulary, **options: bool) -> dict[str, Any]:
    from xgen_tokenizer.tokenizer_json import tokenizer_json

    content = tokenizer_json(vocabulary, **options)
    content["model"]["merges"] = content["model"]["merges"][::-1]
    return content


def test_written_without_the_library() -> None:
    script = """if True:
        import sys, tempfile; sys.modules["tokenizers"] = None
        from xgen_tokenizer import export, open_directory, open_xgen
        with tempfile.TemporaryDirectory() as folder:
            assert export(open_xgen(), folder).verified_texts is None
            assert open_directory(folder).fingerprint == open_xgen().fingerprint
    """
    subprocess.run([sys.executable, "-c", script], check=True)


def test_opened_again_it_is_ours(exported: Path, tmp_path: Path) -> None:
    for uri in (str(exported), f"dir:{exported}"):
        assert open_tokenizer(uri).fingerprint == open_xgen().fingerprint
    export(trained(), tmp_path / "out")
    again = open_directory(tmp_path / "out")
    assert isinstance(again, TiktokenTokenizer)
    assert again.fingerprint == trained().fingerprint


def foreign(directory: Path, **changes: Any) -> Path:
    """A tokenizer.json that a `Vocabulary` cannot express: digits are cut one by one."""
    export(trained(), directory)
    content = json.loads((directory / "tokenizer.json").read_text())
    steps = [{"type": "Digits", "individual_digits": True}, content["pre_tokenizer"]]
    content["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": steps}
    (directory / "tokenizer.json").write_text(json.dumps(content | changes))
    return directory


def test_a_foreign_file_keeps_the_contract(tmp_path: Path) -> None:
    tokenizer = open_directory(foreign(tmp_path / "other"))
    assert isinstance(tokenizer, HuggingFaceTokenizer)
    assert tokenizer.encode("12") == [*tokenizer.encode("1"), *tokenizer.encode("2")]
    assert (tokenizer.eos_id, tokenizer.bos_id) == (trained().eos_id, None)
    (tmp_path / "save").mkdir()
    check_tokenizer(tokenizer, open_directory, tmp_path / "save")


def test_ours_keeps_the_contract_too(tmp_path: Path) -> None:
    check_tokenizer(open_xgen("tiktoken"), open_directory, tmp_path)


def test_a_foreign_file_without_the_library(tmp_path: Path) -> None:
    directory = foreign(tmp_path / "other")
    script = f"""if True:
        import sys; sys.modules["tokenizers"] = None
        from xgen_core import MissingExtraError, open_tokenizer
        try:
            open_tokenizer({str(directory)!r})
        except MissingExtraError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "pip install 'xgen-tokenizer[hf]'" in done.stdout


def test_other_kinds_are_refused(tmp_path: Path) -> None:
    directory = foreign(tmp_path / "other", pre_tokenizer={"type": "Metaspace"})
    with pytest.raises(InputError, match="not byte-level BPE"):
        open_directory(directory)
    (directory / "tokenizer.json").write_text("{")
    with pytest.raises(FormatError, match="not JSON"):
        open_directory(directory)


def test_a_file_that_does_not_say_what_ends_a_document(tmp_path: Path) -> None:
    directory = foreign(tmp_path / "other", added_tokens=[])
    (directory / "tokenizer_config.json").unlink()
    (directory / "special_tokens_map.json").unlink()
    with pytest.raises(InputError, match="eos_token"):
        open_directory(directory)


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_jinja_renders_the_same_text(name: str) -> None:
    jinja2 = pytest.importorskip("jinja2")
    template = TEMPLATES[name]
    turns = (
        Message(role="user", content='  "quoted" {{ braces }} \\n\n é 🙂\n'),
        Message(role="assistant", content="Yes.", trained=True),
        Message(role="user", content=""),
    )
    compiled = jinja2.Environment(trim_blocks=True, lstrip_blocks=True).from_string(
        jinja_template(template)
    )
    for generate in (False, True):
        shown = compiled.render(
            messages=[turn.to_json() for turn in turns], add_generation_prompt=generate
        )
        assert shown == "".join(s.text for s in template.render(turns, generate=generate))


def test_a_template_needs_its_special_tokens(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"<\|im_start\|>.*extend or train with --template chatml"):
        export(open_xgen(), tmp_path / "out", template=CHATML)
    extended = open_xgen().vocabulary.extended(CHATML_SPECIALS)
    result = export(TiktokenTokenizer("c", extended, template=CHATML), tmp_path / "out")
    assert (result.template, result.vocab_size) == ("chatml", 50315)
    config = json.loads((tmp_path / "out" / "tokenizer_config.json").read_text())
    assert "<|im_start|>assistant" in config["chat_template"]


def test_a_directory_is_exported_whoever_made_it(tmp_path: Path) -> None:
    trained().save(tmp_path / "ours")
    export_directory(tmp_path / "ours", tmp_path / "a", 96)
    config = json.loads((tmp_path / "a/tokenizer_config.json").read_text())
    assert config["model_max_length"] == 96
    assert open_directory(tmp_path / "a").fingerprint == trained().fingerprint
    # With a normaliser no vocabulary of ours says it all, so the file itself goes on.
    document = json.loads((tmp_path / "a/tokenizer.json").read_text())
    document["normalizer"] = {"type": "NFC"}
    (tmp_path / "a/tokenizer.json").write_text(json.dumps(document))
    export_directory(tmp_path / "a", tmp_path / "b", 96)
    assert json.loads((tmp_path / "b/tokenizer.json").read_text()) == document
    with pytest.raises(InputError, match="no tokenizer in it"):
        export_directory(tmp_path, tmp_path / "c", 96)
