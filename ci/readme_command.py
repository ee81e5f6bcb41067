"""Print a command from the README, so that CI runs what the README promises: `make test`, say.

The command is the line that begins with `make NAME` inside a fenced code block.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def main(name: str) -> None:
    """Print the first `make NAME…` line of the README's code blocks."""
    text = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
    for block in re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            command = line.partition("#")[0].strip()
            if command.split()[:2] == ["make", name]:
                print(command)
                return
    sys.exit(f"README.md has no `make {name}` in a code block")


if __name__ == "__main__":
    main(sys.argv[1])
