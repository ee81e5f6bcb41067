"""A tokenizer plug-in for tests: bytes as ids. `bytes:`, `bytes:bos`, `bytes:large`.

With BYTES_DIE_AFTER=n in the environment the process ends at the n-th batch, as if killed.
"""

import hashlib
import json
import os
import re
from array import array
from pathlib import Path

from xgen_core import TokenBatch

SPECIALS = ("<end>", "<begin>", "<mark>")


class ByteTokenizer:
    def __init__(self, options=()):
        self.bos_id = 257 if "bos" in options else None
        self._shift = 2**16 if "large" in options else 0  # ids that need 32 bits
        self.name = "-".join(["bytes", *options])
        self.eos_id = 256
        self.vocab_size = self._shift + 256 if self._shift else 256 + len(SPECIALS)
        self.special_ids = {name: 256 + i for i, name in enumerate(SPECIALS)}
        self.fingerprint = hashlib.sha256(self.name.encode()).hexdigest()
        self._batches = 0

    def encode(self, text, *, specials=False):
        if not specials:
            return [b + self._shift for b in text.encode()]
        parts = re.split("(" + "|".join(map(re.escape, SPECIALS)) + ")", text)
        return [
            i
            for part in parts
            for i in ([self.special_ids[part]] if part in SPECIALS else self.encode(part))
        ]

    def encode_batch(self, texts, *, specials=False):
        self._batches += 1
        if os.environ.get("BYTES_DIE_AFTER") == str(self._batches):
            os._exit(9)
        ids, offsets = array("I"), array("Q", [0])
        for text in texts:
            ids.extend(self.encode(text, specials=specials))
            offsets.append(len(ids))
        return TokenBatch(memoryview(ids), memoryview(offsets))

    def decode(self, ids):
        return b"".join(self.token_bytes(i) for i in ids).decode("utf-8", "replace")

    def token_bytes(self, token_id):
        plain = token_id - self._shift
        if 0 <= plain < 256:
            return bytes([plain])
        return SPECIALS[token_id - 256].encode()

    def save(self, directory: Path):
        (directory / "bytes.json").write_text(json.dumps({"name": self.name}))


def open_bytes(rest):
    return ByteTokenizer(tuple(rest.split("-")) if rest else ())
