"""A corpus of the text that a machine has, for `tools/bench/data.py`.

Two parts in five are files: documentation, web pages without their tags, sources, licences. Half
are web-like pages: paragraphs of these files in new company, with headings, lists, cut and repeated
lines as pages have them. A tenth are near-duplicates of such pages, whose id says of which: words
replaced here and there, half of them few (similarity 0.9 to 1), half of them any number (0.3 to 1).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from random import Random

KINDS = {".md": 4, ".rst": 4, ".html": 4, ".py": 1, ".txt": 2, "doc": 2}
"""Suffixes (`doc`: anything else below a `doc` directory), and how much of each, relatively."""
ROOTS = ("/usr", "/opt", "/home", sys.prefix, sys.base_prefix)
BLOCKS = frozenset(("br", "div", "h1", "h2", "h3", "li", "p", "pre", "section", "td", "tr"))
UNSEEN = frozenset(("head", "script", "style"))
SMALLEST, LARGEST = 200, 60_000


class _Text(HTMLParser):
    """The text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unseen += tag in UNSEEN
        if tag in BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.unseen -= tag in UNSEEN and self.unseen > 0
        if tag in BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.parts.append(re.sub(r"\s+", " ", data) if "\n" in data else data)


def page_text(html: str) -> str:
    """What a reader sees of a page."""
    parser = _Text()
    parser.feed(html)
    return re.sub(r"\n\s*\n+", "\n\n", "".join(parser.parts)).strip()


def find_files() -> dict[str, list[Path]]:
    """Paths by kind, in an order that only their names decide."""
    found: dict[str, set[Path]] = {kind: set() for kind in KINDS}
    for root in dict.fromkeys(ROOTS):
        for directory, _, names in os.walk(root):
            for path in (Path(directory, name) for name in names):
                kind = path.suffix
                if kind not in KINDS and "doc" in path.parts:
                    kind = "doc"
                if kind in KINDS:
                    found[kind].add(path)
    return {kind: sorted(paths, key=_order) for kind, paths in found.items()}


def _order(path: Path) -> bytes:
    return hashlib.sha256(bytes(path)).digest()


def read(path: Path, kind: str) -> str | None:
    """A file's text, if it is text of some length."""
    try:
        data = path.read_bytes()[: 10 * LARGEST]
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except (OSError, EOFError, ValueError):  # not readable, or cut inside a character
        return None
    text = page_text(text) if kind == ".html" else text
    return text if SMALLEST < len(text) < LARGEST else None


def take_files(count: int) -> Iterator[tuple[str, str]]:
    """Id and text of files, no text twice."""
    seen: set[bytes] = set()
    for kind, paths in find_files().items():
        wanted = round(count * KINDS[kind] / sum(KINDS.values()))
        for path in paths:
            if not wanted:
                break
            text = read(path, kind)
            digest = hashlib.sha256((text or "").encode("utf-8")).digest()
            if text is None or digest in seen:
                continue
            seen.add(digest)
            wanted -= 1
            yield str(path), text


def prose(texts: list[str]) -> tuple[list[str], list[str]]:
    """Paragraphs that read as prose, and short lines such as headings are."""
    paragraphs: dict[str, None] = {}
    headings: dict[str, None] = {}
    for text in texts:
        for block in re.split(r"\n\s*\n", text):
            words = block.split()
            joined = " ".join(words)
            letters = sum(c.isalpha() or c == " " for c in joined)
            if 12 < len(words) < 120 and joined[-1] in ".!?" and letters > 0.93 * len(joined):
                paragraphs[joined] = None
            elif 0 < len(words) < 8:
                headings[joined] = None
    return list(paragraphs), list(headings)


def web_page(random: Random, pile: list[str], headings: list[str]) -> str:
    """A page of three to fifteen of the pile's paragraphs, with what surrounds them in pages."""
    lines = [pile.pop() for _ in range(min(len(pile), random.randint(3, 15)))]
    for _ in range(int(len(lines) * random.random() * 2)):
        lines.insert(random.randint(0, len(lines)), random.choice(headings))
    if random.random() < 0.2:
        lines += random.choices(lines, k=random.randint(1, 3))
    if random.random() < 0.2:
        place = random.randrange(len(lines))
        lines[place] = " ".join(lines[place].split()[:6]) + "..."
    if random.random() < 0.15:
        lines = [f"- {line}" for line in lines]
    return random.choice(("\n", "\n\n")).join(lines)


def changed(random: Random, text: str, similarity: float, words: list[str]) -> str:
    """The text with words replaced so that about this share of its five-word shingles is common."""
    parts = re.split(r"(\s+)", text)
    places = [i for i in range(0, len(parts), 2) if parts[i].isalpha()]
    count = len(places) * (1 - similarity) / (1 + similarity) / 5
    step = len(places) / max(1.0, count)  # evenly, so that each change spoils five
    at = random.random() * step
    while at < len(places):
        parts[places[int(at)]] = random.choice(words)
        at += step
    return "".join(parts)


def gather(path: Path, count: int) -> None:
    """Write about `count` documents, shuffled, as JSONL with `id` and `text`."""
    random = Random(4)
    files = list(take_files(2 * count // 5))
    paragraphs, headings = prose([text for _, text in files])
    words = [w for p in paragraphs[:500] for w in p.split() if w.isalpha()]
    pages: list[tuple[str, str]] = []
    pile: list[str] = []
    for number in range(count // 2):
        if len(pile) < 15:
            pile = random.sample(paragraphs, len(paragraphs))
        pages.append((f"page-{number}", web_page(random, pile, headings)))
    planted: list[tuple[str, str]] = []
    for number, (of, text) in enumerate(random.sample(pages, count // 10)):
        similarity = random.uniform(0.9 if number % 2 else 0.3, 1.0)
        planted.append((f"near:{of}", changed(random, text, similarity, words)))
    rows = files + pages + planted
    random.shuffle(rows)
    with path.open("w", encoding="utf-8") as out:
        for identity, text in rows:
            print(json.dumps({"id": identity, "text": text}, ensure_ascii=False), file=out)


if __name__ == "__main__":
    if len(sys.argv) < 3:  # `make bench` calls every script without arguments
        print("called by tools/bench/data.py")
    else:
        gather(Path(sys.argv[1]), int(sys.argv[2]))
