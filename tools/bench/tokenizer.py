"""How fast XGen's tokenizer is, beside its peers, and whether all give the same ids.

    python tools/bench/tokenizer.py                  # rates; some minutes for 200 MB
    python tools/bench/tokenizer.py --check          # equality on random strings and documents
    python tools/bench/tokenizer.py --workers 2      # how encode_parallel scales

The corpus is text that the machine has: sources, documentation, licences, manual pages; distinct
files, in an order shuffled by path, and each byte is encoded once by each peer, since repetition
flatters a tokenizer that remembers words. Peers take turns on slice after slice. Rates are
megabytes (10^6 bytes of UTF-8) per CPU second of this process with all its threads, the median over
the slices. So that it ends, tiktoken gets every fourth document of a slice and Hugging Face
`tokenizers` every twentieth; neither of them gains or loses by it.

Needs xgen-tokenizer[fast,hf].
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random

import tiktoken
from tokenizers import Tokenizer as HuggingFace

from xgen_tokenizer import TiktokenTokenizer, encode_parallel, export, open_xgen

SUFFIXES = (
    *(".c", ".cc", ".cfg", ".cpp", ".css", ".go", ".h", ".hpp", ".html", ".java", ".js", ".json"),
    *(".md", ".mjs", ".pl", ".pm", ".po", ".py", ".pyi", ".pyx", ".rb", ".rs", ".rst", ".sh"),
    *(".sql", ".tcl", ".tex", ".toml", ".ts", ".txt", ".xml", ".yaml", ".yml"),
)
NAMES = ("LICENSE", "README", "COPYING", "copyright", "changelog", "METADATA", "NEWS")
LARGEST = 4 << 20
BATCH_BYTES = 8_000_000

SPACES = [chr(c) for c in (9, 10, 11, 12, 13, 28, 29, 30, 31, 32, 133, 160, 0x1680, 0x2003, 0x3000)]
FRAGMENTS = (
    *(
        "<|endoftext|>",
        "<fim_prefix>",
        "<|im_start|>",
        "'s",
        "'ll",
        "'LL",
        "don't",
        "e\u0301",
        "🙂",
    ),
    *(
        "👩‍👩‍👧",
        "9",
        "१२",
        "½",
        "abc",
        "return",
        "\r\n",
        "=====",
        "def ",
        "_",
        "\x00",
        "漢字",
        "русский",
    ),
    *("٣", "ſ", "'ſ", "\u200b", "\ufeff", "\u088f", "\U00032a50", "\U0001e6c0"),
)


def candidates(roots: Sequence[Path]) -> list[Path]:
    """Files that look like text, shuffled by the hash of their paths."""
    found: list[Path] = []
    for root in roots:
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if name not in (".git", "__pycache__")]
            found += [
                Path(folder, name)
                for name in names
                if Path(name).suffix in SUFFIXES or name.startswith(NAMES) or "/man/" in folder
            ]
    return sorted(set(found), key=lambda path: hashlib.sha256(bytes(path)).digest())


def documents(
    roots: Sequence[Path], limit: int, kinds: Counter[str], largest: int = LARGEST
) -> Iterator[str]:
    """Distinct UTF-8 texts of files up to `largest`, `limit` bytes in all; counts bytes by kind."""
    seen: set[bytes] = set()
    for path in candidates(roots):
        if limit <= 0:
            return
        try:
            if path.is_symlink() or path.stat().st_size > largest:
                continue
            data = path.read_bytes()
            data = gzip.decompress(data) if path.suffix == ".gz" else data
            text = data.decode("utf-8")
        except (OSError, EOFError, UnicodeDecodeError):
            continue  # unreadable, or no text: not part of the corpus
        key = hashlib.sha256(data).digest()
        if not text or key in seen:
            continue
        seen.add(key)
        kinds[path.suffix or path.name] += len(data)
        limit -= len(data)
        yield text


def size(texts: Sequence[str]) -> int:
    """UTF-8 bytes."""
    return sum(len(text.encode()) for text in texts)


def batches(texts: Sequence[str], batch_bytes: int = BATCH_BYTES) -> list[list[str]]:
    """Consecutive texts of about `batch_bytes` together."""
    made: list[list[str]] = [[]]
    room = batch_bytes
    for text in texts:
        if room <= 0:
            made.append([])
            room = batch_bytes
        made[-1].append(text)
        room -= len(text)
    return made


def exported() -> HuggingFace:
    """Our `tokenizer.json`, run by Hugging Face."""
    with tempfile.TemporaryDirectory() as folder:
        export(open_xgen(), Path(folder, "exported"))
        written = HuggingFace.from_file(str(Path(folder, "exported", "tokenizer.json")))
    written.encode_special_tokens = True
    return written


def rates(texts: list[str], rounds: int) -> None:
    """Print the rate of each peer, and ours against each."""
    fast, reference, hugging_face = open_xgen("fast"), encoding(), exported()
    peers: dict[str, tuple[Callable[[list[str]], object], int]] = {
        "ours, fast": (fast.encode_batch, 1),
        "tiktoken encode_ordinary_batch": (reference.encode_ordinary_batch, 4),
        "ours, tiktoken": (open_xgen("tiktoken").encode_batch, 4),
        "tokenizers encode_batch_fast": (
            lambda batch: hugging_face.encode_batch_fast(batch, add_special_tokens=False),
            20,
        ),
    }
    for encode, _ in peers.values():
        encode(["first call", "initialises"])
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in peers}
    for number in range(rounds):
        part = texts[number::rounds]
        for name, (encode, every) in peers.items():
            chosen = part[::every]
            made = batches(chosen)
            cpu, wall = time.process_time(), time.perf_counter()
            for batch in made:
                encode(batch)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            megabytes = size(chosen) / 1e6
            measured[name].append((megabytes / cpu, megabytes / wall))
    best = statistics.median(cpu for cpu, _ in measured["ours, fast"])
    print(f"{'':32}  MB/CPU-s  (lowest to highest)  MB/s wall  ours is")
    for name, values in measured.items():
        cpu = [value for value, _ in values]
        middle = statistics.median(cpu)
        wall = statistics.median(value for _, value in values)
        spread = f"({min(cpu):.1f} to {max(cpu):.1f})"
        print(f"{name:32}  {middle:8.1f}  {spread:>21}  {wall:9.1f}  {best / middle:6.1f} x")


def encoding() -> tiktoken.Encoding:
    """The peer: tiktoken itself, with XGen's vocabulary."""
    ours = open_xgen().vocabulary
    return tiktoken.Encoding(
        "xgen",
        pat_str=ours.pattern,
        mergeable_ranks=dict(ours.ranks),
        special_tokens=dict(ours.specials),
    )


def fuzzed(count: int, seed: int) -> list[str]:
    """Random strings of whitespace runs, fragments that break tokenizers, and any characters."""
    random = Random(seed)

    def character() -> str:
        while True:
            code = random.randrange(random.choice((0x250, 0x3000, 0x10000, 0x110000)))
            if not 0xD800 <= code < 0xE000:
                return chr(code)

    def piece() -> str:
        kind = random.random()
        if kind < 0.2:
            return random.choice(SPACES) * random.choice((1, 1, 1, 2, 2, 3, 8, 9, 10, 31, 32, 63))
        if kind < 0.35:
            return " " * random.randrange(1, 40)
        if kind < 0.7:
            return random.choice(FRAGMENTS)
        return "".join(character() for _ in range(random.randrange(1, 6)))

    return ["".join(piece() for _ in range(random.randrange(1, 14))) for _ in range(count)]


def check(texts: list[str], strings: int, seed: int) -> bool:
    """Compare every backend and the exported file with tiktoken; prints counts."""
    reference, hugging_face = encoding(), exported()
    right = True
    for label, sample in ((f"{strings:,} fuzzed strings", fuzzed(strings, seed)), ("real", texts)):
        shown = label if label != "real" else f"{len(sample):,} real documents"
        print(f"{shown}, {size(sample) / 1e6:.1f} MB")
        expected = reference.encode_ordinary_batch(sample)
        found = {
            "xgen:fast": split(open_xgen("fast"), sample),
            "xgen:tiktoken": split(open_xgen("tiktoken"), sample),
            "exported tokenizer.json": [
                each.ids
                for each in hugging_face.encode_batch_fast(sample, add_special_tokens=False)
            ],
        }
        for name, ids in found.items():
            wrong = [t for t, a, b in zip(sample, ids, expected, strict=True) if list(a) != b]
            print(f"  {name:24} {len(sample) - len(wrong):,} equal, {len(wrong):,} different")
            for text in wrong[:3]:
                print(f"    {text[:100]!r}")
            right = right and not wrong
    return right


def split(tokenizer: TiktokenTokenizer, texts: list[str]) -> list[list[int]]:
    """Ids by text, encoded as one batch."""
    batch = tokenizer.encode_batch(texts)
    return [batch.ids[a:b].tolist() for a, b in pairwise(batch.offsets)]


def scaling(texts: list[str], workers: int) -> None:
    """Print the wall-clock rate of `encode_parallel` with 1 and with `workers` processes."""
    for name, share in (("tiktoken", 4), ("fast", 1)):
        tokenizer = open_xgen(name)
        for count in (1, workers):
            made = batches(texts[::share], 2_000_000)
            begun = 0.0
            done = 0
            for number, _ in enumerate(encode_parallel(tokenizer, made, workers=count)):
                if number == 4 * count - 1:  # the processes have started and are warm
                    begun = time.perf_counter()
                elif begun:
                    done += size(made[number])
            rate = done / 1e6 / (time.perf_counter() - begun)
            print(f"xgen:{name}, {count} processes: {rate:.1f} MB/s of wall clock")


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=200, help="of text to gather (200)")
    parser.add_argument("--rounds", type=int, default=5, help="slices of the corpus (5)")
    parser.add_argument("--root", type=Path, action="append", help="where to look for text")
    parser.add_argument("--check", action="store_true", help="compare ids instead")
    parser.add_argument("--strings", type=int, default=50_000, help="fuzzed strings for --check")
    parser.add_argument("--documents", type=int, default=10_000, help="documents for --check")
    parser.add_argument("--seed", type=int, default=0, help="of the fuzzed strings")
    parser.add_argument("--workers", type=int, help="measure encode_parallel with that many")
    chosen = parser.parse_args()
    roots = chosen.root or [Path(p) for p in (sys.prefix, sys.base_prefix, "/usr", "/opt")]
    kinds: Counter[str] = Counter()
    limit = 40_000_000 if chosen.check else chosen.megabytes * 1_000_000
    # for a comparison, many documents matter more than long ones
    texts = list(documents(roots, limit, kinds, 10_000 if chosen.check else LARGEST))
    common = ", ".join(f"{kind} {count / 1e6:.0f}" for kind, count in kinds.most_common(8))
    print(f"{len(texts):,} distinct documents, {size(texts) / 1e6:.0f} MB ({common} MB)")
    if size(texts) < 0.98 * limit and not chosen.check:
        print(f"that is all this machine has below {', '.join(map(str, roots))}")
    if chosen.check:
        return 0 if check(texts[: chosen.documents], chosen.strings, chosen.seed) else 1
    if chosen.workers:
        scaling(texts, chosen.workers)
    else:
        rates(texts, chosen.rounds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
