"""XGen's own vocabulary: every id range, and ids published or derived by an independent program."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from xgen_core import InputError, open_tokenizer
from xgen_tokenizer import XGEN_CONTROL_TOKENS, open_xgen

VECTORS = [
    ("  ", [50286]),
    ("    ", [50284]),
    ("    return x", [50285, 1441, 2124]),
    ("\n    return x", [198, 50285, 1441, 2124]),
    (" " * 31 + "x", [50258, 2124]),
    (" " * 32 + "x", [50257, 2124]),
    (" " * 33 + "x", [50257, 220, 2124]),
    (" " * 40 + "x", [50257, 50280, 2124]),
    (" " * 70, [50257, 50257, 50280]),
    ("\t\tif", [197, 197, 361]),
    ("\t" * 11 + "x", [50287, 197, 197, 87]),
    ("a  b", [64, 220, 275]),
    ("  \n\n    x = 1", [50286, 628, 50285, 2124, 796, 352]),
    ("\r\n  x", [201, 198, 220, 2124]),
    ("\n\n\n", [628, 198]),
    ("### Human:", [21017, 5524, 25]),
    ("### Assistant:", [21017, 15286, 25]),
    ("\n###", [198, 21017]),
    (" A", [317]),
    ("A", [32]),
    (
        "int add(int a, int b) { return a + b; }\nπ",
        [600, 751, 7, 600, 257, 11, 493, 275, 8, 1391, 1441, 257, 1343, 275, 26, 1782, 198, 46582],
    ),
]


@pytest.mark.parametrize(("text", "ids"), VECTORS)
def test_published_and_derived_vectors(text: str, ids: list[int]) -> None:
    assert open_xgen().encode(text) == ids
    assert open_xgen().decode(ids) == text


def test_fill_in_the_middle_vector() -> None:
    text = "<fim_prefix>abc<fim_suffix>xyz<fim_middle>"
    ids = [50295, 39305, 50297, 5431, 89, 50296]
    assert open_xgen().encode(text, specials=True) == ids
    assert open_xgen().decode(ids) == text


def test_size_and_policy() -> None:
    xgen = open_xgen()
    assert xgen.name == "xgen"
    assert xgen.vocab_size == 50313
    assert xgen.eos_id == xgen.special_ids["<|endoftext|>"] == 50256
    assert xgen.bos_id is None


def test_mergeable_ranks_are_those_of_gpt2() -> None:
    lines = open_xgen().vocabulary.rank_lines().splitlines(keepends=True)[:50256]
    # what tiktoken expects of r50k_base.tiktoken, GPT-2's ranks in this very format
    expected = "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930"
    assert hashlib.sha256(b"".join(lines)).hexdigest() == expected


@pytest.mark.parametrize("length", range(2, 32))
def test_space_runs(length: int) -> None:
    assert open_xgen().token_bytes(50288 - length) == b" " * length
    assert open_xgen().encode(" " * length) == [50288 - length]


@pytest.mark.parametrize("length", range(2, 10))
def test_tab_runs(length: int) -> None:
    assert open_xgen().token_bytes(50296 - length) == b"\t" * length
    assert open_xgen().encode("\t" * length) == [50296 - length]


def test_control_tokens() -> None:
    names = [
        *("<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>"),
        *("<filename>", "<gh_stars>", "<issue_start>", "<issue_comment>", "<issue_closed>"),
        *("<jupyter_start>", "<jupyter_text>", "<jupyter_code>", "<jupyter_output>"),
        *("<empty_output>", "<commit_before>", "<commit_msg>", "<commit_after>", "<reponame>"),
    ]
    assert list(XGEN_CONTROL_TOKENS) == names
    for token_id, name in enumerate(names, 50295):
        assert open_xgen().encode(name, specials=True) == [token_id]
        assert open_xgen().token_bytes(token_id) == name.encode()


def test_whitespace_that_gpt2_has() -> None:
    singles = {"\t": 197, "\n": 198, "\f": 200, "\r": 201, " ": 220, "\n\n": 628}
    assert {text: open_xgen().encode(text) for text in singles} == {
        text: [token_id] for text, token_id in singles.items()
    }


def test_opened_by_uri() -> None:
    assert open_tokenizer("xgen").fingerprint == open_xgen().fingerprint
    with pytest.raises(InputError, match="one XGen tokenizer"):
        open_tokenizer("xgen:large")


def test_fingerprint_is_pinned() -> None:
    """Checkpoints and token stores carry it: it may change with the format's version only."""
    expected = "be44a5e44ee8e2a8c85e03bf0c8aa63c705b0883568d773cfac028d2bd9fe8e2"
    assert open_xgen().fingerprint == expected


def test_importing_is_cheap_and_no_jax_is_ever_loaded() -> None:
    script = """if True:
        import sys
        import xgen_tokenizer
        assert not {"tiktoken", "numpy", "tokenizers"} & set(sys.modules)
        tokenizer = xgen_tokenizer.train_bpe(["ab ab abc"] * 3, vocab_size=263)
        assert tokenizer.decode(tokenizer.encode("ab")) == "ab"
        assert set(xgen_tokenizer.__all__) <= {n for n in xgen_tokenizer.__all__
                                               if getattr(xgen_tokenizer, n) is not None}
        assert not {"jax", "jaxlib", "torch"} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", script], check=True)
