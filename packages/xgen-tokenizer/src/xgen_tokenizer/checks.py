"""What `xgen doctor` asks of this package."""

from __future__ import annotations

from collections.abc import Iterator

from xgen_core import Check

__all__ = ["checks"]


def checks() -> Iterator[Check]:
    """XGen's vocabulary is whole, and what encodes it is right; says which backend that is."""
    from xgen_tokenizer.open import open_xgen

    tokenizer = open_xgen()
    ids = tokenizer.encode("    return x")
    right = ids == [50285, 1441, 2124]
    yield Check(
        name="tokenizer",
        status="ok" if right else "failure",
        detail=f"xgen, {tokenizer.vocab_size:,} ids"
        if right
        else f"xgen gives {ids} for '    return x', not [50285, 1441, 2124]: reinstall "
        "xgen-tokenizer and tiktoken",
    )
    backend = tokenizer.backend
    broken = backend.name == "tiktoken" and "not installed" not in backend.reason
    yield Check(
        name="tokenizer backend",
        status="warning" if broken else "ok",
        detail=f"{backend.name}: {backend.reason}",
    )
