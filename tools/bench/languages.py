"""Identification of single lines: `python tools/bench/languages.py DIR`.

DIR holds NTREX-128's files, one a language (`newstest2019-ref.zul.txt`). Printed for each language
and each backend that is installed: per cent of the lines called right, unknown, and wrong, and
milliseconds a line. Lines are in Unicode NFC.
"""

from __future__ import annotations

import sys
import time
import unicodedata
from pathlib import Path

from xgen_data.language import UNKNOWN, Backend, backends, identify, standard_code
from xgen_ldp import find_language

BACKENDS: tuple[Backend, ...] = ("fasttext", "langid", "cld2", "votes")


def main(directory: Path) -> None:
    """Print a line for each language, and the means."""
    installed = backends()
    asked: list[Backend] = [name for name in BACKENDS if name in installed]
    print(f"{'':10}" + "".join(f"{name:>24}" for name in asked))
    print(f"{'':10}" + "".join(f"{'right  unkn. wrong   ms':>24}" for _ in asked))
    sums = {name: [0.0, 0.0, 0.0] for name in asked}
    files = sorted(directory.glob("*.txt"))
    for path in files:
        name = path.name.split(".")[1]
        wanted = {standard_code(code) for code in find_language(name).codes}
        text = unicodedata.normalize("NFC", path.read_text("utf-8"))
        lines = [line for line in text.splitlines() if line.strip()]
        cells = ""
        for backend in asked:
            identify(lines[:1], backend=backend)  # loads the model
            begun = time.perf_counter()
            verdicts = [verdict.code for verdict in identify(lines, backend=backend)]
            spent = 1000 * (time.perf_counter() - begun) / len(lines)
            right = sum(standard_code(code) in wanted for code in verdicts)
            unknown = verdicts.count(UNKNOWN)
            counts = (right, unknown, len(lines) - right - unknown)
            shares = [100 * count / len(lines) for count in counts]
            sums[backend] = [a + b for a, b in zip(sums[backend], shares, strict=True)]
            cells += "".join(f"{share:6.1f}" for share in shares) + f"{spent:6.2f}"
        print(f"{name:10}{cells}", flush=True)
    means = ("".join(f"{total / len(files):6.1f}" for total in sums[n]) + " " * 6 for n in asked)
    print(f"{'mean':10}{''.join(means)}")


if __name__ == "__main__":
    if len(sys.argv) == 2 and any(Path(sys.argv[1]).glob("*.txt")):
        main(Path(sys.argv[1]))
    else:
        print("passed over: python tools/bench/languages.py DIR (of NTREX-128's files)")
