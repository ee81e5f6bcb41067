"""Write constraints.txt from the environments that the tests passed in.

Run `pip list --format=freeze` in each tested environment, then

    python tools/constraints.py 3.11=py311.txt 3.12=py312.txt > constraints.txt

A version that both share stands alone; otherwise each gets a `python_version` marker, the newest
Python's also holding for later ones. Our own packages and pip itself are left out.
"""

from __future__ import annotations

import sys
from pathlib import Path

LEFT_OUT = ("xgen-", "pip==", "setuptools==")
HEADER = """\
# Versions that the tests passed with, on Python 3.11 and 3.12. Names and versions only.
# Written by tools/constraints.py; the reasons for jax and flax are in docs/adr/0001-versions.md.
"""


def read(path: Path) -> dict[str, str]:
    """Versions by normalised name."""
    found: dict[str, str] = {}
    for line in path.read_text().splitlines():
        if "==" in line and not line.lower().startswith(LEFT_OUT):
            name, _, version = line.strip().partition("==")
            found[name.lower().replace("_", "-")] = version
    return found


def main(arguments: list[str]) -> None:
    """Merge `PYTHON=FILE` arguments, oldest Python first."""
    tables = [(a.partition("=")[0], read(Path(a.partition("=")[2]))) for a in arguments]
    print(HEADER, end="")
    for name in sorted({n for _, table in tables for n in table}):
        versions = {table[name] for _, table in tables if name in table}
        if len(versions) == 1:
            print(f"{name}=={versions.pop()}")
            continue
        for position, (python, table) in enumerate(tables):
            if name in table:
                relation = ">=" if position == len(tables) - 1 else "=="
                print(f'{name}=={table[name]} ; python_version {relation} "{python}"')


if __name__ == "__main__":
    main(sys.argv[1:])
