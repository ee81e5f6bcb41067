"""Print the packages that a change can affect: those it touches and those that build on them.

    python ci/changed.py origin/main

A change outside `packages/` (tools, settings, documents) affects all of them.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def dependents() -> dict[str, set[str]]:
    """For each package, the packages that declare it as a dependency."""
    manifests = {
        path.parent.name: tomllib.loads(path.read_text("utf-8"))["project"]
        for path in ROOT.glob("packages/*/pyproject.toml")
    }
    found: dict[str, set[str]] = {name: set() for name in manifests}
    for name, project in manifests.items():
        for dependency in project.get("dependencies", []):
            base = re.split(r"[\s\[<>=!~;]", dependency, maxsplit=1)[0]
            if base in found:
                found[base].add(name)
    return found


def affected(paths: list[str]) -> list[str]:
    """Packages affected by a change to `paths`, sorted."""
    above = dependents()
    touched: set[str] = set()
    for path in paths:
        parts = Path(path).parts
        if len(parts) > 1 and parts[0] == "packages" and parts[1] in above:
            touched.add(parts[1])
        else:
            return sorted(above)
    waiting = list(touched)
    while waiting:
        for name in above[waiting.pop()] - touched:
            touched.add(name)
            waiting.append(name)
    return sorted(touched)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python ci/changed.py BASE")
    changed = subprocess.run(
        ["git", "diff", "--name-only", sys.argv[1]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    print("\n".join(affected(changed.stdout.split("\n")[:-1])))
