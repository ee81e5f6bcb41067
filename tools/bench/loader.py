"""How many tokens a core turns into full batches: `python tools/bench/loader.py`.

A synthetic store (two sources, documents of log-normal length with a mean near 1,000 tokens, as web
text has) is read through `read_batch` and through `Loader`. Figures are per CPU second of this
process, best of several rounds, since the machine's wall clock belongs to others too.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xgen_core import TokenBatch
from xgen_core.testing import ByteTokenizer
from xgen_data import DataRecipe, Loader, Order, SourceConfig, Stage, TokenStore, build, read_batch
from xgen_data.schedule import Packing

SHAPES: tuple[tuple[int, int, Packing], ...] = (
    (2048, 64, "concat"),
    (8192, 16, "concat"),
    (2048, 512, "concat"),
    (2048, 64, "best_fit"),
    (8192, 16, "best_fit"),
)
ROUNDS = 5


class OneIdPerByte(ByteTokenizer):
    """Makes a store quickly: a byte is an id already."""

    def encode_batch(self, texts: Sequence[str], *, specials: bool = False) -> TokenBatch:
        """Bytes as uint32, offsets as uint64."""
        parts = [text.encode() for text in texts]
        ids = np.frombuffer(b"".join(parts), np.uint8).astype(np.uint32)
        offsets = np.cumsum([0, *map(len, parts)], dtype=np.uint64)
        return TokenBatch(ids.data, offsets.data)


def make_store(directory: Path) -> TokenStore:
    """About 40 million tokens of two sources."""
    random = np.random.default_rng(0)
    sources: list[SourceConfig] = []
    for name in ("a", "b"):
        path = directory / f"{name}.jsonl"
        lengths = np.exp(random.normal(6.3, 1.1, 20_000)).astype(int) + 20
        with path.open("w") as file:
            for number, length in enumerate(lengths):
                text = f"{name}{number} ".ljust(length, "x")
                file.write(f'{{"text": "{text}"}}\n')
        sources.append(SourceConfig(name=name, uri=f"jsonl:{path}"))
    recipe = DataRecipe(sources=tuple(sources), block_tokens=2**22)
    return TokenStore.open(build(recipe, directory / "store", tokenizer=OneIdPerByte()))


def main() -> None:
    """Print millions of tokens per CPU second for each shape."""
    with tempfile.TemporaryDirectory() as directory:
        store = make_store(Path(directory))
        tokens = sum(size.tokens for size in store.line_sizes().values())
        print(f"store of {tokens / 1e6:.0f} Mtok")
        for length, rows, packing in SHAPES:
            stage = Stage(
                sequence_length=length,
                batch_size=rows,
                steps=64,
                weights={"a": 0.7, "b": 0.3},
                packing=packing,
            )
            order = Order(seed=0, stages=(stage,), lines=store.line_sizes())
            direct = loaded = 0.0
            for _ in range(ROUNDS):
                begun = time.process_time()
                for step in range(order.total_steps):
                    read_batch(store, order, step)
                direct = max(direct, stage.tokens / (time.process_time() - begun))
                begun = time.process_time()
                for _ in Loader(store, order).iterate():
                    pass
                loaded = max(loaded, stage.tokens / (time.process_time() - begun))
            print(
                f"{rows:4d} x {length}, {packing}: read_batch {direct / 1e6:.0f}, "
                f"Loader {loaded / 1e6:.0f} Mtok per CPU second"
            )


if __name__ == "__main__":
    main()
